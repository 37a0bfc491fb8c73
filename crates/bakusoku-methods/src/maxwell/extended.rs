//! Extended outer basis (eSSS): measured patterns of interference beside the outer moments.
//!
//! Helle et al. (2021), IEEE Trans. Biomed. Eng. 68:2117.

use super::sensors::Sensors;
use bakusoku_core::{Error, Projector, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

/// Singular values below this share of the largest one do not count as a direction of the outer basis; and vectors of
/// unit length that keep no more than this length outside of it are dropped.
const THRESHOLD: f64 = 1e-4;

/// The projectors' vectors, in columns, `(n_sensors, n_vectors)`; zero for bad sensors.
///
/// # Errors
/// When a projector misses a good sensor.
pub(super) fn vectors(sensors: &Sensors, projs: &[Projector]) -> Result<Array2<f64>> {
    let names: Vec<&str> = sensors.good.iter().map(|&i| sensors.chs[i].name.as_str()).collect();
    let n_vectors: usize = projs.iter().map(|proj| proj.data.nrows()).sum();
    let mut out = Array2::zeros((sensors.len(), n_vectors));
    let mut column = 0;
    for (index, proj) in projs.iter().enumerate() {
        let at = |name: &&str| proj.names.iter().position(|other| other == name);
        let mut missing: Vec<&str> = names.iter().filter(|name| at(name).is_none()).copied().collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            return Err(Error::parameter(
                "extended_proj",
                "vectors over all good MEG channels",
                format!(
                    "one without some: extended_proj[{index}] channel names were missing some good MEG channel \
                     names:\n{}",
                    missing.join(", ")
                ),
            ));
        }
        for (row, name) in names.iter().enumerate() {
            let Some(from) = at(name) else { continue };
            for vector in 0..proj.data.nrows() {
                out[[sensors.good[row], column + vector]] = proj.data[[vector, from]];
            }
        }
        column += proj.data.nrows();
    }
    Ok(out)
}

/// The columns to be appended to `basis` `(n_channels, n_in + n_out)`, and which of them carry nothing of their own, from
/// vectors of the same channels, that are in scale `scales`.
///
/// # Errors
/// When the basis is not finite.
pub(super) fn columns(
    vectors: Array2<f64>,
    scales: impl Iterator<Item = f64>,
    basis: ArrayView2<'_, f64>,
    n_in: usize,
) -> Result<(Array2<f64>, Vec<usize>)> {
    let mut out = vectors;
    for (mut row, scale) in out.rows_mut().into_iter().zip(scales) {
        row *= scale;
    }
    normalize(&mut out, 1.0);
    if basis.ncols() > n_in {
        let mut outer = basis.slice(s![.., n_in..]).to_owned();
        normalize(&mut outer, 1.0);
        let svd = linalg::svd(outer.view()).map_err(|error| Error::data(error.to_string()))?;
        let rank = svd.s.iter().filter(|&&s| s > THRESHOLD * svd.s[0]).count();
        let orth = svd.u.slice(s![.., ..rank]);
        out -= &orth.dot(&orth.t().dot(&out));
    }
    let length = |column: usize| out.column(column).dot(&out.column(column)).sqrt();
    let dropped = (0..out.ncols()).filter(|&c| length(c).is_nan() || length(c) <= THRESHOLD).collect();
    // The length does not matter, since the basis is inverted with columns of unit length; MNE takes some of the
    // channels for it.
    let some = if basis.ncols() > n_in { basis.slice(s![n_in.min(basis.nrows()).., ..]) } else { basis.view() };
    let mean = some.columns().into_iter().map(|c| c.dot(&c).sqrt()).sum::<f64>() / some.ncols().max(1) as f64;
    normalize(&mut out, mean);
    Ok((out, dropped))
}

/// Scales columns to the given length.
fn normalize(x: &mut Array2<f64>, to: f64) {
    for mut column in x.columns_mut() {
        let length = column.dot(&column).sqrt();
        if length > 0.0 {
            column *= to / length;
        }
    }
}

/// `a` and `b` side by side.
pub(super) fn beside(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    concatenate(Axis(1), &[a, b]).expect("both have a row per channel")
}
