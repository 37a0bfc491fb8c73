//! One epoch from samples: detrend, operators, baseline, decimate, project, reject, operators.

use super::operator::EpochMut;
use super::plan::{EpochsPlan, Job};
use super::timeline::BaselineSamples;
use bakusoku_core::{Par, Result};
use bakusoku_math::stats;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

/// Where samples come from: what was kept of earlier blocks, and the block in hand, which follows it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// Picked channels only.
    pub(super) tail: ArrayView2<'a, f64>,
    /// First sample of the tail.
    pub(super) tail_start: u64,
    /// All channels.
    pub(super) block: ArrayView2<'a, f64>,
    /// First sample of the block; the tail ends here.
    pub(super) block_start: u64,
}

impl Source<'_> {
    /// Samples `start..start + len` of the picked channel `row`, which is channel `ch`.
    fn row<'b>(&'b self, row: usize, ch: usize, start: u64, len: usize, scratch: &'b mut Vec<f64>) -> &'b [f64] {
        let stop = start + len as u64;
        if start >= self.block_start {
            let at = (start - self.block_start) as usize;
            // No copy where the samples lie side by side, as they do in C order.
            if self.block.strides()[1] == 1
                && let Some(samples) = self.block.slice_move(s![ch, at..at + len]).to_slice()
            {
                return samples;
            }
        }
        scratch.clear();
        let from_tail = self.block_start.clamp(start, stop);
        if start < from_tail {
            let range = (start - self.tail_start) as usize..(from_tail - self.tail_start) as usize;
            scratch.extend(self.tail.slice(s![row, range]));
        }
        if from_tail < stop {
            let range = (from_tail - self.block_start) as usize..(stop - self.block_start) as usize;
            scratch.extend(self.block.slice(s![ch, range]));
        }
        scratch
    }
}

/// Work space of a thread.
#[derive(Default)]
pub(super) struct Space {
    joined: Vec<f64>,
    flattened: Vec<f64>,
    /// The epoch as it was cut, for operators before the rejection.
    cut: Array2<f64>,
    /// The epoch that is judged, for operators behind the rejection.
    judged: Array2<f64>,
}

impl Job {
    fn epoch<'a>(&self, data: &'a mut Array2<f64>) -> EpochMut<'a> {
        let &Self { event, selection, index, .. } = self;
        EpochMut { event, selection, index, data, reasons: Vec::new() }
    }
}

impl EpochsPlan {
    /// How many samples of the epoch the stream has.
    pub(super) fn available(&self, job: &Job) -> usize {
        let left = (self.n_times_stream as i64 - job.start).max(0);
        (left as u64).min(self.timeline.n_raw as u64) as usize
    }

    /// Cuts one epoch into `out`, `(n_channels, n_times)`; returns why it is dropped, nothing if it is good.
    pub(super) fn cut(
        &self,
        job: &Job,
        source: Source<'_>,
        out: &mut [f64],
        space: &mut Space,
        par: &Par,
    ) -> Result<Vec<String>> {
        let available = self.available(job);
        if !self.before.is_empty() {
            let Space { joined, flattened, cut, .. } = space;
            *cut = Array2::zeros((self.picks.len(), available));
            for (row, (mut out, ch)) in cut.rows_mut().into_iter().zip(self.picks.iter()).enumerate() {
                let samples = source.row(row, ch, job.start as u64, available, joined);
                out.as_slice_mut().expect("rows of a new array").copy_from_slice(self.detrend(row, samples, flattened));
            }
            let mut epoch = job.epoch(cut);
            self.before.apply(&mut epoch, self.judged.info.n_channels(), None, par)?;
            if !epoch.reasons.is_empty() {
                return Ok(epoch.reasons);
            }
        }
        if self.after.is_empty() {
            return Ok(self.judge_into(job, source, out, space, par));
        }
        let mut judged = std::mem::take(&mut space.judged);
        let shape = (self.judged.info.n_channels(), self.judged.n_times);
        if judged.dim() != shape || !judged.is_standard_layout() {
            judged = Array2::zeros(shape);
        }
        let values = judged.as_slice_mut().expect("an array in C order");
        let mut reasons = self.judge_into(job, source, values, space, par);
        if reasons.is_empty() {
            let mut epoch = job.epoch(&mut judged);
            self.after.apply(&mut epoch, self.header.info.n_channels(), Some(self.header.n_times), par)?;
            reasons = epoch.reasons;
            out.iter_mut().zip(&judged).for_each(|(o, x)| *o = *x);
        }
        space.judged = judged;
        Ok(reasons)
    }

    /// Baseline, decimation, projectors and rejection, into `out`.
    fn judge_into(&self, job: &Job, source: Source<'_>, out: &mut [f64], space: &mut Space, par: &Par) -> Vec<String> {
        let n = self.timeline.n_times;
        if self.before.is_empty() {
            let available = self.available(job);
            for (row, (out, ch)) in out.chunks_exact_mut(n).zip(self.picks.iter()).enumerate() {
                let samples = source.row(row, ch, job.start as u64, available, &mut space.joined);
                self.settle(row, self.detrend(row, samples, &mut space.flattened), out);
            }
        } else {
            for (row, (out, samples)) in out.chunks_exact_mut(n).zip(space.cut.rows()).enumerate() {
                match samples.to_slice() {
                    Some(samples) => self.settle(row, samples, out),
                    None => self.settle(row, &samples.to_vec(), out),
                }
            }
        }
        if let Some(ssp) = &self.ssp {
            let shape = (self.judged.info.n_channels(), n);
            ssp.apply(par, ArrayViewMut2::from_shape(shape, out).expect("`out` holds one epoch"));
        }
        self.judge(out)
    }

    /// The row without its mean or its straight line.
    fn detrend<'b>(&self, row: usize, samples: &'b [f64], flattened: &'b mut Vec<f64>) -> &'b [f64] {
        let Some(order) = self.params.detrend.filter(|_| self.detrended[row]) else { return samples };
        let (mean, slope) = if order == 0 { (stats::mean(samples), 0.0) } else { stats::line(samples) };
        let middle = (samples.len() as f64 - 1.0) / 2.0;
        flattened.resize(samples.len(), 0.0);
        for (i, (o, x)) in flattened.iter_mut().zip(samples).enumerate() {
            // Through 32 bits: processors convert those several at once.
            *o = (x - mean) - slope * (f64::from(i as i32) - middle);
        }
        flattened
    }

    /// Subtracts the baseline and decimates one row.
    fn settle(&self, row: usize, samples: &[f64], out: &mut [f64]) {
        let timeline = &self.timeline;
        let baseline = timeline.baseline_samples.as_ref().filter(|_| self.baselined[row]);
        let level = match baseline {
            Some(BaselineSamples::Read(range)) => {
                Some(stats::mean(&samples[range.start..range.end.min(samples.len())]))
            }
            _ => None,
        };
        match (level, timeline.decim) {
            (None, 1) => out.copy_from_slice(&samples[..out.len()]),
            (Some(level), 1) => out.iter_mut().zip(samples).for_each(|(o, x)| *o = x - level),
            (level, decim) => {
                let kept = samples[timeline.offset..].iter().step_by(decim);
                let level = level.unwrap_or(0.0);
                out.iter_mut().zip(kept).for_each(|(o, x)| *o = x - level);
            }
        }
        if let Some(BaselineSamples::Kept(range)) = baseline {
            let level = stats::mean(&out[range.start.min(out.len())..range.end.min(out.len())]);
            out.iter_mut().for_each(|o| *o -= level);
        }
    }

    /// Names of the channels whose range of values is too large or too small, in MNE's order.
    fn judge(&self, epoch: &[f64]) -> Vec<String> {
        let n = self.timeline.n_times;
        let range = self.timeline.reject_samples.clone().unwrap_or(0..n);
        let mut reasons = Vec::new();
        for limit in &self.limits {
            for &row in &limit.rows {
                let samples = &epoch[row * n..][range.clone()];
                let (low, high) = stats::min_max(samples);
                let outside = if limit.flat { high - low < limit.value } else { high - low > limit.value };
                // A range that is NaN rejects nothing.
                if outside && !samples.iter().any(|x| x.is_nan()) {
                    reasons.push(self.judged.info.chs[row].name.clone());
                }
            }
        }
        reasons
    }
}
