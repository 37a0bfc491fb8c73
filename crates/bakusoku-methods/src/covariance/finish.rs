//! From sums to a covariance.

use super::sums::{GroupRank, Sums};
use crate::projection::make_projector;
use bakusoku_core::{Error, Info, Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, s};

/// Warns when samples are few for so many channels.
pub(super) fn check_n_samples(n_samples: u64, n_channels: usize) -> Result<()> {
    if n_samples == 0 {
        return Err(Error::data("no samples found to compute a covariance from, expected some"));
    }
    let least = 10 * (n_channels as u64 + 1) / 2;
    if n_samples < least {
        tracing::warn!(
            "too few samples ({n_samples} of {least} required for {n_channels} channels), the covariance may be unreliable"
        );
    }
    Ok(())
}

/// The covariance of the samples summed up, around zero, over `n_samples - 1`, in the space of its rank.
///
/// The space is what MNE's `_smart_eigh` chooses: by group of channels, the eigenvectors of the projected `x xᵀ` with
/// the largest eigenvalues, as many as the rank says.
pub(super) fn covariance(sums: &Sums, info: &Info, par: &Par) -> Result<Array2<f64>> {
    let n = info.n_channels();
    let mut gram = sums.gram.clone();
    linalg::mirror_lower(gram.view_mut());
    if gram.iter().any(|x| !x.is_finite()) {
        return Err(Error::data("the samples hold NaN or infinity, expected numbers for a covariance"));
    }
    let mut ranks = Vec::with_capacity(sums.groups.len());
    for (group, rank) in &sums.groups {
        let rank = match rank {
            GroupRank::Known(rank) => *rank,
            GroupRank::Watched(watch) => watch.rank(sums.n_samples)?,
        };
        if rank > group.rows.len() {
            let expected = format!("at most {} for {}, its number of channels", group.rows.len(), group.name);
            return Err(Error::parameter("rank", expected, rank));
        }
        tracing::info!("rank of {}: {rank} of {}", group.name, group.rows.len());
        ranks.push(rank);
    }
    if ranks.iter().sum::<usize>() < n {
        let names: Vec<&str> = info.ch_names().collect();
        let ssp = make_projector(&info.projs, &names, &[], true)?;
        let mut projected = gram.clone();
        ssp.apply(par, projected.view_mut());
        let mut projected = projected.reversed_axes().as_standard_layout().into_owned();
        ssp.apply(par, projected.view_mut());
        for ((group, _), &rank) in sums.groups.iter().zip(&ranks) {
            // Rank 0 drops nothing: MNE's slice `[:-0]` is empty.
            let drop = if rank == 0 { 0 } else { group.rows.len() - rank };
            if drop > 0 {
                let rows = &group.rows;
                let part = Array2::from_shape_fn((rows.len(), rows.len()), |(i, j)| projected[[rows[i], rows[j]]]);
                let (_, vectors) = linalg::eigh(part.view()).map_err(|e| Error::data(e.to_string()))?;
                let null = vectors.slice(s![.., ..drop]).to_owned();
                take_out(&mut gram, rows, &null, par);
            }
        }
    }
    let factor = 1.0 / (sums.n_samples.max(2) - 1) as f64;
    for ((i, j), x) in gram.indexed_iter_mut() {
        *x *= factor / (sums.scales[i] * sums.scales[j]);
    }
    Ok(gram)
}

/// `gram` becomes `P gram P`, where `P` takes the columns of `null` out of the channels `rows`.
fn take_out(gram: &mut Array2<f64>, rows: &[usize], null: &Array2<f64>, par: &Par) {
    for _ in 0..2 {
        let part = gram.select(ndarray::Axis(0), rows);
        let weights = linalg::matmul(par, null.t(), part.view());
        let part = part - linalg::matmul(par, null.view(), weights.view());
        for (row, &ch) in part.rows().into_iter().zip(rows) {
            gram.row_mut(ch).assign(&row);
        }
        *gram = gram.t().as_standard_layout().into_owned();
    }
}
