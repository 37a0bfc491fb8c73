//! Channels to one scale, and principal components of unit variance.

use super::params::NComponents;
use super::picard::Blocks;
use crate::projection::make_projector;
use bakusoku_core::{ChannelType, Error, Info, Par, Projector, Result};
use bakusoku_math::linalg::{self, RowSpace};
use bakusoku_math::stats;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use std::sync::{Mutex, PoisonError};

/// The channels that a decomposition takes: MNE's data channels, EOG, and the references of the MEG where asked for.
///
/// # Errors
/// Names the first channel of another type.
pub fn check_channels(info: &Info) -> Result<()> {
    for ch in &info.chs {
        let ch_type = ch.ch_type();
        if !(ch_type.is_data() || matches!(ch_type, ChannelType::Eog | ChannelType::RefMeg)) {
            return Err(Error::parameter(
                "picks",
                "data channels, EOG or references of the MEG",
                format!("channel `{}` of type {}", ch.name, ch_type.name()),
            ));
        }
    }
    Ok(())
}

/// The projector of what was applied to the channels of `info` already, which MNE applies again.
pub(super) fn applied_projector(info: &Info) -> Result<Option<Array2<f64>>> {
    let active: Vec<Projector> = info.projs.iter().filter(|p| p.active).cloned().collect();
    if active.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = info.ch_names().collect();
    let ssp = make_projector(&active, &names, &[], true)?;
    Ok((ssp.n_proj() > 0).then(|| ssp.matrix()))
}

/// The standard deviation of all samples of all channels of a type, for each channel.
pub(super) fn standard_deviations(par: &Par, info: &Info, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
    let rows = par.map(x.nrows(), |ch| {
        let row = x.row(ch);
        let copy;
        let row = match row.as_slice() {
            Some(row) => row,
            None => {
                copy = row.to_vec();
                &copy
            }
        };
        let mean = stats::mean(row);
        // Sums of a thousand, so that errors do not pile up.
        let squares: f64 = row.chunks(1024).map(|part| part.iter().map(|x| (x - mean).powi(2)).sum::<f64>()).sum();
        (mean, squares)
    });
    let mut out = vec![0.0; x.nrows()];
    for ch_type in ChannelType::ALL {
        let of_type: Vec<usize> = (0..x.nrows()).filter(|&ch| info.chs[ch].ch_type() == ch_type).collect();
        if of_type.is_empty() {
            continue;
        }
        let n = of_type.len() as f64;
        let mean = of_type.iter().map(|&ch| rows[ch].0).sum::<f64>() / n;
        let squares: f64 = of_type.iter().map(|&ch| rows[ch].1 + x.ncols() as f64 * (rows[ch].0 - mean).powi(2)).sum();
        let deviation = (squares / (n * x.ncols() as f64)).sqrt();
        if !(deviation > 0.0 && deviation.is_finite()) {
            let names: Vec<&str> = of_type.iter().take(3).map(|&ch| info.chs[ch].name.as_str()).collect();
            return Err(Error::data(format!(
                "the {} channels ({}, …) have a standard deviation of {deviation}, expected one above 0",
                ch_type.name(),
                names.join(", ")
            )));
        }
        of_type.iter().for_each(|&ch| out[ch] = deviation);
    }
    Ok(out)
}

/// Principal components of samples.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    /// Mean of each channel, in units of the pre-whitener.
    pub(super) mean: Array1<f64>,
    /// In rows, the strongest first; their signs are not MNE's yet.
    pub(super) components: Array2<f64>,
    /// Singular values, descending.
    pub(super) singular: Array1<f64>,
    pub(super) n_samples: usize,
}

impl Principal {
    /// Of `scale · x`, a number for each channel. As exact as the singular value decomposition of all samples: the triangle
    /// of the QR decomposition of pieces takes their place.
    pub(super) fn of(par: &Par, x: ArrayView2<'_, f64>, scale: &[f64]) -> Result<Self> {
        let (n, n_samples) = x.dim();
        let width = (8 * n).max(1024);
        let means = par.map(n, |ch| match x.row(ch).as_slice() {
            Some(row) => stats::mean(row),
            None => stats::mean(&x.row(ch).to_vec()),
        });
        let triangles = par.map(n_samples.div_ceil(width), |piece| {
            let stop = ((piece + 1) * width).min(n_samples);
            // Samples in columns of the transpose, which is how they are factored.
            let mut centred = x.slice(s![.., piece * width..stop]).to_owned();
            for ((mut row, mean), scale) in centred.rows_mut().into_iter().zip(&means).zip(scale) {
                row.mapv_inplace(|x| (x - mean) / scale);
            }
            let mut space = RowSpace::new(n);
            space.push(centred.view());
            space
        });
        // In pairs, whose order depends on their number alone.
        let mut triangles = triangles;
        while triangles.len() > 1 {
            let pairs = triangles.len().div_ceil(2);
            triangles = par.map(pairs, |pair| {
                let mut space = triangles[2 * pair].clone();
                if let Some(second) = triangles.get(2 * pair + 1) {
                    space.push(second.triangle().t());
                }
                space
            });
        }
        let space = triangles.pop().unwrap_or_else(|| RowSpace::new(n));
        let svd = linalg::svd(space.triangle()).map_err(|error| Error::data(error.to_string()))?;
        let k = n.min(n_samples);
        let mean = means.iter().zip(scale).map(|(mean, scale)| mean / scale).collect();
        let (components, singular) = (svd.vt.slice(s![..k, ..]).to_owned(), svd.s.slice(s![..k]).to_owned());
        Ok(Self { mean, components, singular, n_samples })
    }

    /// Variance along each component.
    pub(super) fn explained_variance(&self) -> Array1<f64> {
        self.singular.mapv(|s| s * s / (self.n_samples.max(2) - 1) as f64)
    }

    /// The first `k` components of the samples, each of variance 1. All components get the signs that MNE gives them: the
    /// largest sample is positive.
    pub(super) fn whitened(&mut self, par: &Par, x: ArrayView2<'_, f64>, scale: &[f64], k: usize) -> Blocks {
        let all = self.singular.len();
        let size = ((self.n_samples.max(2) - 1) as f64).sqrt();
        let mut matrix = self.components.clone();
        for (mut row, &s) in matrix.rows_mut().into_iter().zip(&self.singular) {
            row *= if s > 0.0 { size / s } else { 0.0 };
        }
        let mut blocks = Blocks::zeros(k, x.ncols());
        let extremes: Mutex<Vec<(usize, Vec<f64>)>> = Mutex::new(Vec::new());
        blocks.fill(par, |start, mut block| {
            let mut centred = x.slice(s![.., start..start + block.ncols()]).to_owned();
            for ((mut row, mean), scale) in centred.rows_mut().into_iter().zip(&self.mean).zip(scale) {
                row.mapv_inplace(|x| x / scale - mean);
            }
            let white = linalg::matmul(&Par::serial(), matrix.view(), centred.view());
            block.assign(&white.slice(s![..k, ..]));
            let largest = white
                .rows()
                .into_iter()
                .map(|row| row.iter().fold(0.0_f64, |most, &x| if x.abs() > most.abs() { x } else { most }));
            let largest = largest.collect();
            extremes.lock().unwrap_or_else(PoisonError::into_inner).push((start, largest));
        });
        let mut extremes = extremes.into_inner().unwrap_or_else(PoisonError::into_inner);
        extremes.sort_unstable_by_key(|(start, _)| *start);
        let mut signs = Array1::from_elem(all, 1.0);
        for component in 0..all {
            let most = extremes.iter().fold(0.0_f64, |most, (_, largest)| {
                if largest[component].abs() > most.abs() { largest[component] } else { most }
            });
            if most < 0.0 {
                signs[component] = -1.0;
            }
        }
        self.components *= &signs.view().insert_axis(Axis(1));
        blocks.fill(par, |_, mut block| {
            for (mut row, &sign) in block.rows_mut().into_iter().zip(&signs) {
                if sign < 0.0 {
                    row.mapv_inplace(|x| -x);
                }
            }
        });
        blocks
    }
}

/// The number of components that explain more than `share` of the variance, and the share that they explain
/// (`mne.preprocessing.ica._exp_var_ncomp`).
pub(super) fn n_explaining(variance: &Array1<f64>, share: f64) -> (usize, f64) {
    let total: f64 = variance.sum();
    let mut sum = 0.0;
    let mut add = |v: &f64| {
        sum += v;
        sum / total
    };
    let shares: Vec<f64> = variance.iter().map(&mut add).collect();
    let n = (shares.iter().filter(|&&s| s <= share).count() + 1).min(shares.len());
    (n, if n == 0 { 0.0 } else { shares[n - 1] })
}

/// How many components are decomposed, of those with these variances.
///
/// # Errors
/// When one component explains what was asked for, or more are asked for than there are.
pub(super) fn choose(
    variance: &Array1<f64>,
    asked: Option<NComponents>,
    n_pca: Option<NComponents>,
    rank: usize,
) -> Result<usize> {
    let all = variance.len();
    let n_pca_found = match n_pca {
        None => all,
        Some(NComponents::Number(n)) => n,
        Some(NComponents::Variance(share)) => n_explaining(variance, share).0,
    };
    let n = match asked {
        None => n_pca_found.min(n_explaining(variance, 0.999_999).0),
        Some(NComponents::Number(n)) => n,
        Some(NComponents::Variance(share)) => {
            let (n, explained) = n_explaining(variance, share);
            if n == 1 {
                return Err(Error::Data {
                    message: format!(
                        "one principal component explains {:.3} % of the variance, so that a threshold of {share} leaves 1 \
                         component, expected at least 2",
                        100.0 * explained
                    ),
                    hint: Some("give a higher share, or a number of components".into()),
                });
            }
            n
        }
    };
    if n > n_pca_found {
        return Err(Error::parameter(
            "n_components",
            format!("at most the number of principal components that are kept ({n_pca_found})"),
            n,
        ));
    }
    if n > rank {
        return Err(Error::Data {
            message: format!("`n_components` asks for {n} components, but the data have rank {rank}"),
            hint: Some(format!("give `n_components` = {rank} or less, or a share such as 0.999999")),
        });
    }
    Ok(n)
}
