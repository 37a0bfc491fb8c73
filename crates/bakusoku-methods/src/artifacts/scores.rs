//! How much sources resemble channels, and which of them stand out.

use bakusoku_core::{Error, Par, Result};
use bakusoku_math::stats;
use ndarray::{Array2, ArrayView2};

fn centred(row: &[f64]) -> (Vec<f64>, f64) {
    let mean = stats::mean(row);
    let row: Vec<f64> = row.iter().map(|x| x - mean).collect();
    // The largest value is taken out first: squares of Tesla would be lost.
    let size = row.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let length = size * row.iter().map(|x| (x / size).powi(2)).sum::<f64>().sqrt();
    (row, length)
}

/// Pearson's correlation of each row of `sources` with each row of `targets`, `(n_targets, n_sources)`; NaN for a flat row.
///
/// # Errors
/// When the rows have not the same length.
pub fn correlations(par: &Par, sources: ArrayView2<'_, f64>, targets: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    if sources.ncols() != targets.ncols() {
        let expected = vec![targets.nrows(), sources.ncols()];
        return Err(Error::Shape { what: "targets", expected, got: targets.shape().to_vec() });
    }
    let targets: Vec<_> = targets.rows().into_iter().map(|row| centred(&row.to_vec())).collect();
    let columns = par.map(sources.nrows(), |index| {
        let (source, length) = centred(&sources.row(index).to_vec());
        targets
            .iter()
            .map(|(target, other)| {
                let product: f64 = source
                    .chunks(1024)
                    .zip(target.chunks(1024))
                    .map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a / length) * (b / other)).sum::<f64>())
                    .sum();
                product.clamp(-1.0, 1.0)
            })
            .collect::<Vec<f64>>()
    });
    Ok(Array2::from_shape_fn((targets.len(), sources.nrows()), |(target, source)| columns[source][target]))
}

/// Which scores lie more than `threshold` standard deviations from the mean, and once more without those
/// (`mne.preprocessing.bads._find_outliers`).
pub fn find_outliers(scores: &[f64], threshold: f64) -> Vec<usize> {
    let mut out = vec![false; scores.len()];
    for _ in 0..2 {
        let kept: Vec<f64> = scores.iter().zip(&out).filter(|(_, out)| !**out).map(|(score, _)| *score).collect();
        let n = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / n;
        let deviation = (kept.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        let mut any = false;
        for (score, out) in scores.iter().zip(&mut out) {
            if !*out && ((score - mean) / deviation).abs() > threshold {
                (*out, any) = (true, true);
            }
        }
        if !any {
            break;
        }
    }
    (0..scores.len()).filter(|&index| out[index]).collect()
}

/// Components that stand out in any row of `scores`, `(n_channels, n_components)`, each once, the largest score first; and
/// those of each row. `measure` of MNE: a z-score, unless `absolute`, which compares the scores themselves.
pub fn outliers_by_score(scores: ArrayView2<'_, f64>, threshold: f64, absolute: bool) -> (Vec<usize>, Vec<Vec<usize>>) {
    let rows: Vec<Vec<usize>> = scores
        .rows()
        .into_iter()
        .map(|row| match absolute {
            true => (0..row.len()).filter(|&index| row[index].abs() > threshold).collect(),
            false => find_outliers(&row.to_vec(), threshold),
        })
        .collect();
    let mut all: Vec<(f64, usize)> = Vec::new();
    for (row, found) in scores.rows().into_iter().zip(&rows) {
        all.extend(found.iter().map(|&index| (row[index].abs(), index)));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut order = Vec::new();
    for (_, index) in all {
        if !order.contains(&index) {
            order.push(index);
        }
    }
    (order, rows)
}
