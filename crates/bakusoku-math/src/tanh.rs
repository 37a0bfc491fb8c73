//! The hyperbolic tangent and the logarithm of the hyperbolic cosine, as loops that vectorise.

use std::f64::consts::{LN_2, LOG2_E};

/// The high part of ln 2: its product with a whole number below 2^20 is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
/// ln 2 less its high part.
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Added to a small number, it leaves the nearest whole number in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// exp(-2 |y|) does not change a sum with 1 from far before here.
const FAR: f64 = -700.0;

/// `exp(-2 |y|) - 1`.
///
/// Branches are selections, so that a loop over slices inside [`wide!`](crate::wide) works on several numbers at once.
#[inline(always)]
fn exp_less_one(y: f64) -> f64 {
    let x = -2.0 * y.abs();
    let x = if x < FAR { FAR } else { x };
    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    // exp(r) - 1 for |r| up to ln(2) / 2: Taylor's series, whose first omitted term is below 1e-17 of the sum.
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let middle = (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let high =
        (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let p = r + r2 * (low + r4 * (middle + r4 * high));
    // 2^k from the bits of `shifted`.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (power - 1.0) + power * p
}

/// `tanh(y)`, and `1 + exp(-2 |y|)`: `ln(2 cosh(y))` is `|y|` plus the logarithm of the latter.
///
/// Both are within 4 units in the last place. For loops as those of [`tanh_parts_into`].
#[inline(always)]
pub fn tanh_parts(y: f64) -> (f64, f64) {
    let less = exp_less_one(y);
    let sum = 2.0 + less;
    ((-less / sum).copysign(y), sum)
}

/// `y + alpha z` into `out`, and `1 + exp(-2 |.|)` of that into `sum`.
///
/// # Panics
/// When the lengths differ.
#[inline(always)]
pub fn step_parts_into(y: &[f64], z: &[f64], alpha: f64, out: &mut [f64], sum: &mut [f64]) {
    assert!(y.len() == z.len() && y.len() == out.len() && y.len() == sum.len(), "all must be as long as `y`");
    for (((&y, &z), out), sum) in y.iter().zip(z).zip(out).zip(sum) {
        let stepped = y + alpha * z;
        *out = stepped;
        *sum = 2.0 + exp_less_one(stepped);
    }
}

/// [`tanh_parts`] of each element: `tanh(y)` into `tanh`, the other one into `sum`.
///
/// # Panics
/// When the lengths differ.
#[inline(always)]
pub fn tanh_parts_into(y: &[f64], tanh: &mut [f64], sum: &mut [f64]) {
    assert!(y.len() == tanh.len() && y.len() == sum.len(), "all must be as long as `y`");
    for ((&y, tanh), sum) in y.iter().zip(tanh).zip(sum) {
        (*tanh, *sum) = tanh_parts(y);
    }
}

const LANES: usize = 8;

/// The sum of `ln(2 cosh(y))`, from the `sums` of [`tanh_parts_into`].
///
/// One logarithm is taken for some thousand elements, that of the product of their `1 + exp(-2 |y|)`, each of which is
/// between 1 and 2.
///
/// # Panics
/// When the lengths differ.
#[inline(always)]
pub fn sum_ln_two_cosh(y: &[f64], sums: &[f64]) -> f64 {
    /// The product of a lane stays below 2^512.
    const MOST: usize = 512 * LANES;
    assert_eq!(y.len(), sums.len(), "both must have the same length");
    let mut total = 0.0;
    for (y, sums) in y.chunks(MOST).zip(sums.chunks(MOST)) {
        let (mut products, mut lengths) = ([1.0; LANES], [0.0; LANES]);
        let ((y, y_rest), (sums, sums_rest)) = (y.as_chunks::<LANES>(), sums.as_chunks::<LANES>());
        for (y, sums) in y.iter().zip(sums) {
            for lane in 0..LANES {
                products[lane] *= sums[lane];
                lengths[lane] += y[lane].abs();
            }
        }
        for (lane, (y, sum)) in y_rest.iter().zip(sums_rest).enumerate() {
            products[lane] *= sum;
            lengths[lane] += y.abs();
        }
        for lane in 0..LANES {
            total += lengths[lane] + products[lane].ln();
        }
    }
    total
}

/// `ln(cosh(y))` of one number.
pub fn log_cosh(y: f64) -> f64 {
    y.abs() + (-2.0 * y.abs()).exp().ln_1p() - LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(a: f64, b: f64) -> f64 {
        if a == b { 0.0 } else { (a - b).abs() / (f64::EPSILON / 2.0 * b.abs()) }
    }

    #[test]
    fn the_tangent_is_libm_s_to_a_few_units_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for i in 0..400_000 {
            let y = (f64::from(i) - 200_000.0) * 1.03e-4;
            worst = worst.max(ulps(tanh_parts(y).0, y.tanh()));
        }
        for i in 0..600 {
            let y = 1.7 * 0.5_f64.powi(i);
            worst = worst.max(ulps(tanh_parts(y).0, y.tanh()));
            worst = worst.max(ulps(tanh_parts(-y).0, (-y).tanh()));
        }
        assert!(worst <= 6.0, "{worst} halves of a unit in the last place");
        assert_eq!(tanh_parts(0.0), (0.0, 2.0));
        assert_eq!(tanh_parts(1e300).0, 1.0);
        assert_eq!(tanh_parts(f64::NEG_INFINITY).0, -1.0);
        assert!(tanh_parts(f64::NAN).0.is_nan());
    }

    #[test]
    fn sums_of_logarithms_are_those_of_the_elements() {
        for n in [0, 1, 7, 8, 4096, 4097, 10_001] {
            let y: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.37).sin() * 1.4_f64.powi(i % 23)).collect();
            let (mut tanh, mut sums) = (vec![0.0; y.len()], vec![0.0; y.len()]);
            let sum = crate::wide!({
                tanh_parts_into(&y, &mut tanh, &mut sums);
                sum_ln_two_cosh(&y, &sums)
            });
            let expected: f64 = y.iter().map(|&y| log_cosh(y) + LN_2).sum();
            assert!((sum - expected).abs() <= 1e-13 * expected.abs(), "{n}: {sum} {expected}");
            assert!(y.iter().zip(&tanh).all(|(y, tanh)| ulps(*tanh, y.tanh()) <= 6.0));
        }
        // The largest product there can be.
        let sum = sum_ln_two_cosh(&[0.0; 4096], &[2.0; 4096]);
        assert!((sum / (4096.0 * LN_2) - 1.0).abs() < 1e-14);
    }
}
