//! `mixing × courses`, the bulk of the work, for four channels and one chunk at a time.
//!
//! Every sample is one sum over the sources in index order, without fused multiply-add, so that it has the same bits whatever
//! else is asked for and whatever vectors the processor has.

use crate::random::CHUNK;

/// Samples in a tile: the courses of a tile lie together, so that the inner loop reads one line after the other.
const TILE: usize = 8;
/// Channels mixed at once.
pub(crate) const GROUP: usize = 4;

/// The courses of one chunk, `(CHUNK / TILE, n_sources, TILE)`.
pub(crate) struct Packed {
    n: usize,
    tiles: Vec<[f64; TILE]>,
}

impl Packed {
    /// From `(n, CHUNK)`.
    pub(crate) fn new(courses: &[f64], n: usize) -> Self {
        let mut tiles = vec![[0.0; TILE]; n * CHUNK / TILE];
        for (k, row) in courses.chunks_exact(CHUNK).enumerate() {
            for (tile, samples) in row.chunks_exact(TILE).enumerate() {
                tiles[tile * n + k].copy_from_slice(samples);
            }
        }
        Self { n, tiles }
    }

    /// Mixes four channels: `weights` is `(n_sources, 4)`, `out` is `(4, CHUNK)`.
    pub(crate) fn mix(&self, weights: &[[f64; GROUP]], out: &mut [f64]) {
        if self.n == 0 {
            return out.fill(0.0);
        }
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, as was just asked; the function does nothing else that is unsafe.
            #[allow(unsafe_code)]
            unsafe {
                return mix_avx2(self, weights, out);
            }
        }
        mix_tiles::<4>(self, weights, out);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mix_avx2(packed: &Packed, weights: &[[f64; GROUP]], out: &mut [f64]) {
    mix_tiles::<8>(packed, weights, out);
}

/// `W` samples at a time: as many as keep the sums of four channels in registers.
#[inline(always)]
fn mix_tiles<const W: usize>(packed: &Packed, weights: &[[f64; GROUP]], out: &mut [f64]) {
    for (tile, courses) in packed.tiles.chunks_exact(packed.n).enumerate() {
        for part in (0..TILE).step_by(W) {
            let mut sums = [[0.0f64; W]; GROUP];
            for (samples, weight) in courses.iter().zip(weights) {
                let samples: [f64; W] = std::array::from_fn(|i| samples[part + i]);
                for c in 0..GROUP {
                    for i in 0..W {
                        sums[c][i] += weight[c] * samples[i];
                    }
                }
            }
            for (c, sum) in sums.iter().enumerate() {
                out[c * CHUNK + tile * TILE + part..][..W].copy_from_slice(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Streams};

    #[test]
    fn all_kernels_give_the_bits_of_the_plain_sum() {
        let n = 7;
        let mut random = Streams::new(5, 1, 1).samples(Purpose::Sensor, 0, 0);
        let courses: Vec<f64> = (0..n * CHUNK).map(|_| random.normal()).collect();
        let weights: Vec<[f64; GROUP]> = (0..n).map(|_| std::array::from_fn(|_| random.normal())).collect();
        let packed = Packed::new(&courses, n);
        let mut expected = vec![0.0; GROUP * CHUNK];
        for (c, row) in expected.chunks_exact_mut(CHUNK).enumerate() {
            for (t, x) in row.iter_mut().enumerate() {
                for k in 0..n {
                    *x += weights[k][c] * courses[k * CHUNK + t];
                }
            }
        }
        let mut out = vec![f64::NAN; GROUP * CHUNK];
        packed.mix(&weights, &mut out);
        assert_eq!(out, expected);
        out.fill(f64::NAN);
        mix_tiles::<4>(&packed, &weights, &mut out);
        assert_eq!(out, expected);
        out.fill(f64::NAN);
        Packed::new(&[], 0).mix(&[], &mut out);
        assert!(out.iter().all(|&x| x == 0.0), "without sources all is silent");
    }
}
