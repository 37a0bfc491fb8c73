//! Welch's method at the end of a stream, of rows or of columns.

use super::columns::Columns;
use super::kernel::Welch;
use super::params::WelchParams;
use crate::picks::choose;
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Block, Cx, Picks, Result, RowSink, Scratch, Sink, Span, Stream};
use ndarray::{Array2, ArrayView2};
use std::sync::{Arc, Mutex, PoisonError};

/// `n_fft` of `raw.compute_psd`, where the recording is long enough.
const RECORDING_N_FFT: usize = 2048;

/// Computes the spectra of a recording as its rows or its columns come (MNE's `raw.compute_psd(method="welch")`): the same
/// bits either way.
///
/// Gaps and stretches annotated as bad are left out. From columns it holds, of each channel, a segment and its spectrum;
/// with `average="median"` as many spectra as there are segments.
pub struct WelchSink {
    welch: Welch,
    picks: Picks,
    /// Where each channel's spectrum stands in the result.
    places: Vec<Option<usize>>,
    info: Arc<bakusoku_core::Info>,
    /// Once rows have come.
    spectra: Mutex<Option<Array2<f64>>>,
    /// Once columns have come.
    columns: Option<Columns>,
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
        let picks = choose(&input.info, params.picks.as_deref(), |info| Picks::data(info, false))?;
        let mut places = vec![None; input.n_channels()];
        picks.iter().enumerate().for_each(|(place, ch)| places[ch] = Some(place));
        Ok(Self { welch, picks, places, info: input.info.clone(), spectra: Mutex::default(), columns: None })
    }
    fn bytes_of_spectra(&self) -> u64 {
        8 * (self.picks.len() * self.welch.freqs().len()) as u64
    }
    /// Takes columns: samples of all channels from `start` on, those of earlier calls before them.
    pub fn push_samples(&mut self, start: u64, samples: ArrayView2<'_, f64>, cx: &Cx) {
        let Self { welch, picks, columns, .. } = self;
        let columns = columns.get_or_insert_with(|| Columns::new(welch, picks.len()));
        columns.push(welch, picks.as_slice(), start, samples, cx);
    }
    /// The spectra, once all rows or all columns have come.
    pub fn finish(self) -> Spectrum {
        let data = match &self.columns {
            Some(columns) => columns.spectra(&self.welch),
            None => {
                let spectra = self.spectra.into_inner().unwrap_or_else(PoisonError::into_inner);
                spectra.unwrap_or_else(|| Array2::zeros((self.picks.len(), self.welch.freqs().len())))
            }
        };
        Spectrum { info: Arc::new(self.info.pick(&self.picks)), freqs: self.welch.freqs(), data }
    }
}

impl Sink for WelchSink {
    fn looks_at(&self, span: Span) -> bool {
        self.columns.as_ref().is_none_or(|columns| columns.looks_at(&self.welch, span))
    }
    fn push(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        self.push_samples(block.start, block.data.view(), cx);
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.bytes_of_spectra() + Columns::bytes(&self.welch, self.picks.len())
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        Some(self)
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
        let mut held = self.spectra.lock().unwrap_or_else(PoisonError::into_inner);
        let spectra = held.get_or_insert_with(|| Array2::zeros((self.picks.len(), out.len())));
        spectra.row_mut(place).iter_mut().zip(&out).for_each(|(to, from)| *to = *from);
        drop(held);
        scratch.give(out);
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.bytes_of_spectra()
    }
    fn scratch_bytes(&self) -> u64 {
        self.welch.scratch_bytes()
    }
}
