//! Two FIR filters in a row as one.
//!
//! Away from the ends of a stretch the second filter looks only at what the first gave, so that the convolution of both
//! sets of taps gives the same numbers to rounding. Near the ends it looks at the first one's output padded its own way:
//! there, and only there, the two steps are done one after the other, both ends in one pair of blocks.

use super::kernel::{FirRows, is_whole, processed};
use crate::resample::fuse_filter;
use bakusoku_core::{Result, RowKernel, Scratch, Segment};
use bakusoku_math::convolve::{Convolver, Fir, Stretch, Work};
use bakusoku_math::fir::convolve;
use std::any::Any;

/// Two FIR filters in a row that work on the same channels and stretches.
pub(super) struct FirCascade {
    first: Convolver,
    second: Convolver,
    both: Convolver,
    segments: Vec<Segment>,
    picked: Vec<bool>,
    n_times: usize,
    left: End,
    right: End,
}

/// How far an end reaches: samples that come out, of the first step's output, and of the input.
#[derive(Clone, Copy)]
struct End {
    out: usize,
    middle: usize,
    input: usize,
}

/// What a thread keeps between rows.
#[derive(Default)]
struct Buffers {
    work: Work,
    pads: [Vec<f64>; 2],
    middle: [Vec<f64>; 2],
    pads_of_middle: [Vec<f64>; 2],
    whole: Vec<f64>,
}

impl FirCascade {
    /// Joins two filters; `None` where they do not work on the same, or where it would not be quicker.
    pub(super) fn new(first: &FirRows, second: &FirRows) -> Option<Self> {
        let alike = first.segments == second.segments && first.picked == second.picked;
        let (one, two) = (first.convolver.fir(), second.convolver.fir());
        if !alike || !one.pad.is_local() || !two.pad.is_local() || one.taps.len() < 2 || two.taps.len() < 2 {
            return None;
        }
        let mut taps = convolve(&one.taps, &two.taps);
        let n = taps.len();
        if one.shift == one.before() && two.shift == two.before() {
            // Rounding must not break the symmetry.
            for i in 0..n / 2 {
                let mean = 0.5 * (taps[i] + taps[n - 1 - i]);
                (taps[i], taps[n - 1 - i]) = (mean, mean);
            }
        }
        let both = Fir { taps, shift: one.shift + two.shift, n_edge: one.n_edge, pad: one.pad };
        let end = |out: usize, other: usize, reach: usize| {
            let middle = (out + other).max(out + 1);
            End { out, middle, input: middle + reach }
        };
        let left = end(two.before(), two.shift, one.shift);
        let right = end(two.shift, two.before(), one.before());
        let chain = Self {
            first: Convolver::new(one.clone(), []),
            second: Convolver::new(two.clone(), []),
            both: Convolver::new(both, []),
            segments: first.segments.clone(),
            picked: first.picked.clone(),
            n_times: first.n_times,
            left,
            right,
        };
        chain.prepared()
    }

    fn prepared(mut self) -> Option<Self> {
        let (mut together, mut apart) = (0.0, 0.0);
        for n in processed(&self.segments).collect::<Vec<_>>() {
            let steps = self.first.cost(n) + self.second.cost(n);
            apart += steps;
            if self.fuses(n) {
                let (middle, out) = self.longest_ends();
                let inside = n - self.left.out - self.right.out;
                let ends = self.first.cost_of_pair(middle) + self.second.cost_of_pair(out);
                together += self.both.cost(inside) + ends;
                self.both.prepare(inside);
                self.first.prepare_pair(middle);
                self.second.prepare_pair(out);
            } else {
                together += steps;
                self.first.prepare(n);
                self.second.prepare(n);
            }
        }
        (together < apart).then_some(self)
    }

    fn longest_ends(&self) -> (usize, usize) {
        (self.left.middle.max(self.right.middle), self.left.out.max(self.right.out))
    }

    /// Whether a stretch is long enough for its ends not to meet.
    fn fuses(&self, n: usize) -> bool {
        let n_edge = self.first.fir().n_edge.max(self.second.fir().n_edge);
        n > 2 * self.left.input.max(self.right.input).max(n_edge)
    }

    fn stretch(&self, x: &[f64], out: &mut [f64], buffers: &mut Buffers) {
        let n = x.len();
        let Buffers { work, pads, middle, pads_of_middle, whole } = buffers;
        if !self.fuses(n) {
            whole.resize(n, 0.0);
            self.first.run(x, whole, work);
            self.second.run(whole, out, work);
            return;
        }
        let (left, right) = (self.left, self.right);
        let [before, after] = pads;
        self.first.pads(x, before, after);
        // The inside, in one step.
        let inside = left.out..n - right.out;
        let stretch = Stretch { left: before, mid: x, right: after };
        self.both.run_range(stretch, left.out, &mut out[inside.clone()], work);
        // The ends, in two.
        let [z_left, z_right] = middle;
        z_left.resize(left.middle, 0.0);
        z_right.resize(right.middle, 0.0);
        let ends = [
            Stretch { left: before, mid: &x[..left.input], right: &[] },
            Stretch { left: &[], mid: &x[n - right.input..], right: after },
        ];
        self.first.run_pair(ends, [0, right.input - right.middle], z_left, z_right, work);
        let [before, after] = pads_of_middle;
        let second = self.second.fir();
        before.resize(second.n_edge.min(second.before()), 0.0);
        after.resize(second.n_edge.min(second.shift), 0.0);
        second.pad.left(z_left, before);
        second.pad.right(z_right, after);
        let ends =
            [Stretch { left: before, mid: z_left, right: &[] }, Stretch { left: &[], mid: z_right, right: after }];
        let (out_left, rest) = out.split_at_mut(left.out);
        let out_right = &mut rest[inside.len()..];
        self.second.run_pair(ends, [0, right.middle - right.out], out_left, out_right, work);
    }
}

impl RowKernel for FirCascade {
    fn n_out(&self) -> usize {
        self.n_times
    }
    fn passes(&self, ch: usize) -> bool {
        !self.picked[ch]
    }
    fn treats_alike(&self, channels: &[usize]) -> bool {
        channels.iter().all(|&ch| self.picked[ch] == self.picked[channels[0]])
    }
    fn run(&self, _ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        for segment in &self.segments {
            let range = segment.span().range();
            match segment {
                Segment::Process(span) if span.is_empty() => {}
                Segment::Process(_) => self.stretch(&row[range.clone()], &mut out[range], scratch.get::<Buffers>()),
                Segment::Copy(_) => out[range.clone()].copy_from_slice(&row[range]),
            }
        }
        Ok(())
    }
    fn fuse(&self, next: &dyn RowKernel) -> Option<Box<dyn RowKernel>> {
        if !is_whole(&self.segments, self.n_times) || self.first.fir().pad != self.second.fir().pad {
            return None;
        }
        // Each step's own padding must reach as far as its filter.
        let reflects = |fir: &Fir| fir.is_symmetric() && fir.n_edge >= fir.before();
        if !reflects(self.first.fir()) || !reflects(self.second.fir()) {
            return None;
        }
        let both = self.both.fir();
        let both = Fir { n_edge: both.n_edge.max(both.before()), ..both.clone() };
        fuse_filter(&both, &self.picked, self.n_times, next)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        let ends = self.left.middle + self.right.middle + 2 * self.first.fir().taps.len();
        let widest = [&self.first, &self.second, &self.both].map(Convolver::work_bytes).into_iter().max().unwrap_or(0);
        let apart = processed(&self.segments).filter(|&n| !self.fuses(n)).max().unwrap_or(0);
        widest + 8 * (ends + apart) as u64
    }
}
