//! A short FIR filter on blocks of all channels, for chains whose other methods work on columns: the recording is read
//! once, and need not be transposed.

use super::kernel::{FirRows, processed};
use bakusoku_core::{Block, Cx, Emit, Grain, Operator, Result, Segment, Span};
use bakusoku_math::convolve::{Convolver, Stretch, Work};
use ndarray::{Array2, s};

/// Samples in a block.
const GRAIN: usize = 4096;
/// Longer filters would hold more of the recording than a store costs.
const MOST_TAPS: usize = GRAIN / 2;

/// The filter, and the samples that later ones still depend on.
pub(super) struct FirColumns {
    convolver: Convolver,
    segments: Vec<Segment>,
    picked: Vec<bool>,
    /// Samples of all channels from `base` on (of the segment in hand), the first `n_held` columns.
    held: Array2<f64>,
    n_held: usize,
    base: usize,
    /// What lies before the segment, row by row.
    left: Vec<Vec<f64>>,
    span: Span,
    done: usize,
}

impl FirColumns {
    /// The same filter on columns, when its taps are few and its padding looks no further than they reach.
    pub(super) fn new(rows: &FirRows) -> Option<Self> {
        let fir = rows.convolver.fir();
        if fir.taps.len() > MOST_TAPS || fir.n_edge >= MOST_TAPS || !fir.pad.is_local() {
            return None;
        }
        let mut lens = Vec::new();
        for len in processed(&rows.segments) {
            let (mut done, mut arrived) = (0, 0);
            while arrived < len {
                arrived = (arrived + GRAIN).min(len);
                let ready = ready(arrived, len, fir.shift);
                lens.push(ready - done);
                done = ready;
            }
        }
        Some(Self {
            convolver: Convolver::new(fir.clone(), lens),
            segments: rows.segments.clone(),
            picked: rows.picked.clone(),
            held: Array2::zeros((rows.picked.len(), GRAIN + kept(fir.before(), fir.shift, fir.n_edge))),
            n_held: 0,
            base: 0,
            left: vec![Vec::new(); rows.picked.len()],
            span: Span::new(0, 0),
            done: 0,
        })
    }
}

/// How many samples of a segment can be given when `arrived` of `len` are there.
fn ready(arrived: usize, len: usize, shift: usize) -> usize {
    if arrived == len { len } else { arrived - shift }
}

/// Samples that are kept from one block to the next, at most: what the next ones look back at, and what the padding at
/// the end is made of.
fn kept(before: usize, shift: usize, n_edge: usize) -> usize {
    (before + shift).max(n_edge + 1)
}

impl Operator for FirColumns {
    fn segments(&self) -> &[Segment] {
        &self.segments
    }
    fn grain(&self) -> Grain {
        Grain::Fixed(GRAIN as u64)
    }
    fn begin(&mut self, span: Span) -> Result<()> {
        (self.span, self.n_held, self.base, self.done) = (span, 0, 0, 0);
        Ok(())
    }
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let n = block.n_times();
        self.held.slice_mut(s![.., self.n_held..self.n_held + n]).assign(&block.data);
        self.n_held += n;
        let (len, arrived) = (self.span.len() as usize, self.base + self.n_held);
        let fir = self.convolver.fir();
        let (before, shift, n_edge) = (fir.before(), fir.shift, fir.n_edge.min(len - 1));
        let (first, last) = (self.done == 0, arrived == len);
        let stop = ready(arrived, len, shift);
        let n_out = stop - self.done;
        let mut data = block.data;
        if n_out != n {
            data = Array2::zeros((self.picked.len(), n_out));
        }
        let (from, n_held, width) = (self.done - self.base, self.n_held, self.held.ncols());
        let (held, picked, convolver) =
            (self.held.as_slice().expect("it is in C order"), &self.picked, &self.convolver);
        let pad = fir.pad;
        if first {
            for (ch, left) in self.left.iter_mut().enumerate().filter(|(ch, _)| picked[*ch]) {
                left.resize(n_edge.min(before), 0.0);
                pad.left(&held[ch * width..][..n_held], left);
            }
        }
        // Once the start lies behind, what is looked back at is held.
        let lefts = if self.base == 0 { Some(&self.left) } else { None };
        let out_data = data.as_slice_mut().expect("a block is in C order");
        cx.par.for_each_chunk_mut_init(out_data, n_out, <(Work, Vec<f64>)>::default, |(work, right), ch, row| {
            let mid = &held[ch * width..][..n_held];
            if !picked[ch] {
                row.copy_from_slice(&mid[from..from + n_out]);
                return;
            }
            right.resize(if last { n_edge.min(shift) } else { 0 }, 0.0);
            if last {
                pad.right(mid, right);
            }
            let left = lefts.map_or(&[][..], |lefts| &lefts[ch][..]);
            convolver.run_range(Stretch { left, mid, right }, from, row, work);
        });
        let start = self.span.start + self.done as u64;
        self.done = stop;
        // What follows looks back at these.
        let keep = kept(before, shift, n_edge).min(self.n_held);
        let drop = self.n_held - keep;
        for mut row in self.held.outer_iter_mut() {
            row.as_slice_mut().expect("it is in C order").copy_within(drop..drop + keep, 0);
        }
        (self.base, self.n_held) = (self.base + drop, keep);
        out.emit(Block { start, data }, cx)
    }
    fn held_bytes(&self) -> u64 {
        self.held.len() as u64 * 8
    }
}
