//! The band-pass before artifacts are looked for.

use crate::filter::{Phase, apply_fir};
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::convolve::Fir;
use bakusoku_math::fir::frequency_sampled;
use bakusoku_math::pad::Pad;
use bakusoku_math::window::Window;
use ndarray::{Array2, ArrayView2};

/// A band, and how long its filter is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Lower edge (Hz).
    pub l_freq: f64,
    /// Upper edge (Hz).
    pub h_freq: f64,
    /// Taps; MNE takes those of 10 s, up to the next power of two, unless told.
    pub n_taps: Option<usize>,
}

/// Width of both transitions (Hz).
const TRANSITION: f64 = 0.5;

impl Band {
    /// With MNE's length of the filter.
    pub fn new(l_freq: f64, h_freq: f64) -> Self {
        Self { l_freq, h_freq, n_taps: None }
    }

    /// The filter: designed from its gain at some frequencies, with Hann's window, and applied forwards and backwards
    /// (`fir_design="firwin2"`, `phase="zero-double"`).
    ///
    /// # Errors
    /// When the band is not within 0 and half the sampling frequency.
    pub fn fir(&self, sfreq: f64) -> Result<Fir> {
        let (l_freq, h_freq, nyquist) = (self.l_freq, self.h_freq, sfreq / 2.0);
        let (l_stop, h_stop) = (l_freq - TRANSITION, h_freq + TRANSITION);
        if !(sfreq > 0.0 && sfreq.is_finite()) {
            return Err(Error::parameter("sfreq", "a positive number (Hz)", sfreq));
        }
        if !(l_stop >= 0.0 && l_freq < h_freq) {
            let expected = format!("from {TRANSITION} Hz to below `h_freq` ({h_freq} Hz)");
            return Err(Error::parameter("l_freq", expected, l_freq));
        }
        if h_stop > nyquist {
            let expected = format!("at most {} Hz at this sampling frequency", nyquist - TRANSITION);
            return Err(Error::parameter("h_freq", expected, h_freq));
        }
        let mut points = vec![(l_stop, 0.0), (l_freq, 1.0), (h_freq, 1.0), (h_stop, 0.0)];
        if l_stop > 0.0 {
            points.insert(0, (0.0, 0.0));
        }
        if h_stop < nyquist {
            points.push((nyquist, 0.0));
        }
        let points: Vec<(f64, f64)> = points.into_iter().map(|(freq, gain)| (freq / nyquist, gain)).collect();
        let n_taps = self.n_taps.unwrap_or_else(|| ((10.0 * sfreq).ceil() as usize).next_power_of_two());
        if !(1..=1 << 26).contains(&n_taps) {
            return Err(Error::parameter("filter_length", "from 1 to 67108864 samples", n_taps));
        }
        Ok(Phase::ZeroDouble.apply(frequency_sampled(n_taps, &points, Window::Hann), Pad::ReflectLimited))
    }
}

/// Every row of `x`, `(n_rows, n_times)`, within a band.
///
/// # Errors
/// When the band is not within 0 and half the sampling frequency.
pub fn band_pass(par: &Par, x: ArrayView2<'_, f64>, sfreq: f64, band: &Band) -> Result<Array2<f64>> {
    apply_fir(par, x, band.fir(sfreq)?)
}
