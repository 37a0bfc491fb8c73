//! The Maxwell filter as a method of a chain.

use super::history::{check_history, proc_record};
use super::info::output_info;
use super::operator::MaxwellOperator;
use super::params::MaxwellParams;
use super::plan::Plan;
use bakusoku_core::{Bound, Bytes, LinearMap, Method, Need, Result, Stream};
use serde_json::Value;
use std::sync::Arc;

/// The Maxwell filter (`mne.preprocessing.maxwell_filter`). It is a matrix over the MEG channels, unless it works in
/// windows or with head positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaxwellFilter {
    /// Its parameters.
    pub params: MaxwellParams,
}

impl MaxwellFilter {
    /// A Maxwell filter with these parameters.
    pub fn new(params: MaxwellParams) -> Self {
        Self { params }
    }

    fn plan(&self, input: &Stream) -> Result<Plan> {
        let skip: Vec<&str> = self.params.skip_by_annotation.iter().map(String::as_str).collect();
        Plan::new(&input.info, input.first_samp, &input.segments(&skip), &self.params)
    }
}

impl Method for MaxwellFilter {
    fn name(&self) -> &'static str {
        "maxwell_filter"
    }
    fn parameters(&self) -> Value {
        self.params.to_json()
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        check_history(&input.info, &self.params)?;
        let plan = self.plan(input)?;
        let mut info = output_info(&input.info, &self.params);
        info.push_proc_history(&proc_record(&self.params, info.sfreq, &plan.report));
        Ok(Stream { info: Arc::new(info), ..input.clone() })
    }
    fn need(&self, input: &Stream, threads: usize) -> Need {
        match self.plan(input) {
            Ok(plan) if plan.matrix().is_none() => Need { memory: Bytes(plan.held_bytes(threads)), ..Need::default() },
            _ => Need::default(),
        }
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let plan = self.plan(input)?;
        for warning in &plan.report.warnings {
            tracing::warn!("{warning}");
        }
        Ok(match plan.matrix() {
            Some(matrix) => Bound::Matrix(LinearMap {
                channels: plan.picks().to_vec(),
                matrix,
                segments: plan.segments.clone(),
                finite: true,
            }),
            None => Bound::Columns(Box::new(MaxwellOperator::new(plan))),
        })
    }
}
