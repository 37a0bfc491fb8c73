//! Picard: quasi-Newton search for independent components, preconditioned by an approximate Hessian.
//!
//! Ablin, Cardoso & Gramfort (2018), *IEEE Trans. Signal Process.* 66 (components free); Ablin, Cardoso & Gramfort (2018),
//! *ICASSP* (components uncorrelated). The steps are those of `picard.picard(whiten=False)`. Two things differ. The sums
//! at a point that is tried serve the next iteration, so that an iteration looks at the samples once. And near the optimum,
//! where the loss only changes by its rounding errors, a step is good when the gradient shrinks: a tolerance of 1e-10 is
//! reached in a few iterations, not by chance.

mod direction;
mod pass;

pub use pass::Blocks;

use super::params::PicardParams;
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::linalg::{self, LinalgError};
use direction::{Hessian, Memory};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use pass::{Means, look, look_along};
use std::collections::VecDeque;

/// A change of the loss below this share of it may be rounding.
const ROUNDING: f64 = 1e-13;
/// Steps whose loss is found in one look.
const STEPS: usize = 4;

/// Where the search ended.
#[derive(Clone, Debug)]
pub struct Found {
    /// The sources are this matrix times the samples.
    pub unmixing: Array2<f64>,
    /// Iterations.
    pub n_iter: usize,
    /// The largest element of the gradient.
    pub gradient: f64,
    /// Whether it is below the tolerance.
    pub converged: bool,
    /// The loss: the negative log-likelihood of a sample, but for a constant.
    pub loss: f64,
}

pub(super) fn wrong(error: LinalgError) -> Error {
    Error::data(format!("the search for independent components broke down: {error}"))
}

/// A point of the search.
struct Point {
    unmixing: Array2<f64>,
    means: Means,
    /// Covariance of the sources.
    covariance: Array2<f64>,
    ln_det: f64,
}

/// What is searched: the samples, their covariance, and the kind of problem.
struct Problem<'a> {
    par: &'a Par,
    x: &'a Blocks,
    covariance: ArrayView2<'a, f64>,
    params: &'a PicardParams,
}

impl Problem<'_> {
    fn at(&self, unmixing: Array2<f64>) -> Result<Point> {
        let means = look(self.par, self.x, unmixing.view(), !self.params.ortho);
        let covariance = unmixing.dot(&self.covariance).dot(&unmixing.t());
        let ln_det = if self.params.ortho { 0.0 } else { linalg::ln_abs_det(unmixing.view()).map_err(wrong)? };
        Ok(Point { unmixing, means, covariance, ln_det })
    }

    fn loss(&self, point: &Point, signs: &Array1<f64>) -> f64 {
        self.loss_of(point.means.log_cosh.view(), &point.covariance, point.ln_det, signs)
    }

    fn loss_of(
        &self,
        log_cosh: ArrayView1<'_, f64>,
        covariance: &Array2<f64>,
        ln_det: f64,
        signs: &Array1<f64>,
    ) -> f64 {
        let mut loss = signs.dot(&log_cosh);
        if !self.params.ortho {
            loss -= ln_det;
            if self.params.extended {
                loss += 0.5 * covariance.diag().sum();
            }
        }
        loss
    }

    /// Which sources are heavy-tailed (1) and which light-tailed (-1).
    fn signs(&self, point: &Point) -> Array1<f64> {
        let kurtosis = &point.means.derivative * &point.covariance.diag() - point.means.score.diag();
        kurtosis.mapv(|k| if k < 0.0 { -1.0 } else { 1.0 })
    }

    fn signed_score(&self, point: &Point, signs: &Array1<f64>) -> Array2<f64> {
        let mut score = &point.means.score * &signs.view().insert_axis(Axis(1));
        if self.params.extended && !self.params.ortho {
            score += &point.covariance;
        }
        score
    }

    fn gradient(&self, point: &Point, signs: &Array1<f64>) -> Array2<f64> {
        let score = self.signed_score(point, signs);
        if self.params.ortho { (&score - &score.t()) / 2.0 } else { score - Array2::<f64>::eye(signs.len()) }
    }

    fn hessian(&self, point: &Point, signs: &Array1<f64>) -> Hessian {
        if self.params.ortho {
            let derivative = signs * &point.means.derivative;
            let score = self.signed_score(point, signs);
            return Hessian::uncorrelated(&derivative, &score.diag().to_owned(), self.params.lambda_min);
        }
        let mut curvature = &point.means.curvature * &signs.view().insert_axis(Axis(1));
        if self.params.extended {
            curvature += &point.covariance.diag();
        }
        Hessian::free(curvature, self.params.lambda_min)
    }

    /// Halves the step until the loss is less than `loss`, from `point` along `direction`, where the gradient is
    /// `gradient`; the step that was taken, where it led, whether that is better, and the number of tries.
    ///
    /// `expected` tries are likely needed: where it is more than one, the loss alone is asked for at several steps at once.
    fn search(
        &self,
        point: &Point,
        direction: &Array2<f64>,
        signs: &Array1<f64>,
        (loss, gradient): (f64, f64),
        (tries, expected): (usize, usize),
    ) -> Result<(Point, Array2<f64>, bool, usize)> {
        let level = |new_loss: f64| (new_loss - loss).abs() <= ROUNDING * loss.abs().max(1.0);
        // Losses of the tries to come, where they are known.
        let mut known: VecDeque<f64> = VecDeque::new();
        let mut alpha = 1.0;
        let mut tried = 0;
        loop {
            tried += 1;
            if known.is_empty() && !self.params.ortho && (tried > 1 || expected > 1) {
                let n = STEPS.min(tries + 1 - tried);
                let alphas: Vec<f64> = (0..n as i32).map(|k| alpha * 0.5_f64.powi(k)).collect();
                known = self.losses(point, direction, signs, &alphas)?.into();
            }
            // The last try is taken whatever it is.
            if tried < tries && known.pop_front().is_some_and(|loss_then| !(loss_then < loss || level(loss_then))) {
                alpha /= 2.0;
                continue;
            }
            let step = direction * alpha;
            let transform = if self.params.ortho {
                linalg::expm(step.view()).map_err(wrong)?
            } else {
                &step + &Array2::<f64>::eye(signs.len())
            };
            let new = self.at(transform.dot(&point.unmixing))?;
            let new_loss = self.loss(&new, signs);
            if new_loss < loss || level(new_loss) && largest(&self.gradient(&new, signs)) < gradient {
                return Ok((new, step, true, tried));
            }
            if tried >= tries {
                return Ok((new, step, false, tried));
            }
            alpha /= 2.0;
        }
    }

    /// The loss at some steps along a direction.
    fn losses(&self, point: &Point, direction: &Array2<f64>, signs: &Array1<f64>, alphas: &[f64]) -> Result<Vec<f64>> {
        let step = direction.dot(&point.unmixing);
        let log_cosh = look_along(self.par, self.x, point.unmixing.view(), step.view(), alphas);
        let of = |(row, &alpha): (ArrayView1<'_, f64>, &f64)| {
            let unmixing = &point.unmixing + &(&step * alpha);
            let covariance = unmixing.dot(&self.covariance).dot(&unmixing.t());
            let ln_det = linalg::ln_abs_det(unmixing.view()).map_err(wrong)?;
            Ok(self.loss_of(row, &covariance, ln_det, signs))
        };
        log_cosh.rows().into_iter().zip(alphas).map(of).collect()
    }
}

fn largest(gradient: &Array2<f64>) -> f64 {
    // A NaN is the largest of all.
    gradient.iter().fold(0.0, |most: f64, x| if x.abs() > most || x.is_nan() { x.abs() } else { most })
}

/// Searches for the components of whitened samples `x` from the matrix `start` on, of which `covariance` is the
/// covariance. `watch` hears of every iteration: its number, the gradient's largest element and the loss; its error ends
/// the search.
///
/// # Errors
/// When parameters make no sense, shapes do not fit, the samples are not finite, or `watch` says so.
pub fn picard(
    par: &Par,
    x: &Blocks,
    covariance: ArrayView2<'_, f64>,
    start: ArrayView2<'_, f64>,
    params: &PicardParams,
    watch: &mut dyn FnMut(usize, f64, f64) -> Result<()>,
) -> Result<Found> {
    params.check()?;
    let n = x.n();
    for (what, got) in [("w_init", start.dim()), ("covariance", covariance.dim())] {
        if got != (n, n) {
            return Err(Error::Shape { what, expected: vec![n, n], got: vec![got.0, got.1] });
        }
    }
    if n == 0 || x.n_times() == 0 {
        return Err(Error::data("no samples were given to the search for independent components"));
    }
    let problem = Problem { par, x, covariance, params };
    let mut start = start.to_owned();
    for step in 0..=params.fastica_it {
        if params.fastica_it > 0 {
            start = linalg::symmetric_decorrelation(start.view()).map_err(wrong)?;
        }
        if step < params.fastica_it {
            // Hyvärinen (1999), eq. 20, for all directions at once; the samples are the directions' transpose times the sources.
            let means = look(par, x, start.view(), false);
            let derivative = means.derivative.insert_axis(Axis(1));
            start = means.score.dot(&start) - &start * &derivative;
        }
    }
    let mut point = problem.at(start)?;
    let mut signs = Array1::from_elem(n, 1.0);
    let mut memory = Memory::new(params.m);
    let mut last: Option<(Array2<f64>, Array2<f64>)> = None;
    let mut expected = 1;
    let (mut gradient_norm, mut n_iter, mut converged) = (f64::INFINITY, 0, false);
    for iteration in 0..params.max_iter {
        n_iter = iteration + 1;
        let mut changed = false;
        if params.extended {
            let new = problem.signs(&point);
            changed = iteration > 0 && new != signs;
            signs = new;
        }
        let gradient = problem.gradient(&point, &signs);
        gradient_norm = largest(&gradient);
        if !gradient_norm.is_finite() {
            return Err(Error::data(format!(
                "the gradient became {gradient_norm} in iteration {n_iter}, expected finite numbers"
            )));
        }
        watch(n_iter, gradient_norm, problem.loss(&point, &signs))?;
        if gradient_norm < params.tol {
            converged = true;
            break;
        }
        if let Some((step, before)) = last.take() {
            memory.push(step, &gradient - &before);
        }
        if changed {
            memory.clear();
        }
        // As `picard` has it: before the first step, all sources count as heavy-tailed.
        let loss = if iteration == 0 { problem.loss(&point, &Array1::ones(n)) } else { problem.loss(&point, &signs) };
        let direction = memory.direction(&gradient, &problem.hessian(&point, &signs));
        let now = (loss, gradient_norm);
        let (mut new, mut step, mut better, tries) =
            problem.search(&point, &direction, &signs, now, (params.ls_tries, expected))?;
        expected = tries;
        if !better {
            memory.clear();
            (new, step, better, _) = problem.search(&point, &-&gradient, &signs, now, (10, 10))?;
        }
        if !better && gradient_norm < ROUNDING.sqrt() {
            // Nothing but rounding is left.
            break;
        }
        point = new;
        last = Some((step, gradient));
    }
    let loss = problem.loss(&point, &signs);
    Ok(Found { unmixing: point.unmixing, n_iter, gradient: gradient_norm, converged, loss })
}

/// The covariance of samples of mean 0, `(n, n)`, divided by their number.
pub fn covariance_of(par: &Par, x: ArrayView2<'_, f64>) -> Array2<f64> {
    linalg::gram(par, x) / x.ncols().max(1) as f64
}
