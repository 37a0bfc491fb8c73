//! Regularised covariances: diagonal loading, shrinkage towards a multiple of the identity, and the choice between them.
//!
//! Everything is computed in the space of the data's rank, by block (see `Space`), from sums of `x xᵀ`.

use super::finish::{finite_gram, null_spaces, ranks, unscale};
use super::space::Space;
use super::sums::Sums;
use super::{CovarianceParams, Estimator};
use bakusoku_core::{Error, Info, Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, s};
use std::f64::consts::TAU;

/// What is added to the diagonal by `diagonal_fixed`, as a share of its mean.
const DIAGONAL: f64 = 0.1;

/// Shrinkages that `shrunk` tries: `numpy.logspace(-4, 0, 30)`.
fn grid() -> Vec<f64> {
    (0..30).map(|i| if i == 29 { 1.0 } else { 10f64.powf(-4.0 + f64::from(i) * (4.0 / 29.0)) }).collect()
}

/// A covariance over channels (SI units), how it was estimated, and how well it explains samples that it has not seen.
#[derive(Debug)]
pub(super) struct Estimated {
    pub(super) method: Estimator,
    pub(super) data: Array2<f64>,
    pub(super) loglik: Option<f64>,
}

/// Sums of `x xᵀ` and of `x`, and the number of samples in them.
struct Fold {
    gram: Array2<f64>,
    /// `(n_dims, 1)`.
    sum: Array2<f64>,
    n: u64,
}

/// What is made of an empirical covariance.
enum Model {
    Empirical,
    Diagonal,
    /// One shrinkage for all dimensions.
    All(f64),
    /// A shrinkage for each block.
    Blocks(Vec<f64>),
}

/// The covariance by every method of the parameters, in their order.
pub(super) fn estimates(sums: &Sums, info: &Info, params: &CovarianceParams, par: &Par) -> Result<Vec<Estimated>> {
    let gram = finite_gram(sums)?;
    let ranks = ranks(sums)?;
    let null = null_spaces(sums, info, &gram, &ranks, par)?;
    let groups: Vec<_> = sums.groups.iter().map(|(group, _)| group).zip(null).collect();
    let space = Space::new(info, &groups)?;
    let several = params.method.len() > 1;
    let folds = if several || params.method.contains(&Estimator::Shrunk) {
        folds(sums, &gram, &space, params.cv, par)?
    } else {
        Vec::new()
    };
    let n = sums.n_samples;
    let empirical = space.reduce(par, gram) / n as f64;
    let mut out = Vec::new();
    for &method in &params.method {
        let block = |dims: &[usize]| part(empirical.view(), dims);
        let each = |f: &dyn Fn(&[usize]) -> Result<f64>| -> Result<Model> {
            let shrinkages = space.blocks.iter().map(|b| f(&b.dims)).collect::<Result<Vec<_>>>()?;
            let told: Vec<String> =
                space.blocks.iter().zip(&shrinkages).map(|(b, c)| format!("{} {c:.3e}", b.name)).collect();
            tracing::info!("covariance by {}: shrinkage of {}", method.name(), told.join(", "));
            Ok(Model::Blocks(shrinkages))
        };
        let model = match method {
            Estimator::Empirical => Model::Empirical,
            Estimator::DiagonalFixed => Model::Diagonal,
            Estimator::Shrinkage => Model::All(params.shrinkage),
            Estimator::Oas => each(&|dims| Ok(oas(&block(dims), n)))?,
            Estimator::LedoitWolf => {
                let fourth = fourth_moments(sums, &space, par)?;
                let of = |dims: &[usize]| space.blocks.iter().position(|b| b.dims == dims).unwrap_or_default();
                each(&|dims| Ok(ledoit_wolf(&block(dims), n, fourth[of(dims)])))?
            }
            Estimator::Shrunk => each(&|dims| shrunk(&folds, dims))?,
        };
        let loglik = if several { Some(cross_validated(&model, &space, &folds)?) } else { None };
        let covariance = model.of(empirical.clone(), &space);
        // From the mean over samples to the sum over one less.
        let factor = n as f64 / (n.max(2) - 1) as f64;
        let data = unscale(space.expand(par, covariance * factor), &sums.scales);
        out.push(Estimated { method, data, loglik });
    }
    Ok(out)
}

fn part(a: ArrayView2<'_, f64>, dims: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn((dims.len(), dims.len()), |(i, j)| a[[dims[i], dims[j]]])
}

fn mean_of_diagonal(a: &Array2<f64>) -> f64 {
    a.diag().sum() / a.nrows().max(1) as f64
}

impl Model {
    /// Of the empirical covariance in the space.
    fn of(&self, mut covariance: Array2<f64>, space: &Space) -> Array2<f64> {
        match self {
            Self::Empirical => {}
            Self::Diagonal => {
                for block in &space.blocks {
                    let more = DIAGONAL * mean_of_diagonal(&part(covariance.view(), &block.dims));
                    block.dims.iter().for_each(|&i| covariance[[i, i]] += more);
                }
            }
            &Self::All(shrinkage) => {
                let mean = mean_of_diagonal(&covariance);
                covariance *= 1.0 - shrinkage;
                covariance.diag_mut().iter_mut().for_each(|x| *x += shrinkage * mean);
            }
            Self::Blocks(shrinkages) => {
                for (a, (first, ca)) in space.blocks.iter().zip(shrinkages).enumerate() {
                    let mean = mean_of_diagonal(&part(covariance.view(), &first.dims));
                    for (b, (second, cb)) in space.blocks.iter().zip(shrinkages).enumerate() {
                        // EEG and other types are taken to be independent.
                        let apart = a != b && (first.name == "eeg" || second.name == "eeg");
                        let factor = match (apart, a == b) {
                            (true, _) => 0.0,
                            (_, true) => 1.0 - ca,
                            _ => ((1.0 - ca) * (1.0 - cb)).sqrt(),
                        };
                        for &i in &first.dims {
                            second.dims.iter().for_each(|&j| covariance[[i, j]] *= factor);
                        }
                    }
                    first.dims.iter().for_each(|&i| covariance[[i, i]] += ca * mean);
                }
            }
        }
        covariance
    }
}

/// Neighbouring samples in `cv` folds of nearly the same length (`sklearn.model_selection.KFold`).
fn folds(sums: &Sums, gram: &Array2<f64>, space: &Space, cv: usize, par: &Par) -> Result<Vec<Fold>> {
    let n = sums.n_samples;
    if cv < 2 || cv as u64 > n {
        return Err(Error::parameter("cv", format!("a number of folds from 2 to the number of samples ({n})"), cv));
    }
    let Some(kept) = &sums.kept else {
        return Err(Error::data("no samples were kept for folds, expected all of them"));
    };
    let mut stops = Vec::with_capacity(cv);
    let mut stop = 0;
    for fold in 0..cv as u64 {
        stop += n / cv as u64 + u64::from(fold < n % cv as u64);
        stops.push(stop);
    }
    let mut grams = vec![Array2::zeros(gram.dim()); cv];
    let mut totals = vec![Array2::<f64>::zeros((gram.nrows(), 1)); cv];
    kept.each(|start, x| {
        let end = start + x.ncols() as u64;
        for fold in 0..cv {
            let from = if fold == 0 { 0 } else { stops[fold - 1] }.clamp(start, end);
            let to = stops[fold].clamp(start, end);
            if from < to {
                let x = x.slice(s![.., (from - start) as usize..(to - start) as usize]);
                totals[fold].iter_mut().zip(x.rows()).for_each(|(total, row)| *total += row.sum());
                // The last fold is what the others leave of the sum.
                if fold < cv - 1 {
                    linalg::gram_into(par, grams[fold].view_mut(), x);
                }
            }
        }
        Ok(())
    })?;
    let mut last = gram.clone();
    for gram in &mut grams[..cv - 1] {
        linalg::mirror_lower(gram.view_mut());
        last -= &*gram;
    }
    grams[cv - 1] = last;
    let counts = stops.iter().scan(0, |before, &stop| Some(stop - std::mem::replace(before, stop)));
    let sums = totals.iter().map(|total| space.project(par, total.view()));
    let folds = grams.into_iter().zip(sums).zip(counts);
    Ok(folds.map(|((gram, sum), n)| Fold { gram: space.reduce(par, gram), sum, n }).collect())
}

/// The shrinkage of the grid under which what a fold's other samples say explains the fold best.
///
/// `(1 - a) S + a μ I` has the eigenvectors of `S` for every `a`: one decomposition a fold serves them all.
fn shrunk(folds: &[Fold], dims: &[usize]) -> Result<f64> {
    let grid = grid();
    let mut scores = vec![0.0; grid.len()];
    let blocks: Vec<(Array2<f64>, u64)> = folds.iter().map(|fold| (part(fold.gram.view(), dims), fold.n)).collect();
    for (index, (test, n_test)) in blocks.iter().enumerate() {
        let others = || blocks.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, fold)| fold);
        let n_train: u64 = others().map(|fold| fold.1).sum();
        let train = others().fold(Array2::zeros(test.dim()), |sum, fold| sum + &fold.0) / n_train as f64;
        let mean = mean_of_diagonal(&train);
        let (values, explained) = spectrum(&train, test, *n_test)?;
        for (score, &shrinkage) in scores.iter_mut().zip(&grid) {
            let values = values.iter().map(|value| (1.0 - shrinkage) * value + shrinkage * mean);
            *score += log_likelihood(values, &explained, None);
        }
    }
    // The first of the best.
    let mut best = 0;
    for (index, &score) in scores.iter().enumerate() {
        if score > scores[best] || scores[best].is_nan() {
            best = index;
        }
    }
    Ok(grid[best])
}

/// The eigenvalues of a covariance, and the variance of other samples along its eigenvectors.
fn spectrum(covariance: &Array2<f64>, test: &Array2<f64>, n_test: u64) -> Result<(Vec<f64>, Vec<f64>)> {
    let (values, vectors) = linalg::eigh(covariance.view()).map_err(|e| Error::data(e.to_string()))?;
    let along = test.dot(&vectors);
    let explained = vectors.columns().into_iter().zip(along.columns()).map(|(v, t)| v.dot(&t) / n_test as f64);
    Ok((values.to_vec(), explained.collect()))
}

/// The mean log-likelihood of samples with the variances `explained` along the eigenvectors of a covariance.
///
/// Eigenvalues that count as zero have no part in the pseudo-inverse; its determinant is then zero, or has `floor` times
/// the largest of its eigenvalues in their place.
fn log_likelihood(values: impl Iterator<Item = f64>, explained: &[f64], floor: Option<f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    // scipy.linalg.pinvh
    let cutoff = largest * values.len() as f64 * f64::EPSILON;
    let precisions: Vec<f64> = values.iter().map(|&v| if v.abs() > cutoff { 1.0 / v } else { 0.0 }).collect();
    let distance: f64 = precisions.iter().zip(explained).map(|(p, t)| p * t).sum();
    let least = floor.map(|floor| floor * precisions.iter().fold(0.0_f64, |most, p| most.max(*p)));
    let log_det: f64 = match least {
        Some(least) => precisions.iter().map(|p| p.max(least).ln()).sum(),
        None if precisions.iter().all(|&p| p > 0.0) => precisions.iter().map(|p| p.ln()).sum(),
        None => f64::NEG_INFINITY,
    };
    -0.5 * (distance - log_det + values.len() as f64 * TAU.ln())
}

/// The mean over folds of the log-likelihood under the model of the other folds (`mne.cov._gaussian_loglik_scorer`).
fn cross_validated(model: &Model, space: &Space, folds: &[Fold]) -> Result<f64> {
    let mut sum = 0.0;
    for (index, test) in folds.iter().enumerate() {
        let others = || folds.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, fold)| fold);
        let n_train: u64 = others().map(|fold| fold.n).sum();
        let mut train = others().fold(Array2::zeros(test.gram.dim()), |sum, fold| sum + &fold.gram) / n_train as f64;
        if matches!(model, Model::Diagonal) {
            // MNE-Python loses `assume_centered` of this method where scikit-learn copies it for each fold.
            let mean = others().fold(Array2::zeros(test.sum.dim()), |sum, fold| sum + &fold.sum) / n_train as f64;
            train -= &mean.dot(&mean.t());
        }
        let (values, explained) = spectrum(&model.of(train, space), &test.gram, test.n)?;
        sum += log_likelihood(values.into_iter(), &explained, Some(space.n_dims() as f64 * f64::EPSILON));
    }
    Ok(sum / folds.len() as f64)
}

/// Chen, Wiesel, Eldar & Hero (2010), eq. 23, as scikit-learn has it.
fn oas(covariance: &Array2<f64>, n_samples: u64) -> f64 {
    let p = covariance.nrows() as f64;
    if covariance.nrows() < 2 {
        return 0.0;
    }
    let alpha = covariance.iter().map(|x| x * x).sum::<f64>() / (p * p);
    let mean = mean_of_diagonal(covariance).powi(2);
    let denominator = (n_samples + 1) as f64 * (alpha - mean / p);
    if denominator == 0.0 { 1.0 } else { ((alpha + mean) / denominator).min(1.0) }
}

/// Ledoit & Wolf (2004); `fourth` is the sum over samples of the square of their squared length.
fn ledoit_wolf(covariance: &Array2<f64>, n_samples: u64, fourth: f64) -> f64 {
    let (p, n) = (covariance.nrows() as f64, n_samples as f64);
    if covariance.nrows() < 2 {
        return 0.0;
    }
    let squares: f64 = covariance.iter().map(|x| x * x).sum();
    let mean = mean_of_diagonal(covariance);
    let beta = (fourth / n - squares) / (p * n);
    let delta = (squares - 2.0 * mean * (mean * p) + p * mean * mean) / p;
    let beta = beta.min(delta);
    if beta == 0.0 { 0.0 } else { beta / delta }
}

/// By block the sum over samples of the square of their squared length.
fn fourth_moments(sums: &Sums, space: &Space, par: &Par) -> Result<Vec<f64>> {
    let Some(kept) = &sums.kept else {
        return Err(Error::data("no samples were kept for Ledoit and Wolf's sums, expected all of them"));
    };
    let mut out = vec![0.0; space.blocks.len()];
    kept.each(|_, x| {
        let x = space.project(par, x);
        for (sum, block) in out.iter_mut().zip(&space.blocks) {
            let mut lengths = vec![0.0; x.ncols()];
            for &dim in &block.dims {
                lengths.iter_mut().zip(x.row(dim)).for_each(|(length, x)| *length += x * x);
            }
            *sum += lengths.iter().map(|length| length * length).sum::<f64>();
        }
        Ok(())
    })?;
    Ok(out)
}
