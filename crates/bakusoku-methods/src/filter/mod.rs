//! FIR filters: low-pass, high-pass, band-pass, band-stop (MNE's `raw.filter`, `mne.filter.filter_data`,
//! `mne.filter.create_filter`).
//!
//! Rows are `(n_times,)` in any unit; what comes out has the same unit and length. The design is windowed (`firwin`), one
//! low-pass per transition; each stretch between skipped annotations is padded and filtered on its own, what is skipped
//! passes unchanged. Neighbouring filters (a notch, then a band-pass) are applied as one; see [`FirRows`].
//!
//! Ifeachor & Jervis (2002), *Digital Signal Processing*; Widmann, Schröger & Maess (2015), *J. Neurosci. Methods* 250.

mod cascade;
mod columns;
mod design;
mod kernel;
mod params;
#[cfg(test)]
mod tests;

pub use design::{Design, create_filter};
pub(crate) use kernel::warn_if_short;
pub use kernel::{FirRows, apply_fir, filter_data};
pub use params::{FilterLength, FilterParams, FirWindow, Phase, TransBandwidth};
pub(crate) use params::{check_sfreq, default_skip};

use crate::picks::{choose, filtered};
use bakusoku_core::{Bound, Method, Need, Result, Stream};
use bakusoku_math::convolve::Fir;
use std::sync::Arc;

/// Filters the chosen channels of a recording.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Its parameters.
    pub params: FilterParams,
}

impl Filter {
    /// A filter with these parameters.
    pub fn new(params: FilterParams) -> Self {
        Self { params }
    }
    fn fir(&self, input: &Stream) -> Result<Fir> {
        self.params.fir(input.sfreq())
    }
}

impl Method for Filter {
    fn name(&self) -> &'static str {
        "filter"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        self.fir(input)?;
        let picks = choose(&input.info, self.params.picks.as_deref(), filtered)?;
        let mut info = (*input.info).clone();
        // MNE tells the new band only where all data channels were filtered.
        let all_data = filtered(&info);
        if !all_data.is_empty() && all_data.iter().all(|index| picks.contains(index)) {
            match (self.params.l_freq, self.params.h_freq) {
                (Some(l_freq), Some(h_freq)) if l_freq >= h_freq => {}
                (l_freq, h_freq) => {
                    info.lowpass = h_freq.map_or(info.lowpass, |h_freq| info.lowpass.min(h_freq));
                    info.highpass = l_freq.map_or(info.highpass, |l_freq| info.highpass.max(l_freq));
                }
            }
        }
        Ok(Stream { info: Arc::new(info), ..input.clone() })
    }
    fn need(&self, input: &Stream, threads: usize) -> Need {
        need(self.fir(input).ok(), input, threads)
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let picks = choose(&input.info, self.params.picks.as_deref(), filtered)?;
        let skip: Vec<&str> = self.params.skip_by_annotation.iter().map(String::as_str).collect();
        Ok(Bound::Rows(Box::new(FirRows::new(self.fir(input)?, input, &picks, &skip))))
    }
}

/// What a filter takes: spectra once, FFT buffers per thread.
pub(crate) fn need(fir: Option<Fir>, input: &Stream, threads: usize) -> Need {
    let n_taps = fir.map_or(0, |fir| fir.taps.len());
    let n_fft = (4 * n_taps.max(16_384)).min(input.n_times as usize + 2 * n_taps).next_power_of_two() as u64;
    Need { memory: bakusoku_core::Bytes(48 * n_fft * threads as u64 + 64 * n_fft), ..Need::default() }
}
