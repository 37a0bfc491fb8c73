//! The notch filter on arrays.

use super::params::NotchParams;
use crate::filter::apply_fir;
use bakusoku_core::{Par, Result};
use ndarray::{Array2, ArrayView2};

/// Takes frequencies out of every row of `x`, `(n_channels, n_times)` (MNE's `notch_filter`).
///
/// # Errors
/// When a parameter makes no sense at this sampling frequency.
pub fn notch_filter(par: &Par, x: ArrayView2<'_, f64>, sfreq: f64, params: &NotchParams) -> Result<Array2<f64>> {
    let fir = params.fir(sfreq)?;
    crate::filter::warn_if_short(&fir, x.ncols());
    apply_fir(par, x, fir)
}
