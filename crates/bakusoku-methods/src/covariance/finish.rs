//! From sums to a covariance.

use super::channels::Group;
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

/// The sum of `x xᵀ`, both triangles.
///
/// # Errors
/// When it is not finite.
pub(super) fn finite_gram(sums: &Sums) -> Result<Array2<f64>> {
    let mut gram = sums.gram.clone();
    linalg::mirror_lower(gram.view_mut());
    if gram.iter().any(|x| !x.is_finite()) {
        return Err(Error::data("the samples hold NaN or infinity, expected numbers for a covariance"));
    }
    Ok(gram)
}

/// The rank of each group.
pub(super) fn ranks(sums: &Sums) -> Result<Vec<usize>> {
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
    Ok(ranks)
}

/// By group the directions without variance, `(n_rows, any)`; `None`: it has full rank.
///
/// They are those that MNE's `_smart_eigh` leaves out: the eigenvectors of the projected `x xᵀ` with the smallest
/// eigenvalues, as many as the rank says.
pub(super) fn null_spaces(
    sums: &Sums,
    info: &Info,
    gram: &Array2<f64>,
    ranks: &[usize],
    par: &Par,
) -> Result<Vec<Option<Array2<f64>>>> {
    if ranks.iter().sum::<usize>() >= info.n_channels() {
        return Ok(vec![None; ranks.len()]);
    }
    let names: Vec<&str> = info.ch_names().collect();
    let ssp = make_projector(&info.projs, &names, &[], true)?;
    let mut projected = gram.clone();
    ssp.apply(par, projected.view_mut());
    let mut projected = projected.reversed_axes().as_standard_layout().into_owned();
    ssp.apply(par, projected.view_mut());
    let null = |group: &Group, rank: usize| -> Result<Option<Array2<f64>>> {
        // Rank 0 drops nothing: MNE's slice `[:-0]` is empty.
        let drop = if rank == 0 { 0 } else { group.rows.len() - rank };
        if drop == 0 {
            return Ok(None);
        }
        let rows = &group.rows;
        let part = Array2::from_shape_fn((rows.len(), rows.len()), |(i, j)| projected[[rows[i], rows[j]]]);
        let (_, vectors) = linalg::eigh(part.view()).map_err(|e| Error::data(e.to_string()))?;
        Ok(Some(vectors.slice(s![.., ..drop]).to_owned()))
    };
    sums.groups.iter().zip(ranks).map(|((group, _), &rank)| null(group, rank)).collect()
}

/// A covariance of scaled samples in SI units.
pub(super) fn unscale(mut covariance: Array2<f64>, scales: &[f64]) -> Array2<f64> {
    for ((i, j), x) in covariance.indexed_iter_mut() {
        *x /= scales[i] * scales[j];
    }
    covariance
}

/// The covariance of the samples summed up, around zero, over `n_samples - 1`, in the space of its rank.
pub(super) fn covariance(sums: &Sums, info: &Info, par: &Par) -> Result<Array2<f64>> {
    let mut gram = finite_gram(sums)?;
    let ranks = ranks(sums)?;
    let null = null_spaces(sums, info, &gram, &ranks, par)?;
    for ((group, _), null) in sums.groups.iter().zip(&null) {
        if let Some(null) = null {
            take_out(&mut gram, &group.rows, null, par);
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
