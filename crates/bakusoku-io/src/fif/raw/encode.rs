//! Rows of f64 to stored samples `(n_times, n_channels)`, big-endian.

use super::RawFormat;
use ndarray::ArrayView2;

/// Samples encoded at a time for all channels: the stored frames that they fill stay in the second cache.
const TILE: usize = 128;
/// Channels that go to their places together.
const GROUP: usize = 16;

/// Divides by `scale` so that reading multiplies back to the very same number wherever one exists (a sample that was
/// read from a file always has one).
fn unscale(value: f64, scale: f64) -> f64 {
    let stored = value / scale;
    if stored * scale == value || !stored.is_finite() {
        return stored;
    }
    [stored.next_up(), stored.next_down()].into_iter().find(|near| near * scale == value).unwrap_or(stored)
}

/// Divides by `scale`; a multiple of it gives that very integer, where the quotient may lie just below.
fn whole(value: f64, scale: f64) -> f64 {
    let stored = value / scale;
    let nearest = stored.round();
    if nearest * scale == value { nearest } else { stored }
}

/// Encodes the samples of a block, each channel divided by its scale, into `out`: whole frames, one after the other.
pub(crate) fn encode(format: RawFormat, block: ArrayView2<'_, f64>, scales: &[f64], out: &mut [u8]) {
    match format {
        // As MNE: towards zero; but what does not fit stays at the limit.
        RawFormat::Short => frames(block, scales, out, |v, s| (whole(v, s) as i16).to_be_bytes()),
        RawFormat::Int => frames(block, scales, out, |v, s| (whole(v, s) as i32).to_be_bytes()),
        RawFormat::Single => frames(block, scales, out, |v, s| ((v / s) as f32).to_be_bytes()),
        RawFormat::Double => frames(block, scales, out, |v, s| unscale(v, s).to_be_bytes()),
    }
}

fn frames<const N: usize>(
    block: ArrayView2<'_, f64>,
    scales: &[f64],
    out: &mut [u8],
    store: impl Fn(f64, f64) -> [u8; N],
) {
    let n_channels = scales.len();
    // In rows first, where several samples are divided at once; then frame by frame to their places, side by side.
    let mut stored = [[[0; N]; TILE]; GROUP];
    for (k, tile) in out.chunks_mut(TILE * n_channels * N).enumerate() {
        for first in (0..n_channels).step_by(GROUP) {
            let group = first..(first + GROUP).min(n_channels);
            for (to, ch) in stored.iter_mut().zip(group.clone()) {
                let (row, scale) = (block.row(ch), scales[ch]);
                let put = |(to, &value): (&mut [u8; N], &f64)| *to = store(value, scale);
                match row.to_slice() {
                    Some(row) => to.iter_mut().zip(&row[k * TILE..]).for_each(put),
                    None => to.iter_mut().zip(row.iter().skip(k * TILE)).for_each(put),
                }
            }
            let places = group.start * N..group.end * N;
            for (t, frame) in tile.chunks_exact_mut(n_channels * N).enumerate() {
                let (places, _) = frame[places.clone()].as_chunks_mut::<N>();
                places.iter_mut().zip(&stored).for_each(|(place, row)| *place = row[t]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::*;
    use ndarray::Array2;

    #[test]
    fn what_was_read_is_written_back_bit_by_bit() {
        let scales = [2.980_232_2e-8_f64 * 3.1, 1.0 / 3.0, 7.3e-13];
        let stored: Vec<u8> = (0..3 * 1000_u32).flat_map(|k| ((k as f32).sin() * 1e3).to_be_bytes()).collect();
        let read = |format, bytes: &[u8]| {
            let mut data = Array2::zeros((3, 1000));
            decode(format, bytes, 3, &[0, 1, 2], &scales, &mut data.view_mut(), 0);
            data
        };
        let data = read(RawFormat::Single, &stored);
        let mut single = vec![0; 3 * 1000 * 4];
        encode(RawFormat::Single, data.view(), &scales, &mut single);
        assert_eq!(single, stored);
        let mut double = vec![0; 3 * 1000 * 8];
        encode(RawFormat::Double, data.view(), &scales, &mut double);
        assert_eq!(read(RawFormat::Double, &double), data);
    }
}
