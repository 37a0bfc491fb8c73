//! A matrix over channels.

use crate::{Par, Segment};
use bakusoku_math::linalg;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// A matrix over channels: `out = matrix · in + offset` on `channels`, identity elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearMap {
    /// The channels concerned, as indices of the stream.
    pub channels: Vec<usize>,
    /// `(channels.len(), channels.len())`.
    pub matrix: Array2<f64>,
    /// What is added to each of the channels, `(channels.len(),)`: what an ICA leaves of the mean, say.
    pub offset: Option<Array1<f64>>,
    /// Where it applies.
    pub segments: Vec<Segment>,
    /// Whether NaN and infinity are refused rather than spread to all channels.
    pub finite: bool,
}

impl LinearMap {
    /// The channels afterwards, `(channels.len(), n_times)`, from what they were.
    pub fn apply(&self, par: &Par, channels: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut out = linalg::matmul(par, self.matrix.view(), channels);
        if let Some(offset) = &self.offset {
            out.axis_iter_mut(Axis(0)).zip(offset).for_each(|(mut row, &offset)| row += offset);
        }
        out
    }
    /// First this map, then `next`, over the channels of either; `None` where they apply to other stretches.
    #[must_use]
    pub fn then(&self, next: &Self) -> Option<Self> {
        if self.segments != next.segments {
            return None;
        }
        let mut channels: Vec<usize> = self.channels.iter().chain(&next.channels).copied().collect();
        channels.sort_unstable();
        channels.dedup();
        let (first, second) = (self.widened(&channels), next.widened(&channels));
        let offset = match (first.offset, second.offset) {
            (None, offset) => offset,
            (Some(offset), None) => Some(second.matrix.dot(&offset)),
            (Some(offset), Some(added)) => Some(second.matrix.dot(&offset) + added),
        };
        Some(Self {
            matrix: linalg::matmul(&Par::serial(), second.matrix.view(), first.matrix.view()),
            offset,
            channels,
            segments: self.segments.clone(),
            finite: self.finite || next.finite,
        })
    }
    /// The same over more channels (ascending), which contain its own.
    fn widened(&self, channels: &[usize]) -> Self {
        let mut matrix = Array2::eye(channels.len());
        let mut offset = self.offset.as_ref().map(|_| Array1::zeros(channels.len()));
        let place: Vec<usize> = self.channels.iter().map(|ch| channels.partition_point(|other| other < ch)).collect();
        for (i, &row) in place.iter().enumerate() {
            for (j, &column) in place.iter().enumerate() {
                matrix[[row, column]] = self.matrix[[i, j]];
            }
            if let (Some(wide), Some(offset)) = (&mut offset, &self.offset) {
                wide[row] = offset[i];
            }
        }
        Self { channels: channels.to_vec(), matrix, offset, segments: self.segments.clone(), finite: self.finite }
    }
}
