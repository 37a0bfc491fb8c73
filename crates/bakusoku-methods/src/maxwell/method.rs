//! The Maxwell filter as a method of a flow.

use super::history::{check_history, proc_record};
use super::info::output_info;
use super::operator::MaxwellOperator;
use super::params::MaxwellParams;
use super::plan::Plan;
use super::report::MaxwellReport;
use bakusoku_core::{Bound, Bytes, Factored, LinearMap, Method, Need, Result, Stream};
use std::sync::{Arc, Mutex, PoisonError};

/// The Maxwell filter (`mne.preprocessing.maxwell_filter`). It is a matrix over the MEG channels, unless it works in
/// windows or with head positions.
#[derive(Debug, Default)]
pub struct MaxwellFilter {
    params: MaxwellParams,
    slot: Option<ReportSlot>,
    /// The last plan that was made, and for which stream: output, need and coefficients come from the same one.
    planned: Mutex<Option<(Stream, Arc<Plan>)>>,
}

/// Where a filter leaves what it did, once it has run.
pub type ReportSlot = Arc<Mutex<Option<MaxwellReport>>>;

/// Puts a report in its place.
pub(super) fn leave(slot: Option<&ReportSlot>, report: MaxwellReport) {
    if let Some(slot) = slot {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }
}

impl MaxwellFilter {
    /// A Maxwell filter with these parameters.
    pub fn new(params: MaxwellParams) -> Self {
        Self { params, slot: None, planned: Mutex::default() }
    }
    /// The same, that leaves what it did in `slot` when it has run.
    #[must_use]
    pub fn report_into(mut self, slot: ReportSlot) -> Self {
        self.slot = Some(slot);
        self
    }

    fn plan(&self, input: &Stream) -> Result<Arc<Plan>> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stream, plan)) = &*planned
            && Arc::ptr_eq(&stream.info, &input.info)
            && (stream.first_samp, stream.n_times) == (input.first_samp, input.n_times)
            && (&stream.gaps, &stream.annotations) == (&input.gaps, &input.annotations)
        {
            return Ok(Arc::clone(plan));
        }
        let skip: Vec<&str> = self.params.skip_by_annotation.iter().map(String::as_str).collect();
        let plan = Arc::new(Plan::new(&input.info, input.first_samp, &input.segments(&skip), &self.params)?);
        *planned = Some((input.clone(), Arc::clone(&plan)));
        Ok(plan)
    }
}

impl Method for MaxwellFilter {
    fn name(&self) -> &'static str {
        "maxwell_filter"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        check_history(&input.info, &self.params)?;
        let plan = self.plan(input)?;
        let mut info = output_info(&input.info, &self.params, &plan.report);
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
        Ok(match plan.matrix() {
            Some(matrix) => {
                // All that a matrix does is known.
                warn(&plan);
                leave(self.slot.as_ref(), plan.report.clone());
                Bound::Matrix(LinearMap {
                    channels: plan.picks().to_vec(),
                    matrix,
                    offset: None,
                    segments: plan.segments.clone(),
                    finite: true,
                })
            }
            None => Bound::Columns(Box::new(MaxwellOperator::new(plan, self.slot.clone()))),
        })
    }
    fn factor(&self, input: &Stream) -> Result<Option<Factored>> {
        let plan = self.plan(input)?;
        let Some(expansion) = plan.expansion() else { return Ok(None) };
        let operator = Box::new(MaxwellOperator::of_moments(plan, self.slot.clone()));
        Ok(Some(Factored { operator, expansion }))
    }
}

/// Says what is odd about a plan that is being followed.
pub(super) fn warn(plan: &Plan) {
    for warning in &plan.report.warnings {
        tracing::warn!("{warning}");
    }
}
