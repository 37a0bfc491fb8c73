//! The basis alone, for those who want to compute with it.

use super::decompose::Decomposer;
use super::origin::origin;
use super::params::MaxwellParams;
use super::positions::Positions;
use super::report::DecompositionReport;
use super::sensors::Sensors;
use bakusoku_core::{Info, Result};
use ndarray::Array2;

/// A basis of the MEG channels, and its pseudo-inverse.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxwellBasis {
    /// All MEG channels from moments, `(n_meg, n_moments)`.
    pub s: Array2<f64>,
    /// Moments from the good MEG channels, `(n_moments, n_good)`.
    pub ps: Array2<f64>,
    /// Moments kept, in ascending order.
    pub moments: Vec<usize>,
    /// How many of them are inner ones.
    pub n_use_in: usize,
    /// How many moments there were, and how well the basis could be inverted.
    pub report: DecompositionReport,
    /// What somebody should know.
    pub warnings: Vec<String>,
}

/// The basis at the recording's own head position (`mne.preprocessing.compute_maxwell_basis`; there `ignore_ref` is
/// true unless told). Cross-talk, windows, head positions and the destination are not asked for.
///
/// The inner part of data of the good channels is `s[:, :n_use_in] · ps[:n_use_in] · data`.
///
/// # Errors
/// When parameters make no sense, or do not fit the channels.
pub fn compute_maxwell_basis(info: &Info, params: &MaxwellParams) -> Result<MaxwellBasis> {
    params.check()?;
    let (_, origin_head) = origin(info, params)?;
    let decomposer = Decomposer::new(info, params, Sensors::new(info, params)?, origin_head)?;
    // A position that is not a rotation is refused here, as where data are filtered.
    Positions::new(None, info.dev_head_t.as_ref(), 0, 1.0)?;
    let (basis, warning) = decomposer.at(info.dev_head_t.as_ref(), 0.0)?;
    Ok(MaxwellBasis {
        s: basis.s_full,
        ps: basis.ps,
        moments: basis.moments,
        n_use_in: basis.n_use_in,
        report: basis.report,
        warnings: warning.into_iter().collect(),
    })
}
