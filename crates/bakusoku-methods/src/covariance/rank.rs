//! How many directions of a group of channels have variance, found while samples pass.
//!
//! MNE takes the singular values of all samples and counts those above `n · ε` times the largest. Those of `x xᵀ` are
//! only good down to about 1e-7 of it, which is enough to see that everything has full rank (less the projectors,
//! whose directions are known). Until that is seen, a QR decomposition is carried along, which resolves all of them.

use super::channels::Group;
use crate::projection::make_projector;
use bakusoku_core::{Error, Info, Par, Result};
use bakusoku_math::linalg::{self, RowSpace};
use ndarray::{Array2, ArrayView2, Axis, s};

/// Eigenvalues of `x xᵀ` down to this share of the largest are certainly not zero.
const CERTAIN: f64 = 1e-11;

/// Watches the rank of a group of channels.
#[derive(Clone, Debug)]
pub(super) struct RankWatch {
    rows: Vec<usize>,
    n_proj: usize,
    /// From scaled samples to what the projectors leave of them, in an orthonormal basis, `(n - n_proj, n)`.
    rest: Array2<f64>,
    space: Option<RowSpace>,
    pieces: u64,
    next_check: u64,
}

impl RankWatch {
    /// For a group of the channels of `info`, which are multiplied by `scales`.
    pub(super) fn new(info: &Info, group: &Group, scales: &[f64]) -> Result<Self> {
        let names: Vec<&str> = group.rows.iter().map(|&row| info.chs[row].name.as_str()).collect();
        let ssp = make_projector(&info.projs, &names, &[], true)?;
        let n = names.len();
        let scale = |i: usize| scales[group.rows[i]];
        let rest = if ssp.n_proj() == 0 {
            Array2::eye(n)
        } else {
            // Projectors work on samples without scales: with them, a direction u is taken out as S⁻¹ u.
            let gone = Array2::from_shape_fn((n, ssp.n_proj()), |(i, j)| ssp.vectors()[[i, j]] / scale(i));
            let (gone, _) = linalg::qr(gone.view());
            let left = Array2::eye(n) - gone.dot(&gone.t());
            // Eigenvectors of a projector: first those that are taken out, with eigenvalue 0.
            let (_, vectors) = linalg::eigh(left.view()).map_err(|e| Error::data(e.to_string()))?;
            let projector = ssp.matrix();
            let scaled = Array2::from_shape_fn((n, n), |(i, j)| scale(i) * projector[[i, j]] / scale(j));
            vectors.slice(s![.., ssp.n_proj()..]).t().dot(&scaled)
        };
        Ok(Self {
            rows: group.rows.clone(),
            n_proj: ssp.n_proj(),
            space: Some(RowSpace::new(rest.nrows())),
            rest,
            pieces: 0,
            next_check: 1,
        })
    }

    /// A piece of scaled samples of all channels, and the lower triangle of the sum of `x xᵀ` with it.
    pub(super) fn push(&mut self, par: &Par, x: ArrayView2<'_, f64>, gram: ArrayView2<'_, f64>) -> Result<()> {
        let Some(space) = &mut self.space else { return Ok(()) };
        let part = x.select(Axis(0), &self.rows);
        space.push(linalg::matmul(par, self.rest.view(), part.view()).view());
        self.pieces += 1;
        if self.pieces == self.next_check {
            self.next_check *= 2;
            if self.certainly_full(par, gram)? {
                self.space = None;
            }
        }
        Ok(())
    }

    fn certainly_full(&self, par: &Par, gram: ArrayView2<'_, f64>) -> Result<bool> {
        let n = self.rows.len();
        let part = Array2::from_shape_fn((n, n), |(i, j)| {
            let (a, b) = (self.rows[i], self.rows[j]);
            gram[[a.max(b), a.min(b)]]
        });
        let part = linalg::matmul(par, self.rest.view(), linalg::matmul(par, part.view(), self.rest.t()).view());
        if part.iter().any(|x| !x.is_finite()) {
            return Err(Error::data("the samples hold NaN or infinity, expected numbers for a covariance"));
        }
        let (values, _) = linalg::eigh(part.view()).map_err(|e| Error::data(e.to_string()))?;
        Ok(values.is_empty() || values[0] > CERTAIN * values[values.len() - 1])
    }

    /// The rank, after `n_samples` samples.
    pub(super) fn rank(&self, n_samples: u64) -> Result<usize> {
        let n = self.rows.len();
        let Some(space) = &self.space else { return Ok(n - self.n_proj) };
        let values = space.svdvals().map_err(|e| Error::data(e.to_string()))?;
        // MNE: `_estimate_rank_from_s`; as many singular values as channels or samples, whichever are fewer.
        let n_values = (n as u64).min(n_samples) as f64;
        let tolerance = n_values * values.first().copied().unwrap_or(0.0) * f64::EPSILON;
        Ok(values.iter().filter(|&&value| value > tolerance).count())
    }
}
