//! What channels explain of one another, at head positions: made when asked for, kept while it may be asked for again.

use crate::maxwell::decompose::Decomposition;
use crate::maxwell::plan::Plan;
use bakusoku_core::{Par, Result, Span};
use bakusoku_math::linalg;
use ndarray::{Array2, Axis};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// How many are kept: most intervals of a head that lies still ask for the same few.
const KEPT: usize = 12;

/// What some channels explain, at one head position.
pub(super) struct Explained {
    /// The channels from moments.
    pub s: Array2<f64>,
    /// Moments from the channels, cross-talk taken out.
    pub ps: Array2<f64>,
}

/// See above.
#[derive(Default)]
pub(super) struct Explainer {
    /// The basis at each head position does not depend on which channels are left.
    bases: BTreeMap<usize, Array2<f64>>,
    known: Mutex<HashMap<(usize, Vec<usize>), Arc<Explained>>>,
}

impl Explainer {
    /// What it holds at most (bytes), but for bases at head positions.
    pub(super) fn held_bytes(plan: &Plan) -> u64 {
        let moments = plan.first.moments.len() as u64;
        8 * (KEPT as u64 + 2) * 2 * moments * plan.picks().len() as u64
    }

    /// Makes the bases that samples need, and drops those of earlier ones.
    ///
    /// # Errors
    /// When a basis can't be made.
    pub(super) fn need(&mut self, par: &Par, plan: &Plan, span: Span) -> Result<()> {
        let controls = plan.controls_of(span);
        self.bases = self.bases.split_off(&controls.start);
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(control, _), _| *control >= controls.start);
        let missing: Vec<usize> = controls.filter(|control| !self.bases.contains_key(control)).collect();
        let made = par
            .try_map(missing.len(), |k| plan.decomposer.basis(Some(&plan.positions.controls[missing[k]].dev_head_t)))?;
        self.bases.extend(missing.into_iter().zip(made));
        Ok(())
    }

    /// What the given channels (indices of the sensors) explain at a head position.
    ///
    /// # Errors
    /// When the basis is badly conditioned and that is to be an error.
    pub(super) fn explained(&self, plan: &Plan, control: usize, channels: &[usize]) -> Result<Arc<Explained>> {
        let key = (control, channels.to_vec());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return Ok(found.clone());
        }
        let time = plan.positions.controls[control].sample as f64 / plan.sfreq;
        let (Decomposition { s_full, mut ps, .. }, _) = plan.decomposer.solve(&self.bases[&control], channels, time)?;
        if let Some(decoupler) = &plan.decoupler {
            let good = &plan.decomposer.sensors.good;
            let places: Vec<usize> = (0..good.len()).filter(|&k| channels.binary_search(&good[k]).is_ok()).collect();
            let part = decoupler.select(Axis(0), &places).select(Axis(1), &places);
            ps = linalg::matmul(&Par::serial(), ps.view(), part.view());
        }
        let made = Arc::new(Explained { s: s_full.select(Axis(0), channels), ps });
        let mut known = known();
        if known.len() < KEPT {
            known.insert(key, made.clone());
        }
        Ok(made)
    }
}
