//! The direction of the next step: L-BFGS, which starts from an approximate Hessian.

use ndarray::{Array1, Array2, Axis, Zip};
use std::collections::VecDeque;

/// The Hessian, block-diagonal: a block couples element `(i, j)` of a step to `(j, i)`.
pub(super) enum Hessian {
    /// Components are uncorrelated, steps skew: one number for each pair.
    Uncorrelated(Array2<f64>),
    /// Components are free: `[[h_ij, 1], [1, h_ji]]`.
    Free(Array2<f64>),
}

impl Hessian {
    /// From `E ψ'(y)` and `E ψ(y) y` of each source.
    pub(super) fn uncorrelated(derivative: &Array1<f64>, score: &Array1<f64>, lambda_min: f64) -> Self {
        let own = derivative - score;
        let n = own.len();
        Self::Uncorrelated(Array2::from_shape_fn((n, n), |(i, j)| (0.5 * (own[i] + own[j])).max(lambda_min)))
    }

    /// From `E ψ'(y_i) y_j²`, whose blocks get no eigenvalue below `lambda_min`.
    pub(super) fn free(mut h: Array2<f64>, lambda_min: f64) -> Self {
        let n = h.nrows();
        for i in 0..n {
            for j in 0..i {
                let (a, b) = (h[[i, j]], h[[j, i]]);
                let least = 0.5 * (a + b - ((a - b).powi(2) + 4.0).sqrt());
                if least < lambda_min {
                    h[[i, j]] += lambda_min - least;
                    h[[j, i]] += lambda_min - least;
                }
            }
        }
        Self::Free(h)
    }

    /// The inverse, times `g`.
    fn solve(&self, g: &Array2<f64>) -> Array2<f64> {
        match self {
            Self::Uncorrelated(h) => {
                let z = g / h;
                (&z - &z.t()) / 2.0
            }
            Self::Free(h) => {
                let mut out = Array2::zeros(g.dim());
                Zip::from(&mut out).and(h).and(h.t()).and(g).and(g.t()).for_each(|out, &a, &b, &g, &gt| {
                    *out = (b * g - gt) / (a * b - 1.0);
                });
                out
            }
        }
    }
}

/// Steps, what they did to the gradient, and the inverse of the two's product.
pub(super) struct Memory {
    steps: VecDeque<(Array2<f64>, Array2<f64>, f64)>,
    most: usize,
}

impl Memory {
    pub(super) fn new(most: usize) -> Self {
        Self { steps: VecDeque::new(), most }
    }

    pub(super) fn push(&mut self, step: Array2<f64>, change: Array2<f64>) {
        let product = dot(&step, &change);
        self.steps.push_back((step, change, 1.0 / product));
        if self.steps.len() > self.most {
            self.steps.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    /// Nocedal & Wright (2006), algorithm 7.4.
    pub(super) fn direction(&self, gradient: &Array2<f64>, hessian: &Hessian) -> Array2<f64> {
        let mut q = gradient.clone();
        let mut alphas = Vec::with_capacity(self.steps.len());
        for (step, change, r) in self.steps.iter().rev() {
            let alpha = r * dot(step, &q);
            alphas.push(alpha);
            q.scaled_add(-alpha, change);
        }
        let mut z = hessian.solve(&q);
        for ((step, change, r), alpha) in self.steps.iter().zip(alphas.iter().rev()) {
            let beta = r * dot(change, &z);
            z.scaled_add(alpha - beta, step);
        }
        -z
    }
}

fn dot(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    a.axis_iter(Axis(0)).zip(b.axis_iter(Axis(0))).map(|(a, b)| a.dot(&b)).sum()
}
