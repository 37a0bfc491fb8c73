//! Bases at head positions, made when samples need them and dropped afterwards.

use super::decompose::Decomposition;
use super::plan::Plan;
use super::report::{DecompositionReport, MaxwellReport};
use super::temporal::Splitter;
use bakusoku_core::{Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, s};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a head position makes of the good channels.
#[derive(Clone, Debug)]
pub(super) struct Spatial {
    /// Inner moments, `(n_moments, n_good)`.
    pub ps: Array2<f64>,
    /// Inner part and residual, `(n_good, n_good)` each, where the temporal extension works on what comes out.
    pub parts: Option<[Array2<f64>; 2]>,
}

/// The bases in use.
#[derive(Debug, Default)]
pub(super) struct Bases {
    spatial: BTreeMap<usize, Spatial>,
    splitters: BTreeMap<usize, Splitter>,
    /// For the report.
    reports: Vec<DecompositionReport>,
    warnings: Vec<String>,
}

enum Made {
    Spatial(usize, Spatial),
    Splitter(usize, Splitter),
}

impl Bases {
    /// Makes what is missing of the given positions and mean positions.
    ///
    /// # Errors
    /// When a basis can't be made.
    pub(super) fn need(
        &mut self,
        par: &Par,
        plan: &Plan,
        controls: Range<usize>,
        averages: Range<usize>,
    ) -> Result<()> {
        let controls: Vec<usize> = controls.filter(|i| !self.spatial.contains_key(i)).collect();
        let averages: Vec<usize> = averages.filter(|i| !self.splitters.contains_key(i)).collect();
        let n = controls.len();
        let made = par.try_map(n + averages.len(), |job| {
            if job < n { make_spatial(plan, controls[job]) } else { make_splitter(plan, averages[job - n]) }
        })?;
        for (made, report, warning) in made {
            match made {
                Made::Spatial(index, spatial) => drop(self.spatial.insert(index, spatial)),
                Made::Splitter(index, splitter) => drop(self.splitters.insert(index, splitter)),
            }
            self.reports.extend(report);
            self.warnings.extend(warning);
        }
        Ok(())
    }

    /// Drops positions and mean positions before the given ones.
    pub(super) fn forget(&mut self, control: usize, average: usize) {
        self.spatial = self.spatial.split_off(&control);
        self.splitters = self.splitters.split_off(&average);
    }

    /// Puts what was made into the report: in time, whatever the order in which it was needed.
    pub(super) fn tell(&mut self, report: &mut MaxwellReport) {
        report.decompositions.append(&mut self.reports);
        let order = |a: &DecompositionReport, b: &DecompositionReport| {
            a.time.total_cmp(&b.time).then(a.condition.total_cmp(&b.condition))
        };
        report.decompositions.sort_by(order);
        self.warnings.sort();
        report.warnings.append(&mut self.warnings);
    }

    /// What a position makes of the good channels.
    pub(super) fn spatial(&self, control: usize) -> &Spatial {
        &self.spatial[&control]
    }

    /// What splits windows at a mean position.
    pub(super) fn splitter(&self, average: usize) -> &Splitter {
        &self.splitters[&average]
    }
}

type Making = (Made, Option<DecompositionReport>, Option<String>);

fn make_spatial(plan: &Plan, index: usize) -> Result<Making> {
    if index == 0 {
        return Ok((Made::Spatial(0, spatial(plan, &plan.first)), None, None));
    }
    let control = &plan.positions.controls[index];
    let (basis, warning) = plan.decomposer.at(Some(&control.dev_head_t), control.sample as f64 / plan.sfreq)?;
    Ok((Made::Spatial(index, spatial(plan, &basis)), Some(basis.report), warning))
}

fn spatial(plan: &Plan, basis: &Decomposition) -> Spatial {
    let parts = plan.temporal.filter(|temporal| temporal.after).map(|_| {
        let serial = Par::serial();
        let inner = linalg::matmul(&serial, basis.s_in(), basis.ps_in());
        let mut residual = Array2::eye(inner.nrows()) - &inner;
        let outer =
            linalg::matmul(&serial, basis.s.slice(s![.., basis.n_use_in..]), basis.ps.slice(s![basis.n_use_in.., ..]));
        residual -= &outer;
        [inner, residual].map(|part| match &plan.decoupler {
            None => part,
            Some(decoupler) => linalg::matmul(&serial, part.view(), decoupler.view()),
        })
    });
    Spatial { ps: plan.decoupled(basis), parts }
}

fn make_splitter(plan: &Plan, index: usize) -> Result<Making> {
    let sensors = &plan.decomposer.sensors;
    let Some(temporal) = plan.temporal else { unreachable!("windows come with the temporal extension") };
    let more = if temporal.only { plan.bad.len() } else { 0 };
    let make =
        |basis: &Decomposition| Made::Splitter(index, Splitter::new(sensors, basis, plan.decoupler.as_ref(), more));
    if !plan.moves() {
        return Ok((make(&plan.first), None, None));
    }
    let average = &plan.averages[index];
    let (basis, warning) = plan.decomposer.at(Some(&average.dev_head_t), average.time)?;
    Ok((make(&basis), Some(basis.report), warning))
}
