//! Stored samples `(n_times, n_channels)`, big-endian, to rows of f64.

use super::RawFormat;
use crate::frames::{self, Stored};
use ndarray::ArrayViewMut2;

struct Short;
struct Int;
struct Single;
struct Double;
impl Stored<2> for Short {
    fn decode(bytes: [u8; 2]) -> f64 {
        f64::from(i16::from_be_bytes(bytes))
    }
}
impl Stored<4> for Int {
    fn decode(bytes: [u8; 4]) -> f64 {
        f64::from(i32::from_be_bytes(bytes))
    }
}
impl Stored<4> for Single {
    fn decode(bytes: [u8; 4]) -> f64 {
        f64::from(f32::from_be_bytes(bytes))
    }
}
impl Stored<8> for Double {
    fn decode(bytes: [u8; 8]) -> f64 {
        f64::from_be_bytes(bytes)
    }
}

/// Decodes whole frames of `n_channels` samples; row `i` of `out`, from column `at` on, gets channel `picks[i]` times
/// `scales[picks[i]]`.
pub(crate) fn decode(
    format: RawFormat,
    stored: &[u8],
    n_channels: usize,
    picks: &[usize],
    scales: &[f64],
    out: &mut ArrayViewMut2<'_, f64>,
    at: usize,
) {
    match format {
        RawFormat::Short => frames::decode::<2, Short>(stored, n_channels, picks, scales, out, at),
        RawFormat::Int => frames::decode::<4, Int>(stored, n_channels, picks, scales, out, at),
        RawFormat::Single => frames::decode::<4, Single>(stored, n_channels, picks, scales, out, at),
        RawFormat::Double => frames::decode::<8, Double>(stored, n_channels, picks, scales, out, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::TILE;
    use ndarray::Array2;

    #[test]
    fn every_format_is_decoded_across_tiles_into_any_layout() {
        let (n_channels, n_times) = (3, TILE * 2 + 5);
        let value = |t: usize, ch: usize| (t * 10 + ch) as f64 - 300.0;
        let scales = [2.0, 3.0, 0.5];
        for format in [RawFormat::Short, RawFormat::Int, RawFormat::Single, RawFormat::Double] {
            let mut stored = Vec::new();
            for t in 0..n_times {
                for ch in 0..n_channels {
                    let v = value(t, ch);
                    match format {
                        RawFormat::Short => stored.extend((v as i16).to_be_bytes()),
                        RawFormat::Int => stored.extend((v as i32).to_be_bytes()),
                        RawFormat::Single => stored.extend((v as f32).to_be_bytes()),
                        RawFormat::Double => stored.extend(v.to_be_bytes()),
                    }
                }
            }
            for transposed in [false, true] {
                let mut out =
                    if transposed { Array2::zeros((n_times + 1, 2)) } else { Array2::zeros((2, n_times + 1)) };
                let mut view = if transposed { out.view_mut().reversed_axes() } else { out.view_mut() };
                decode(format, &stored, n_channels, &[2, 0], &scales, &mut view, 1);
                for t in 0..n_times {
                    assert_eq!(view[[0, t + 1]], value(t, 2) * 0.5);
                    assert_eq!(view[[1, t + 1]], value(t, 0) * 2.0);
                }
                assert_eq!(view[[0, 0]], 0.0);
            }
        }
    }
}
