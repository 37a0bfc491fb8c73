//! Sums, means and extrema of one row, and straight lines through it.
//!
//! Sums run over eight lanes that are added in pairs at the end: as exact as NumPy's pairwise summation on the lengths
//! that occur here, and the same for any caller.

const LANES: usize = 8;

fn pairs(lanes: [f64; LANES]) -> f64 {
    ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
}

/// The sum.
pub fn sum(row: &[f64]) -> f64 {
    // Pieces of 1024 bound the error of one lane to 128 additions.
    row.chunks(1024).map(sum_piece).sum()
}

fn sum_piece(row: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    pairs(lanes) + chunks.remainder().iter().sum::<f64>()
}

/// The mean; NaN for an empty row.
pub fn mean(row: &[f64]) -> f64 {
    sum(row) / row.len() as f64
}

/// Smallest and largest value. NaN are passed over; a row without a number gives `(inf, -inf)`.
pub fn min_max(row: &[f64]) -> (f64, f64) {
    let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for i in 0..LANES {
            low[i] = if chunk[i] < low[i] { chunk[i] } else { low[i] };
            high[i] = if chunk[i] > high[i] { chunk[i] } else { high[i] };
        }
    }
    for &x in chunks.remainder() {
        low[0] = if x < low[0] { x } else { low[0] };
        high[0] = if x > high[0] { x } else { high[0] };
    }
    (low.into_iter().fold(f64::INFINITY, f64::min), high.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// Largest minus smallest value; NaN when one of them is NaN or there is none, as `numpy.ptp` has it.
pub fn peak_to_peak(row: &[f64]) -> f64 {
    let (low, high) = min_max(row);
    // A sum is NaN when an element is, and adding does not branch.
    if low > high || sum(row).is_nan() && row.iter().any(|x| x.is_nan()) { f64::NAN } else { high - low }
}

/// The straight line through a row by least squares: its value in the middle (the mean), and its slope per sample.
///
/// The middle of `n` samples lies at `(n - 1) / 2`.
pub fn line(row: &[f64]) -> (f64, f64) {
    let n = row.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = mean(row);
    if row.len() < 2 {
        return (mean, 0.0);
    }
    let (mut lanes, mut times) = ([0.0; LANES], [0.0; LANES]);
    times.iter_mut().enumerate().for_each(|(i, t)| *t = i as f64 - middle);
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for i in 0..LANES {
            lanes[i] += times[i] * (chunk[i] - mean);
            times[i] += LANES as f64;
        }
    }
    for ((lane, t), x) in lanes.iter_mut().zip(&times).zip(chunks.remainder()) {
        *lane += t * (x - mean);
    }
    // Σ (t - middle)² over n samples.
    (mean, pairs(lanes) / (n * (n * n - 1.0) / 12.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_extrema_of_odd_lengths() {
        let row: Vec<f64> = (0..2503).map(|i| f64::from((i * 37) % 101) - 50.0).collect();
        assert_eq!(sum(&row), row.iter().sum::<f64>());
        assert_eq!(min_max(&row), (-50.0, 50.0));
        assert_eq!(peak_to_peak(&row[..3]), 74.0);
        assert!(mean(&[]).is_nan() && peak_to_peak(&[]).is_nan());
    }

    #[test]
    fn a_nan_shows_in_the_range() {
        let mut row = vec![1.0; 33];
        row[20] = f64::NAN;
        assert!(peak_to_peak(&row).is_nan());
        assert_eq!(min_max(&row), (1.0, 1.0));
        assert_eq!(peak_to_peak(&[f64::INFINITY, f64::NEG_INFINITY, 0.0]), f64::INFINITY);
    }

    #[test]
    fn a_line_is_found_exactly() {
        let row: Vec<f64> = (0..50).map(|i| 3.0 - 0.25 * f64::from(i)).collect();
        let (mean, slope) = line(&row);
        assert!((slope + 0.25).abs() < 1e-15);
        assert!((mean - (3.0 - 0.25 * 24.5)).abs() < 1e-15);
        assert_eq!(line(&[5.0]), (5.0, 0.0));
    }
}
