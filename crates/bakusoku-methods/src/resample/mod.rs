//! Resampling (MNE's `raw.resample`, `mne.filter.resample`): by one Fourier transform over the whole row, or by a
//! polyphase filter.
//!
//! Rows are `(n_times,)` in any unit; what comes out has `round(n_times * ratio)` samples. Stimulus channels are not
//! filtered: each new sample is the first code that is not zero in its stretch. The whole recording is transformed at once,
//! gaps as zeros. Split files are one recording here; MNE transforms part by part, and so differs near their seams.

mod filtered;
mod fourier;
mod kernel;
mod params;
mod polyphase;
mod seam;
#[cfg(test)]
mod tests;

pub use kernel::{Resampler, resample, resample_stim};
pub use params::{Npad, ResampleMethod, ResampleParams, ResampleWindow, Resampling};

use crate::picks::choose;
use bakusoku_core::{
    Bound, Bytes, ChannelType, Error, Event, Method, Need, Picks, Result, RowKernel, Scratch, Span, Stream,
};
use bakusoku_math::convolve::Fir;
use filtered::Filtered;
use std::any::Any;
use std::sync::Arc;

/// Gives a recording another sampling frequency.
#[derive(Clone, Debug, Default)]
pub struct Resample {
    /// Its parameters.
    pub params: ResampleParams,
}

impl Resample {
    /// Resampling with these parameters.
    pub fn new(params: ResampleParams) -> Self {
        Self { params }
    }
    /// Whether there is nothing to do (MNE: within 1e-6).
    fn is_noop(&self, input: &Stream) -> bool {
        (self.params.sfreq - input.sfreq()).abs() <= 1e-6 * input.sfreq().abs()
    }
    fn resampler(&self, input: &Stream) -> Result<Resampler> {
        Resampler::new(input.n_times as usize, self.params.sfreq, input.sfreq(), &self.params.resampling())
    }
    fn stim(&self, input: &Stream) -> Result<Picks> {
        match self.params.stim_picks.as_deref() {
            None => Ok(Picks::types(&input.info, &[ChannelType::Stim], false)),
            picks => choose(&input.info, picks, |info| Picks::data(info, false)),
        }
    }
}

/// `round(x * ratio)`, ties to even, as MNE rounds samples.
fn scaled(x: i64, ratio: f64) -> i64 {
    (x as f64 * ratio).round_ties_even() as i64
}

/// Moves events to the samples of a resampled recording (MNE's `raw.resample(events=...)`): `input` and `output` are the
/// streams before and after.
pub fn resample_events(events: &[Event], input: &Stream, output: &Stream) -> Vec<Event> {
    if input.sfreq() == output.sfreq() {
        return events.to_vec();
    }
    let ratio = output.sfreq() / input.sfreq();
    let last = output.first_samp + output.n_times as i64 - 1;
    events.iter().map(|event| Event { sample: scaled(event.sample, ratio).min(last), ..*event }).collect()
}

impl Method for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        self.params.check()?;
        if self.is_noop(input) {
            return Ok(input.clone());
        }
        if input.n_times == 0 {
            return Err(Error::data("a recording without samples can't be resampled"));
        }
        self.params.resampling().check(input.n_times as usize, self.params.sfreq, input.sfreq())?;
        self.stim(input)?;
        let ratio = self.params.sfreq / input.sfreq();
        let n_times = kernel::length(input.n_times as usize, ratio) as u64;
        let mut info = (*input.info).clone();
        info.lowpass = info.lowpass.min(self.params.sfreq / 2.0);
        info.sfreq = self.params.sfreq;
        let at = |sample: u64| (scaled(sample as i64, ratio) as u64).min(n_times);
        let gaps = input.gaps.iter().map(|gap| Span::new(at(gap.start), at(gap.stop))).collect();
        Ok(Stream {
            info: Arc::new(info),
            first_samp: scaled(input.first_samp, ratio),
            n_times,
            gaps,
            annotations: input.annotations.clone(),
        })
    }
    fn need(&self, input: &Stream, threads: usize) -> Need {
        let padded = 2 * input.n_times.max(256).next_power_of_two();
        let ratio = (self.params.sfreq / input.sfreq()).max(1.0);
        Need { memory: Bytes((40.0 * padded as f64 * ratio) as u64 * threads as u64), ..Need::default() }
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let n_out = self.output(input)?.n_times as usize;
        let resampler = if self.is_noop(input) { None } else { Some(Arc::new(self.resampler(input)?)) };
        let stim = self.stim(input)?;
        let stim = (0..input.n_channels()).map(|ch| stim.contains(ch)).collect();
        Ok(Bound::Rows(Box::new(ResampleRows { resampler, stim, n_out })))
    }
}

#[derive(Clone)]
struct ResampleRows {
    /// `None`: the frequency is already the wanted one.
    resampler: Option<Arc<Resampler>>,
    stim: Vec<bool>,
    n_out: usize,
}

impl RowKernel for ResampleRows {
    fn n_out(&self) -> usize {
        self.n_out
    }
    fn passes(&self, _ch: usize) -> bool {
        self.resampler.is_none()
    }
    fn treats_alike(&self, channels: &[usize]) -> bool {
        self.resampler.is_none() || !channels.iter().any(|&ch| self.stim[ch])
    }
    fn run(&self, ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        match &self.resampler {
            None => out.copy_from_slice(row),
            Some(_) if self.stim[ch] => resample_stim(row, out),
            Some(resampler) => resampler.run(row, out, scratch),
        }
        Ok(())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        self.resampler.as_ref().map_or(0, |resampler| resampler.scratch_bytes())
    }
}

/// A filter and resampling behind it as one kernel, in a single pass over each row that is filtered (`picked`); `None` where
/// `next` is something else, or that can't be. The filter works on all samples of a row.
pub(crate) fn fuse_filter(fir: &Fir, picked: &[bool], n: usize, next: &dyn RowKernel) -> Option<Box<dyn RowKernel>> {
    if let Some(next) = next.as_any().downcast_ref::<FilteredRows>() {
        let filtered = (picked == next.picked).then(|| next.filtered.behind(fir))??;
        return Some(Box::new(FilteredRows { filtered, picked: picked.to_vec(), plain: next.plain.clone() }));
    }
    let next = next.as_any().downcast_ref::<ResampleRows>()?;
    // Codes are not filtered.
    if picked.iter().zip(&next.stim).any(|(picked, stim)| *picked && *stim) {
        return None;
    }
    let filtered = next.resampler.as_ref()?.filtered(fir, n)?;
    Some(Box::new(FilteredRows { filtered, picked: picked.to_vec(), plain: next.clone() }))
}

/// Filtered and resampled, or only resampled.
struct FilteredRows {
    filtered: Filtered,
    picked: Vec<bool>,
    plain: ResampleRows,
}

impl RowKernel for FilteredRows {
    fn n_out(&self) -> usize {
        self.plain.n_out
    }
    fn treats_alike(&self, channels: &[usize]) -> bool {
        self.plain.treats_alike(channels) && channels.iter().all(|&ch| self.picked[ch] == self.picked[channels[0]])
    }
    fn run(&self, ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        if !self.picked[ch] {
            return self.plain.run(ch, row, out, scratch);
        }
        self.filtered.run(row, out, scratch.get());
        Ok(())
    }
    fn shares_work(&self) -> bool {
        true
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        self.filtered.work_bytes() + self.plain.scratch_bytes()
    }
}
