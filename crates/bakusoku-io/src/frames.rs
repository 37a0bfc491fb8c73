//! Stored samples, time by time `(n_times, n_channels)`, to rows of f64.

use ndarray::ArrayViewMut2;

/// Samples decoded at a time for all rows: the lines of stored samples that a channel's column touches stay in the
/// first cache while its neighbours are taken from the same lines.
pub(crate) const TILE: usize = 128;

/// A number as `N` bytes of a file.
pub(crate) trait Stored<const N: usize> {
    fn decode(bytes: [u8; N]) -> f64;
}

/// Decodes whole frames of `n_channels` samples; row `i` of `out`, from column `at` on, gets channel `picks[i]` times
/// `scales[picks[i]]`.
pub(crate) fn decode<const N: usize, S: Stored<N>>(
    stored: &[u8],
    n_channels: usize,
    picks: &[usize],
    scales: &[f64],
    out: &mut ArrayViewMut2<'_, f64>,
    at: usize,
) {
    let frame = n_channels * N;
    let mut column = at;
    for tile in stored.chunks(TILE * frame) {
        let n = tile.len() / frame;
        for (mut row, &pick) in out.outer_iter_mut().zip(picks) {
            let scale = scales[pick];
            let values =
                tile[pick * N..].chunks(frame).map(|c| c.first_chunk::<N>().map_or(0.0, |&b| S::decode(b) * scale));
            match row.as_slice_mut() {
                Some(row) => row[column..column + n].iter_mut().zip(values).for_each(|(out, value)| *out = value),
                None => row.iter_mut().skip(column).zip(values).for_each(|(out, value)| *out = value),
            }
        }
        column += n;
    }
}
