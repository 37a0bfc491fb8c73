//! One epoch from samples: detrend, baseline, decimate, project, reject.

use super::plan::{EpochsPlan, Job};
use bakusoku_core::Par;
use bakusoku_math::stats;
use ndarray::{ArrayView2, ArrayViewMut2, s};

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
    ) -> Vec<String> {
        let timeline = &self.timeline;
        let available = self.available(job);
        let n = timeline.n_times;
        if timeline.n_kept(available) < n {
            return vec!["TOO_SHORT".into()];
        }
        for (row, (out, ch)) in out.chunks_exact_mut(n).zip(self.picks.iter()).enumerate() {
            let samples = source.row(row, ch, job.start as u64, available, &mut space.joined);
            self.treat(row, samples, out, &mut space.flattened);
        }
        if let Some(ssp) = &self.ssp {
            let shape = (self.picks.len(), n);
            ssp.apply(par, ArrayViewMut2::from_shape(shape, out).expect("`out` holds one epoch"));
        }
        self.judge(out)
    }

    /// Detrends, subtracts the baseline and decimates one row.
    fn treat(&self, row: usize, samples: &[f64], out: &mut [f64], flattened: &mut Vec<f64>) {
        let (timeline, treatment) = (&self.timeline, self.treatments[row]);
        let mut samples = samples;
        if treatment.detrend
            && let Some(order) = self.detrend
        {
            let (mean, slope) = if order == 0 { (stats::mean(samples), 0.0) } else { stats::line(samples) };
            let middle = (samples.len() as f64 - 1.0) / 2.0;
            flattened.resize(samples.len(), 0.0);
            for (i, (o, x)) in flattened.iter_mut().zip(samples).enumerate() {
                // Through 32 bits: processors convert those several at once.
                *o = (x - mean) - slope * (f64::from(i as i32) - middle);
            }
            samples = flattened;
        }
        let baseline = timeline.baseline_samples.as_ref().filter(|_| treatment.baseline);
        let level = baseline.map(|range| stats::mean(&samples[range.start..range.end.min(samples.len())]));
        match (level, timeline.decim) {
            (None, 1) => out.copy_from_slice(&samples[..out.len()]),
            (Some(level), 1) => out.iter_mut().zip(samples).for_each(|(o, x)| *o = x - level),
            (level, decim) => {
                let kept = samples[timeline.offset..].iter().step_by(decim);
                let level = level.unwrap_or(0.0);
                out.iter_mut().zip(kept).for_each(|(o, x)| *o = x - level);
            }
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
                    reasons.push(self.info.chs[row].name.clone());
                }
            }
        }
        reasons
    }
}
