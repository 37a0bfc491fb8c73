//! From a head position to moments: the basis, what is kept of it, and its pseudo-inverse.

use super::calibrate::{Calibrated, calibrate};
use super::geometry::{Points, frame};
use super::params::{BadCondition, MaxwellParams, Regularize};
use super::report::DecompositionReport;
use super::sensors::{Sensors, n_moments};
use super::{compensation, extended, harmonics, regularize};
use bakusoku_core::{Error, Info, Result, Transform};
use bakusoku_math::linalg;
use ndarray::{Array2, Axis, s};

/// Condition numbers from here on are bad.
const BADLY_CONDITIONED: f64 = 1000.0;

/// All that bases of one recording have in common.
#[derive(Clone, Debug)]
pub(super) struct Decomposer {
    pub sensors: Sensors,
    pub calibrated: Option<Calibrated>,
    /// Channels of the calibration that are not there.
    pub extra_calibration: Vec<String>,
    /// For the decomposition: calibrated, weights times the channel's scale.
    points: Points,
    /// For the reconstruction: as the file has the sensors, weights times the channel's scale.
    points_recon: Points,
    /// What software compensation did to the channels.
    compensation: Option<Array2<f64>>,
    /// Extended directions over all channels; bad ones have none.
    extended: Array2<f64>,
    origin: [f64; 3],
    int_order: usize,
    ext_order: usize,
    regularize: Regularize,
    bad_condition: BadCondition,
}

/// A basis, and its pseudo-inverse.
#[derive(Clone, Debug)]
pub(super) struct Decomposition {
    /// Moments kept, in ascending order.
    pub moments: Vec<usize>,
    /// How many of them are inner ones.
    pub n_use_in: usize,
    /// Channels from moments, all channels, `(n_sensors, n_kept)`.
    pub s_full: Array2<f64>,
    /// The same for the good channels, `(n_good, n_kept)`.
    pub s: Array2<f64>,
    /// Moments from the good channels, `(n_kept, n_good)`.
    pub ps: Array2<f64>,
    /// For the report.
    pub report: DecompositionReport,
}

impl Decomposer {
    /// Prepares bases around `origin` (m, in the frame to which head positions lead).
    ///
    /// # Errors
    /// When channels, calibration, compensation or extended directions do not fit one another.
    pub(super) fn new(info: &Info, params: &MaxwellParams, sensors: Sensors, origin: [f64; 3]) -> Result<Self> {
        let (calibrated, extra_calibration) = match &params.calibration {
            None => (None, Vec::new()),
            Some(calibration) => {
                let (calibrated, extra) = calibrate(&sensors, calibration)?;
                (Some(calibrated), extra)
            }
        };
        let compensation = compensation::operator(info, &sensors, params.ignore_ref)?;
        let mut points_recon = Points::of(&sensors.chs, params.coil_definitions)?;
        let mut points = match &calibrated {
            None => points_recon.clone(),
            Some(calibrated) => Points::of(&calibrated.chs, params.coil_definitions)?,
        };
        for i in 0..sensors.len() {
            points_recon.scale(i, sensors.scale(i));
            // A magnetometer is divided by its coefficient.
            let coefficient = match &calibrated {
                Some(calibrated) if sensors.is_mag[i] => calibrated.imbalance[i][0],
                _ => 1.0,
            };
            points.scale(i, sensors.scale(i) / coefficient);
        }
        if let Some(calibrated) = &calibrated {
            // A gradiometer sees point magnetometers along its own axes (as the file has them), times its imbalances.
            points.extend(sensors.len(), |i| {
                if sensors.is_mag[i] {
                    return Vec::new();
                }
                let (origin, axes) = frame(&sensors.chs[i]);
                let along = calibrated.imbalance[i].iter().zip(axes);
                along.map(|(x, axis)| (origin, axis.map(|e| e * x * sensors.mag_scale))).collect()
            });
        }
        let extended = extended::vectors(&sensors, &params.extended_proj)?;
        Ok(Self {
            calibrated,
            extra_calibration,
            points,
            points_recon,
            compensation,
            extended,
            origin,
            int_order: params.int_order,
            ext_order: params.ext_order,
            regularize: params.regularize,
            bad_condition: params.bad_condition,
            sensors,
        })
    }

    /// Inner moments there are.
    pub(super) fn n_in(&self) -> usize {
        n_moments(self.int_order)
    }

    /// Extended directions.
    pub(super) fn n_extended(&self) -> usize {
        self.extended.ncols()
    }

    fn compensate(&self, basis: Array2<f64>) -> Array2<f64> {
        match &self.compensation {
            None => basis,
            Some(matrix) => matrix.dot(&basis),
        }
    }

    /// All channels from all inner moments, `(n_sensors, n_in)`, with the head where the result is to have it.
    pub(super) fn reconstruction(&self, destination: Option<&Transform>) -> Array2<f64> {
        let points = self.points_recon.seen_from(destination, self.origin);
        let mut out = self.compensate(harmonics::basis(&points, self.int_order, 0));
        self.unscale(&mut out, 0..self.sensors.len());
        out
    }

    /// Divides rows by their channel's scale.
    fn unscale(&self, x: &mut Array2<f64>, channels: impl Iterator<Item = usize>) {
        for (mut row, i) in x.rows_mut().into_iter().zip(channels) {
            row /= self.sensors.scale(i);
        }
    }

    /// The basis at a head position, and its pseudo-inverse; `time` (s) is for the report. Also a warning, when there is
    /// one.
    ///
    /// # Errors
    /// When the basis is not finite, or badly conditioned and that is to be an error.
    pub(super) fn at(&self, position: Option<&Transform>, time: f64) -> Result<(Decomposition, Option<String>)> {
        self.solve(&self.basis(position)?, &self.sensors.good, time)
    }

    /// All channels from all moments at a head position, `(n_sensors, n_in + n_out)`, each channel in its own scale.
    ///
    /// # Errors
    /// When the basis is not finite.
    pub(super) fn basis(&self, position: Option<&Transform>) -> Result<Array2<f64>> {
        let points = self.points.seen_from(position, self.origin);
        let basis = self.compensate(harmonics::basis(&points, self.int_order, self.ext_order));
        if basis.iter().all(|x| x.is_finite()) {
            return Ok(basis);
        }
        Err(Error::data("the basis is not finite, expected an origin away from all sensors and finite head positions"))
    }

    /// What of a [`basis`](Self::basis) is kept, and its pseudo-inverse, from the channels `channels` alone (indices of
    /// the sensors, ascending, among the good ones).
    ///
    /// # Errors
    /// When the basis is badly conditioned and that is to be an error.
    pub(super) fn solve(
        &self,
        basis: &Array2<f64>,
        channels: &[usize],
        time: f64,
    ) -> Result<(Decomposition, Option<String>)> {
        let sensors = &self.sensors;
        let n_in = self.n_in();
        let mut full = basis.clone();
        let mut good = full.select(Axis(0), channels);
        let mut dropped: Vec<usize> = Vec::new();
        if self.n_extended() > 0 {
            let before = good.ncols();
            let vectors = self.extended.select(Axis(0), channels);
            let scales = channels.iter().map(|&i| sensors.scale(i));
            let (columns, empty) = extended::columns(vectors, scales, good.view(), n_in)?;
            good = extended::beside(good.view(), columns.view());
            let mut all = Array2::zeros((sensors.len(), columns.ncols()));
            for (row, &i) in columns.rows().into_iter().zip(channels) {
                all.row_mut(i).assign(&row);
            }
            full = extended::beside(full.view(), all.view());
            dropped = empty.into_iter().map(|column| before + column).collect();
        }
        // No channel sees a homogeneous field: the three moments of it are not there.
        let homogeneous = if self.ext_order > 0 && !self.sees_homogeneous() { 3 } else { 0 };
        let outer: Vec<usize> = (n_in + homogeneous..good.ncols()).filter(|c| !dropped.contains(c)).collect();
        let candidates: Vec<usize> = (0..n_in).chain(outer.iter().copied()).collect();
        let chosen = regularize::choose(good.select(Axis(1), &candidates).view(), self.int_order, self.regularize)?;
        let mut moments: Vec<usize> = (0..n_in).filter(|m| chosen.removed.binary_search(m).is_err()).collect();
        let n_use_in = moments.len();
        moments.extend(&outer);
        let mut s = good.select(Axis(1), &moments);
        let mut s_full = full.select(Axis(1), &moments);
        let (mut ps, condition) = pseudo_inverse(&s)?;
        for (mut column, &i) in ps.columns_mut().into_iter().zip(channels) {
            column *= sensors.scale(i);
        }
        self.unscale(&mut s, channels.iter().copied());
        self.unscale(&mut s_full, 0..sensors.len());
        let report = DecompositionReport {
            time,
            n_in: n_use_in,
            n_in_all: n_in,
            n_out: outer.len(),
            n_out_all: good.ncols() - n_in,
            condition,
            information: chosen.information,
            peak_information: chosen.peak,
        };
        let warning = self.judge(condition)?;
        Ok((Decomposition { moments, n_use_in, s_full, s, ps, report }, warning))
    }

    fn sees_homogeneous(&self) -> bool {
        self.calibrated.is_some() || self.sensors.any_mag()
    }

    fn judge(&self, condition: f64) -> Result<Option<String>> {
        // NaN is bad as well.
        if condition < BADLY_CONDITIONED {
            return Ok(None);
        }
        let text = format!("Matrix is badly conditioned: {condition:.0} >= {BADLY_CONDITIONED:.0}");
        match self.bad_condition {
            BadCondition::Error => Err(Error::Data {
                message: text,
                hint: Some("are positions and orientations of the sensors right? else set bad_condition".into()),
            }),
            BadCondition::Warning => Ok(Some(text)),
            BadCondition::Info => {
                tracing::info!("{text}");
                Ok(None)
            }
            BadCondition::Ignore => Ok(None),
        }
    }
}

impl Decomposition {
    /// Inner moments from the good channels, `(n_use_in, n_good)`.
    pub(super) fn ps_in(&self) -> ndarray::ArrayView2<'_, f64> {
        self.ps.slice(s![..self.n_use_in, ..])
    }
    /// Good channels from inner moments, `(n_good, n_use_in)`.
    pub(super) fn s_in(&self) -> ndarray::ArrayView2<'_, f64> {
        self.s.slice(s![.., ..self.n_use_in])
    }
}

/// The pseudo-inverse of a matrix of full column rank, inverted with columns of unit length, and the condition number
/// of it then.
fn pseudo_inverse(s: &Array2<f64>) -> Result<(Array2<f64>, f64)> {
    let lengths: Vec<f64> = s.columns().into_iter().map(|c| c.dot(&c).sqrt()).collect();
    let mut unit = s.clone();
    unit.columns_mut().into_iter().zip(&lengths).for_each(|(mut c, &length)| c /= length);
    if s.ncols() == 0 {
        return Ok((Array2::zeros((0, s.nrows())), 1.0));
    }
    let (q, r) = linalg::qr(unit.view());
    let values = linalg::svdvals(r.view()).map_err(|error| Error::data(error.to_string()))?;
    let condition = values[0] / values[values.len() - 1];
    let mut inverse = linalg::inverse_upper(r.view());
    for (mut row, &length) in inverse.rows_mut().into_iter().zip(&lengths) {
        row /= length;
    }
    Ok((linalg::matmul(&bakusoku_core::Par::serial(), inverse.view(), q.t()), condition))
}
