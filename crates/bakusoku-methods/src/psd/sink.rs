//! Welch's method at the end of a stream of rows.

use super::kernel::Welch;
use super::params::WelchParams;
use crate::choice::choose;
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Picks, Result, RowSink, Scratch, Span, Stream};
use ndarray::Array2;
use std::sync::{Arc, Mutex, PoisonError};

/// `n_fft` of `raw.compute_psd`, where the recording is long enough.
const RECORDING_N_FFT: usize = 2048;

/// Computes the spectra of a recording's rows as they come (MNE's `raw.compute_psd(method="welch")`).
///
/// Gaps and stretches annotated as bad are left out.
pub struct WelchSink {
    welch: Welch,
    picks: Picks,
    /// Where each channel's spectrum stands in the result.
    places: Vec<Option<usize>>,
    info: Arc<bakusoku_core::Info>,
    spectra: Mutex<Array2<f64>>,
}

impl WelchSink {
    /// Makes ready for a stream.
    ///
    /// # Errors
    /// When parameters do not fit the stream, or nothing good is left of it.
    pub fn new(params: &WelchParams, input: &Stream) -> Result<Self> {
        let mut bad = Vec::new();
        if params.reject_by_annotation {
            bad = input.annotated(&["bad"]);
            bad.extend(input.gaps.iter().copied());
        }
        let good = Span::complement(&bad, input.n_times);
        let n_times = input.n_times as usize;
        let welch = Welch::new(params, n_times, input.sfreq(), &good, RECORDING_N_FFT.min(n_times))?;
        let picks = choose(&input.info, params.picks.as_deref())?;
        let mut places = vec![None; input.n_channels()];
        picks.iter().enumerate().for_each(|(place, ch)| places[ch] = Some(place));
        let spectra = Mutex::new(Array2::zeros((picks.len(), welch.freqs().len())));
        Ok(Self { welch, picks, places, info: input.info.clone(), spectra })
    }
    /// The spectra, once all rows have come.
    pub fn finish(self) -> Spectrum {
        Spectrum {
            info: Arc::new(self.info.pick(&self.picks)),
            freqs: self.welch.freqs(),
            data: self.spectra.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl RowSink for WelchSink {
    fn wants(&self, ch: usize) -> bool {
        self.places[ch].is_some()
    }
    fn push_row(&self, ch: usize, row: &[f64], scratch: &mut Scratch) -> Result<()> {
        let Some(place) = self.places[ch] else { return Ok(()) };
        let mut out = scratch.take(self.welch.freqs().len());
        self.welch.run(row, &mut out, scratch);
        let mut spectra = self.spectra.lock().unwrap_or_else(PoisonError::into_inner);
        spectra.row_mut(place).iter_mut().zip(&out).for_each(|(to, from)| *to = *from);
        drop(spectra);
        scratch.give(out);
        Ok(())
    }
    fn scratch_bytes(&self) -> u64 {
        self.welch.scratch_bytes()
    }
}
