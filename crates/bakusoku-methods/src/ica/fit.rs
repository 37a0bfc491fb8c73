//! Fitting a decomposition to samples.

use super::apply::sources_map;
use super::params::{IcaParams, IcaReject, Start};
use super::picard::{Found, picard};
use super::whiten::{Principal, applied_projector, check_channels, choose, standard_deviations};
use bakusoku_core::containers::{Ica, IcaFit};
use bakusoku_core::{ChannelType, Error, Info, Par, Result};
use bakusoku_math::linalg;
use bakusoku_math::random::RandomState;
use bakusoku_math::stats;
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2, s};
use std::ops::Range;
use std::sync::Arc;

/// A decomposition, and how its search ended.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The decomposition.
    pub ica: Ica,
    /// How the search ended.
    pub found: Found,
    /// What the user should know: not converged, an unstable mixing matrix.
    pub warnings: Vec<String>,
}

/// The rotation at which a search starts (`picard.picard(random_state=seed)`).
///
/// # Errors
/// When the random matrix is singular.
pub fn random_start(n: usize, seed: u32) -> Result<Array2<f64>> {
    let mut rng = RandomState::new(seed);
    let start = Array2::from_shape_simple_fn((n, n), || rng.normal());
    linalg::symmetric_decorrelation(start.view()).map_err(super::picard::wrong)
}

fn start_of(start: &Start, n: usize) -> Result<Array2<f64>> {
    match start {
        Start::Seed(seed) => random_start(n, *seed),
        Start::Random(numbers) => {
            let Some(numbers) = numbers.get(..n * n) else {
                let expected = format!("at least {} numbers", n * n);
                return Err(Error::parameter("random_state", expected, numbers.len()));
            };
            let start = Array2::from_shape_vec((n, n), numbers.to_vec()).expect("as many as it says");
            linalg::symmetric_decorrelation(start.view()).map_err(super::picard::wrong)
        }
        Start::Identity => Ok(Array2::eye(n)),
        Start::Matrix(start) => Ok(start.clone()),
    }
}

/// Decomposes samples `x`, `(n_channels, n_times)` in SI units, of the channels of `info`
/// (`mne.preprocessing.ICA(...).fit`). `watch` hears of every iteration, see [`picard`].
///
/// Components are in the order of the search; [`sort_by_variance`] puts them into MNE's.
///
/// # Errors
/// When parameters make no sense, a channel has a type that is not decomposed, samples are not finite or too few, or more
/// components are asked for than the data have directions.
pub fn fit_ica(
    par: &Par,
    info: &Info,
    x: ArrayView2<'_, f64>,
    params: &IcaParams,
    watch: &mut dyn FnMut(usize, f64, f64) -> Result<()>,
) -> Result<Fitted> {
    if info.n_channels() != x.nrows() {
        return Err(Error::Shape { what: "x", expected: vec![info.n_channels(), x.ncols()], got: x.shape().to_vec() });
    }
    params.check(x.nrows())?;
    check_channels(info)?;
    if x.ncols() < 2 {
        return Err(Error::data(format!("{} samples are left to fit an ICA to, expected at least 2", x.ncols())));
    }
    for (row, ch) in x.rows().into_iter().zip(&info.chs) {
        Error::check_finite(row, &ch.name, 0, info.sfreq)?;
    }
    let projector = applied_projector(info)?;
    let x: CowArray<'_, f64, Ix2> = match &projector {
        Some(projector) => linalg::matmul(par, projector.view(), x).into(),
        None => x.into(),
    };
    let scale = standard_deviations(par, info, x.view())?;
    let mut principal = Principal::of(par, x.view(), &scale)?;
    let variance = principal.explained_variance();
    let largest = principal.singular.first().copied().unwrap_or(0.0);
    let smallest = largest * f64::EPSILON * x.nrows().max(1) as f64;
    let rank = principal.singular.iter().filter(|&&s| s > smallest).count();
    let n = choose(&variance, params.n_components, params.n_pca_components, rank)?;
    let white = principal.whitened(par, x.view(), &scale, n);
    drop(x);
    let start = start_of(&params.start, n)?;
    // The samples are white: their covariance is known, but for the number by which MNE divides.
    let covariance = Array2::<f64>::eye(n) * ((white.n_times() - 1) as f64 / white.n_times() as f64);
    let found = picard(par, &white, covariance.view(), start.view(), &params.picard, watch)?;
    drop(white);

    let mut warnings = Vec::new();
    if !found.converged {
        warnings.push(format!(
            "the search for independent components did not converge: the gradient is {:.3e} after {} iterations, `tol` is \
             {:.1e}; more iterations or a larger tolerance may help",
            found.gradient, found.n_iter, params.picard.tol
        ));
    }
    let ratio = variance[n - 1] / variance[0];
    // MNE: to be stable during pinv.
    if ratio <= 1e-6 {
        let stable = variance.iter().filter(|&&v| v / variance[0] > 1e-6).count();
        warnings.push(format!(
            "{n} components may lead to an unstable mixing matrix, since the variances of the principal components differ by \
             more than 1e6; consider `n_components` of 0.999999, or of {stable} or less"
        ));
    }
    let deviation = variance.slice(s![..n]).mapv(f64::sqrt);
    let unmixing = &found.unmixing / &deviation;
    let mixing = linalg::pinv(unmixing.view(), 1e-15).map_err(super::picard::wrong)?;
    let ica = Ica {
        info: Arc::new(info.clone()),
        pre_whitener: Array1::from(scale).insert_axis(Axis(1)),
        pca_mean: principal.mean,
        pca_components: principal.components,
        pca_explained_variance: variance,
        unmixing_matrix: unmixing,
        mixing_matrix: mixing,
        exclude: Vec::new(),
        labels: Vec::new(),
        fit: IcaFit {
            method: params.method.name().into(),
            n_components: params.n_components.map(|n| n.value()),
            n_pca_components: params.n_pca_components.map(|n| n.value()),
            n_samples: Some(principal.n_samples as u64),
            n_iter: Some(found.n_iter as u64),
            current_fit: "raw".into(),
            fit_params: None,
            reject: None,
        },
    };
    Ok(Fitted { ica, found, warnings })
}

/// Puts components into the order of the variance that they explain of samples `x`, `(n_channels, n_times)`, as
/// `mne.preprocessing.ICA.fit` does; the order that they had.
///
/// # Errors
/// When the shape does not fit.
pub fn sort_by_variance(par: &Par, ica: &mut Ica, x: ArrayView2<'_, f64>) -> Result<Vec<usize>> {
    let map = sources_map(ica)?;
    if map.matrix.ncols() != x.nrows() {
        let expected = vec![map.matrix.ncols(), x.ncols()];
        return Err(Error::Shape { what: "x", expected, got: x.shape().to_vec() });
    }
    // Sums of squares of the sources, from pieces that fit the cache.
    const PIECE: usize = 1024;
    let pieces = par.map(x.ncols().div_ceil(PIECE), |piece| {
        let stop = ((piece + 1) * PIECE).min(x.ncols());
        let sources = map.apply(&Par::serial(), x.slice(s![.., piece * PIECE..stop]));
        sources.rows().into_iter().map(|row| row.dot(&row)).collect::<Array1<f64>>()
    });
    let squares = pieces.into_iter().fold(Array1::<f64>::zeros(ica.n_components()), |sum, piece| sum + piece);
    let sizes = ica.mixing_matrix.map_axis(Axis(0), |column| column.dot(&column));
    let variance = squares * sizes;
    let mut order: Vec<usize> = (0..variance.len()).collect();
    order.sort_by(|&a, &b| variance[b].total_cmp(&variance[a]));
    ica.mixing_matrix = ica.mixing_matrix.select(Axis(1), &order);
    ica.unmixing_matrix = ica.unmixing_matrix.select(Axis(0), &order);
    Ok(order)
}

/// The pieces of `tstep` seconds of samples `x` (every `decim`-th of the recording) that are used, and those that are not:
/// where a good channel has a larger or smaller range than its type is allowed. What is left at the end is not used.
///
/// # Errors
/// When nothing is left, or a piece has no sample.
pub fn good_pieces(
    par: &Par,
    info: &Info,
    x: ArrayView2<'_, f64>,
    decim: usize,
    reject: &IcaReject,
) -> Result<(Vec<Range<usize>>, Vec<Range<usize>>)> {
    let length = (reject.tstep * info.sfreq).ceil();
    if !(length >= 1.0 && length.is_finite()) {
        return Err(Error::parameter("tstep", "a length of at least one sample (s)", reject.tstep));
    }
    let length = (length / decim.max(1) as f64).ceil() as usize;
    for (name, limits) in [("reject", &reject.reject), ("flat", &reject.flat)] {
        for (ch_type, _) in limits {
            if !info.chs.iter().any(|ch| ch.ch_type() == *ch_type) {
                let expected = "types of channels that are there";
                return Err(Error::parameter(name, expected, ch_type.name()));
            }
        }
    }
    let limit = |limits: &[(ChannelType, f64)], ch: usize| {
        limits.iter().find(|(ch_type, _)| *ch_type == info.chs[ch].ch_type()).map(|(_, limit)| *limit)
    };
    let good = par.map(x.ncols() / length, |piece| {
        let part = x.slice(s![.., piece * length..(piece + 1) * length]);
        (0..x.nrows()).filter(|&ch| !info.is_bad(ch)).all(|ch| {
            let (most, least) = (limit(&reject.reject, ch), limit(&reject.flat, ch));
            if most.is_none() && least.is_none() {
                return true;
            }
            let range = stats::peak_to_peak(&part.row(ch).to_vec());
            most.is_none_or(|most| range <= most) && least.is_none_or(|least| range >= least)
        })
    });
    let (used, dropped): (Vec<_>, Vec<_>) = good.into_iter().enumerate().partition(|(_, good)| *good);
    let range = |(piece, _): (usize, bool)| piece * length..(piece + 1) * length;
    let used: Vec<_> = used.into_iter().map(range).collect();
    if used.is_empty() {
        return Err(Error::Data {
            message: "no piece of the recording is left to fit an ICA to".into(),
            hint: Some("raise the limits of `reject`, or lower those of `flat`".into()),
        });
    }
    Ok((used, dropped.into_iter().map(range).collect()))
}
