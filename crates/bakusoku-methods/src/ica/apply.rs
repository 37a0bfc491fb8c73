//! What a decomposition does to samples: sources, and samples without some components.

use super::params::NComponents;
use super::whiten::{applied_projector, n_explaining};
use bakusoku_core::containers::Ica;
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::linalg::{self, Accumulate};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};

/// `matrix · x + offset`.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `(n_out, n_channels)`.
    pub matrix: Array2<f64>,
    /// `(n_out,)`.
    pub offset: Array1<f64>,
}

impl Affine {
    /// Of samples `(n_channels, n_times)`.
    pub fn apply(&self, par: &Par, x: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut out = linalg::matmul(par, self.matrix.view(), x);
        out.rows_mut().into_iter().zip(&self.offset).for_each(|(mut row, &offset)| row += offset);
        out
    }
}

/// From samples to what the pre-whitener makes of them, `(n_channels, n_channels)`.
fn pre_whitening(ica: &Ica) -> Result<Array2<f64>> {
    let n = ica.info.n_channels();
    let whitener = &ica.pre_whitener;
    let projector = applied_projector(&ica.info)?;
    match whitener.dim() {
        (rows, 1) if rows == n => {
            let mut matrix = projector.unwrap_or_else(|| Array2::eye(n));
            matrix.rows_mut().into_iter().zip(whitener.column(0)).for_each(|(mut row, &scale)| row /= scale);
            Ok(matrix)
        }
        // The matrix of a noise covariance holds the projector.
        (_, columns) if columns == n => Ok(whitener.clone()),
        (rows, columns) => Err(Error::Shape { what: "pre_whitener", expected: vec![n, 1], got: vec![rows, columns] }),
    }
}

/// And back.
fn un_whitening(ica: &Ica) -> Result<Array2<f64>> {
    let n = ica.info.n_channels();
    if ica.pre_whitener.dim() == (n, 1) {
        return Ok(Array2::from_diag(&ica.pre_whitener.column(0)));
    }
    linalg::pinv(ica.pre_whitener.view(), 1e-14).map_err(|error| Error::data(error.to_string()))
}

/// From samples of the channels of `ica` to its sources, `(n_components, n_channels)`.
///
/// # Errors
/// When its matrices do not fit one another.
pub fn sources_map(ica: &Ica) -> Result<Affine> {
    let n = ica.n_components();
    check(ica)?;
    let unmixing = ica.unmixing_matrix.dot(&ica.pca_components.slice(s![..n, ..]));
    let offset = -unmixing.dot(&ica.pca_mean);
    Ok(Affine { matrix: unmixing.dot(&pre_whitening(ica)?), offset })
}

fn check(ica: &Ica) -> Result<()> {
    let n = ica.n_components();
    let (n_pca, n_whitened) = ica.pca_components.dim();
    let shapes = [
        ("unmixing_matrix", ica.unmixing_matrix.dim(), (n, n)),
        ("mixing_matrix", ica.mixing_matrix.dim(), (n, n)),
        ("pca_components", (n_pca, n_whitened), (n_pca.max(n), ica.pre_whitener.nrows())),
        ("pca_mean", (ica.pca_mean.len(), 1), (n_whitened, 1)),
    ];
    for (what, got, expected) in shapes {
        if got != expected {
            return Err(Error::Shape { what, expected: vec![expected.0, expected.1], got: vec![got.0, got.1] });
        }
    }
    Ok(())
}

/// The sources of samples `x`, `(n_channels, n_times)` in SI units: `(n_components, n_times)`
/// (`mne.preprocessing.ICA.get_sources`).
///
/// # Errors
/// When the shape does not fit.
pub fn sources(par: &Par, ica: &Ica, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    check_samples(ica, x.dim())?;
    Ok(sources_map(ica)?.apply(par, x))
}

fn check_samples(ica: &Ica, got: (usize, usize)) -> Result<()> {
    let n = ica.info.n_channels();
    if got.0 == n { Ok(()) } else { Err(Error::Shape { what: "x", expected: vec![n, got.1], got: vec![got.0, got.1] }) }
}

/// Maps of the components, `(n_channels, n_components)` (`mne.preprocessing.ICA.get_components`).
pub fn components(ica: &Ica) -> Array2<f64> {
    ica.pca_components.slice(s![..ica.n_components(), ..]).t().dot(&ica.mixing_matrix)
}

/// Which components stay (`mne.preprocessing.ICA.apply`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Only these stay, where there are any.
    pub include: Vec<usize>,
    /// These go, besides those that the decomposition excludes.
    pub exclude: Vec<usize>,
    /// Principal components that stand for the data; those of the fit, or all, unless told.
    pub n_pca_components: Option<NComponents>,
}

impl Selection {
    fn kept(&self, ica: &Ica) -> Result<Vec<usize>> {
        let n = ica.n_components();
        for (name, list) in [("include", &self.include), ("exclude", &self.exclude), ("exclude", &ica.exclude)] {
            if let Some(index) = list.iter().find(|&&index| index >= n) {
                return Err(Error::parameter(name, format!("components below {n}"), index));
            }
        }
        Ok((0..n)
            .filter(|index| match self.include.is_empty() {
                false => self.include.contains(index),
                true => !self.exclude.contains(index) && !ica.exclude.contains(index),
            })
            .collect())
    }

    fn n_pca(&self, ica: &Ica) -> Result<usize> {
        let (n, all) = (ica.n_components(), ica.pca_components.nrows());
        let asked = self.n_pca_components.or(ica.fit.n_pca_components.map(NComponents::from_value));
        let found = match asked {
            None => all,
            Some(NComponents::Number(number)) => number.max(n),
            Some(NComponents::Variance(share)) => n_explaining(&ica.pca_explained_variance, share).0,
        };
        if (n..=all).contains(&found) {
            Ok(found)
        } else {
            Err(Error::parameter("n_pca_components", format!("from {n} to {all}"), found))
        }
    }
}

/// What [`apply`] does to the channels, as a matrix and what is added.
///
/// # Errors
/// When the selection names components that are not there.
pub fn cleaning_map(ica: &Ica, selection: &Selection) -> Result<Affine> {
    check(ica)?;
    let n = ica.n_components();
    let kept = selection.kept(ica)?;
    let n_pca = selection.n_pca(ica)?;
    let of_sources = ica.pca_components.slice(s![..n, ..]);
    let rest = ica.pca_components.slice(s![n..n_pca, ..]);
    let mixing = of_sources.t().dot(&ica.mixing_matrix.select(Axis(1), &kept));
    let unmixing = ica.unmixing_matrix.select(Axis(0), &kept).dot(&of_sources);
    let within = mixing.dot(&unmixing) + rest.t().dot(&rest);
    let back = un_whitening(ica)?;
    let offset = back.dot(&(&ica.pca_mean - &within.dot(&ica.pca_mean)));
    Ok(Affine { matrix: back.dot(&within).dot(&pre_whitening(ica)?), offset })
}

/// Takes components out of samples `x`, `(n_channels, n_times)` in SI units, in place
/// (`mne.preprocessing.ICA.apply`).
///
/// Where few directions go, they are subtracted; the others keep their values to rounding.
///
/// # Errors
/// When the shape does not fit, or the selection names components that are not there.
pub fn apply(par: &Par, ica: &Ica, selection: &Selection, mut x: ArrayViewMut2<'_, f64>) -> Result<()> {
    check_samples(ica, x.dim())?;
    let map = cleaning_map(ica, selection)?;
    /// Samples at a time.
    const PIECE: usize = 1024;
    let n_times = x.ncols();
    let removed = Removed::of(ica, selection)?;
    let columns: Vec<std::sync::Mutex<ArrayViewMut2<'_, f64>>> =
        x.axis_chunks_iter_mut(Axis(1), PIECE).map(std::sync::Mutex::new).collect();
    let serial = Par::serial();
    par.for_each(n_times.div_ceil(PIECE), |piece| {
        let mut x = columns[piece].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &removed {
            Some(removed) => {
                let sources = removed.sources.apply(&serial, x.view());
                linalg::matmul_into(&serial, x.view_mut(), Accumulate::Add, removed.maps.view(), sources.view(), -1.0);
            }
            None => {
                let out = map.apply(&serial, x.view());
                x.assign(&out);
            }
        }
    });
    Ok(())
}

/// What is taken out, where it is less than half of all.
struct Removed {
    sources: Affine,
    maps: Array2<f64>,
}

impl Removed {
    fn of(ica: &Ica, selection: &Selection) -> Result<Option<Self>> {
        let (n, n_channels) = (ica.n_components(), ica.info.n_channels());
        let kept = selection.kept(ica)?;
        let gone: Vec<usize> = (0..n).filter(|index| !kept.contains(index)).collect();
        let n_pca = selection.n_pca(ica)?;
        let all = ica.pca_components.nrows();
        // The principal components span all channels, and nothing else was projected away.
        let complete = all == n_channels && ica.pre_whitener.dim() == (n_channels, 1);
        let few = 2 * (gone.len() + all - n_pca) < n_channels;
        if !complete || !few || applied_projector(&ica.info)?.is_some() {
            return Ok(None);
        }
        let of_sources = ica.pca_components.slice(s![..n, ..]);
        let beyond = ica.pca_components.slice(s![n_pca.., ..]);
        let unmixing = ica.unmixing_matrix.select(Axis(0), &gone).dot(&of_sources);
        let unmixing =
            ndarray::concatenate(Axis(0), &[unmixing.view(), beyond]).map_err(|e| Error::data(e.to_string()))?;
        let mixing = of_sources.t().dot(&ica.mixing_matrix.select(Axis(1), &gone));
        let mixing =
            ndarray::concatenate(Axis(1), &[mixing.view(), beyond.t()]).map_err(|e| Error::data(e.to_string()))?;
        let scale = ica.pre_whitener.column(0);
        let offset = -unmixing.dot(&ica.pca_mean);
        let sources = Affine { matrix: &unmixing / &scale, offset };
        Ok(Some(Self { sources, maps: &mixing * &scale.insert_axis(Axis(1)) }))
    }
}

/// The share of the variance over channels of samples `x`, `(n_channels, n_times)`, that the components `include` alone
/// give back, over the channels `rows` (`mne.preprocessing.ICA.get_explained_variance_ratio`). EEGLAB's `pvaf`.
///
/// # Errors
/// When the shape does not fit.
pub fn explained_variance_ratio(
    par: &Par,
    ica: &Ica,
    include: &[usize],
    rows: &[usize],
    x: ArrayView2<'_, f64>,
) -> Result<f64> {
    check_samples(ica, x.dim())?;
    let n = ica.n_components();
    let selection =
        Selection { include: include.to_vec(), exclude: Vec::new(), n_pca_components: Some(NComponents::Number(n)) };
    let map = cleaning_map(ica, &selection)?;
    let map = Affine { matrix: map.matrix.select(Axis(0), rows), offset: map.offset.select(Axis(0), rows) };
    const PIECE: usize = 1024;
    let pieces = par.map(x.ncols().div_ceil(PIECE), |piece| {
        let x = x.slice(s![.., piece * PIECE..((piece + 1) * PIECE).min(x.ncols())]);
        let back = map.apply(&Par::serial(), x);
        let x = x.select(Axis(0), rows);
        (variances(&(&x - &back)), variances(&x))
    });
    let (left, all) = pieces.into_iter().fold((0.0, 0.0), |sum, piece| (sum.0 + piece.0, sum.1 + piece.1));
    Ok(1.0 - left / all)
}

/// The sum over samples of the variance over channels.
fn variances(x: &Array2<f64>) -> f64 {
    let n = x.nrows() as f64;
    let mean = x.sum_axis(Axis(0)) / n;
    x.rows().into_iter().map(|row| row.iter().zip(&mean).map(|(x, mean)| (x - mean).powi(2)).sum::<f64>()).sum::<f64>()
        / n
}
