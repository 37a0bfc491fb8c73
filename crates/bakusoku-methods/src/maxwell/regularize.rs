//! Which inner moments carry more information than noise.

use super::harmonics::degrees_orders;
use super::params::Regularize;
use bakusoku_core::{Error, Result};
use bakusoku_math::linalg;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Radius of the sphere of random currents (m), Nenonen et al. (2004).
const RADIUS: f64 = 0.080;
/// Their density (A/m²), as MNE has it.
const DENSITY: f64 = 5.911_073_756_32e-7;
/// Noise of a gradiometer (T/m), squared.
const NOISE: f64 = 5e-13 * 5e-13;
/// MNE's factor on the squared noise of a moment; that of order 0 is doubled, whose column lacks the square root of 2.
const NOISE_FACTOR: f64 = 0.0025;
/// Share of the largest total information that is enough.
const ENOUGH: f64 = 0.98;
/// Once two totals in a row are below this share, the largest one is known.
const PAST_THE_PEAK: f64 = 0.95;
/// Diagonals of the triangle below this share of the largest one: the noise of moments is found by singular values.
const SINGULAR: f64 = 1e-10;

/// What regularisation found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen {
    /// Inner moments to be left out, in ascending order.
    pub removed: Vec<usize>,
    /// Total information of what is kept (bits per sample).
    pub information: f64,
    /// The largest total information (bits per sample).
    pub peak: f64,
}

/// Power of the signal of each degree: random currents on a sphere (Knuutila et al. 1993; Nenonen et al. 2004).
fn signal(degree: usize) -> f64 {
    let l = degree as f64;
    DENSITY * DENSITY * (l * RADIUS.powi(2 * degree as i32 + 4) / ((2.0 * l + 1.0) * (2.0 * l + 1.0) * (l + 1.0)))
}

/// Squared noise of moments, for unit noise of the channels: the squared length of each row of the pseudo-inverse of a
/// basis whose columns have unit length; one moment after the other can be left out.
enum Noise {
    /// The inverse of the Gram matrix: leaving a moment out is a change of rank one.
    Gram(Array2<f64>),
    /// The basis itself, where it is close to singular.
    Basis(Array2<f64>),
}

impl Noise {
    fn new(basis: ArrayView2<'_, f64>) -> Self {
        let r = linalg::qr_r(basis);
        let diagonal: Vec<f64> = r.diag().iter().map(|x| x.abs()).collect();
        let largest = diagonal.iter().copied().fold(0.0, f64::max);
        if r.nrows() < r.ncols() || diagonal.iter().any(|&x| x.is_nan() || x <= SINGULAR * largest) {
            return Self::Basis(basis.to_owned());
        }
        let inverse = linalg::inverse_upper(r.view());
        Self::Gram(inverse.dot(&inverse.t()))
    }
    /// The rows of the moments `kept`, places among the columns.
    fn of(&self, kept: &[usize]) -> Result<Vec<f64>> {
        match self {
            Self::Gram(h) => Ok(kept.iter().map(|&i| h[[i, i]]).collect()),
            Self::Basis(basis) => {
                let columns = basis.select(Axis(1), kept);
                let svd = linalg::svd(columns.view()).map_err(|error| Error::data(error.to_string()))?;
                let row = |i: usize| svd.s.iter().enumerate().map(move |(k, s)| (k, i, *s));
                Ok((0..kept.len())
                    .map(|i| row(i).map(|(k, i, s)| (svd.vt[[k, i]] / s) * (svd.vt[[k, i]] / s)).sum())
                    .collect())
            }
        }
    }
    /// Leaves a moment out.
    fn remove(&mut self, j: usize) {
        if let Self::Gram(h) = self {
            let column: Array1<f64> = h.column(j).to_owned();
            let pivot = column[j];
            for (mut row, &x) in h.rows_mut().into_iter().zip(&column) {
                if x != 0.0 {
                    row.scaled_add(-x / pivot, &column);
                }
            }
            h.row_mut(j).fill(0.0);
            h.column_mut(j).fill(0.0);
        }
    }
}

/// Chooses among the inner moments, the first columns of `basis` `(n_channels, n_in + n_out)`; the outer ones are all
/// kept. Moments with the least signal to noise go one by one, until the total information has passed its peak.
///
/// # Errors
/// When the basis is not finite.
pub(super) fn choose(basis: ArrayView2<'_, f64>, int_order: usize, how: Regularize) -> Result<Chosen> {
    let moments = degrees_orders(int_order);
    let n_in = moments.len();
    if how == Regularize::None || n_in == 0 {
        return Ok(Chosen { removed: Vec::new(), information: f64::NAN, peak: f64::NAN });
    }
    let lengths: Vec<f64> = basis.columns().into_iter().map(|c| c.dot(&c).sqrt()).collect();
    let mut unit = basis.to_owned();
    unit.columns_mut().into_iter().zip(&lengths).for_each(|(mut c, &length)| c /= length);
    let mut noise = Noise::new(unit.view());
    let outer: Vec<usize> = (n_in..basis.ncols()).collect();
    let mut kept: Vec<usize> = (0..n_in).collect();
    let (mut totals, mut order) = (Vec::new(), Vec::new());
    for step in 0..n_in {
        let all: Vec<usize> = kept.iter().chain(&outer).copied().collect();
        let squares = noise.of(&all)?;
        let ratio = |(&moment, &square): (&usize, &f64)| {
            let (degree, m) = moments[moment];
            let twice = if m == 0 { 2.0 } else { 1.0 };
            let eta = square / (lengths[moment] * lengths[moment]) * NOISE * twice * NOISE_FACTOR;
            signal(degree) / eta
        };
        let ratios: Vec<f64> = kept.iter().zip(&squares).map(ratio).collect();
        totals.push(0.5 * ratios.iter().map(|snr| (snr + 1.0).log2()).sum::<f64>());
        // The first of the least, as `numpy.argmin`.
        let least = (1..ratios.len()).fold(0, |at, i| if ratios[i] < ratios[at] { i } else { at });
        let gone = kept.remove(least);
        order.push(gone);
        noise.remove(gone);
        let peak = totals.iter().copied().fold(0.0, f64::max);
        if step > 10 && totals[step - 1..].iter().all(|&total| total < PAST_THE_PEAK * peak) {
            break;
        }
    }
    let peak = totals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let wanted = if how == Regularize::InArgmax { peak } else { ENOUGH * peak };
    let cut = totals.iter().position(|&total| total >= wanted).ok_or_else(|| {
        Error::data("the information of the moments is not a number, expected sensors away from the origin")
    })?;
    order.truncate(cut);
    order.sort_unstable();
    Ok(Chosen { removed: order, information: totals[cut], peak })
}
