//! Which channels take part, and as what.

use super::coils::coil;
use super::params::{MagScale, MaxwellParams};
use bakusoku_core::{Channel, Error, Info, Result};

/// `FIFFV_REF_MEG_CH`.
const REF_MEG: i32 = 301;
/// `FIFFV_COIL_VV_MAG_T1`, `FIFFV_COIL_VV_MAG_T2`.
const VV_MAG_OLD: [i32; 2] = [3022, 3023];
/// `FIFFV_COIL_VV_MAG_T3`.
const VV_MAG_T3: i32 = 3024;
/// `FIFFV_COIL_KIT_GRAD`.
const KIT_GRAD: i32 = 6001;
/// `FIFFV_COIL_KIT_REF_MAG`.
const KIT_REF_MAG: i32 = 6002;
/// `FIFFV_COIL_CTF_GRAD`, `FIFFV_COIL_CTF_REF_GRAD`, `FIFFV_COIL_CTF_OFFDIAG_REF_GRAD`.
const CTF_GRADS: [i32; 3] = [5001, 5003, 5004];

/// The MEG channels of a recording.
#[derive(Clone, Debug)]
pub(super) struct Sensors {
    /// Their indices in the recording, bad ones included.
    pub picks: Vec<usize>,
    /// The channels themselves, coil types set right.
    pub chs: Vec<Channel>,
    /// Which of them are good, as indices of `picks`.
    pub good: Vec<usize>,
    /// Which of them are magnetometers (in T), as a mask.
    pub is_mag: Vec<bool>,
    /// How many of the magnetometers are gradiometers in truth (KIT, CTF): they see no homogeneous field.
    pub n_kit: usize,
    /// Factor on magnetometers.
    pub mag_scale: f64,
}

/// Whether `ch` is a MEG channel, reference sensors included or not.
fn is_meg(ch: &Channel, ignore_ref: bool) -> bool {
    ch.kind == Channel::MEG || (ch.kind == REF_MEG && !ignore_ref)
}

/// The coil types that MNE corrects before it begins: newer magnetometers that the file calls by the old type.
pub(super) fn fixed_coil_type(ch: &Channel) -> i32 {
    let mag = ch.kind == Channel::MEG && ch.unit == Channel::UNIT_T;
    if mag && VV_MAG_OLD.contains(&ch.coil_type) && ch.cal > 3e-11 { VV_MAG_T3 } else { ch.coil_type }
}

impl Sensors {
    /// The MEG channels of `info`.
    ///
    /// # Errors
    /// When there are fewer good channels than moments, or KIT reference sensors are to be used.
    pub(super) fn new(info: &Info, params: &MaxwellParams) -> Result<Self> {
        let picks: Vec<usize> =
            (0..info.n_channels()).filter(|&index| is_meg(&info.chs[index], params.ignore_ref)).collect();
        if picks.is_empty() {
            return Err(Error::data("could not find any MEG channels, expected at least one to Maxwell filter"));
        }
        let chs: Vec<Channel> = picks
            .iter()
            .map(|&index| Channel { coil_type: fixed_coil_type(&info.chs[index]), ..info.chs[index].clone() })
            .collect();
        if chs.iter().any(|ch| ch.kind == REF_MEG && ch.coil_type & 0xFFFF == KIT_REF_MAG) {
            return Err(Error::Data {
                message: "KIT reference sensors cannot be part of the basis".into(),
                hint: Some("set ignore_ref".into()),
            });
        }
        let good: Vec<usize> = (0..chs.len()).filter(|&i| !info.bads.contains(&chs[i].name)).collect();
        let n_moments = n_moments(params.int_order) + n_moments(params.ext_order);
        if n_moments > good.len() {
            return Err(Error::data(format!(
                "Number of requested bases ({n_moments}) exceeds number of good sensors ({})",
                good.len()
            )));
        }
        let is_mag: Vec<bool> = chs.iter().map(|ch| ch.unit != Channel::UNIT_T_M).collect();
        let homogeneous = |ch: &Channel| {
            let coil_type = ch.coil_type & 0xFFFF;
            coil_type != KIT_GRAD && !CTF_GRADS.contains(&ch.coil_type)
        };
        let n_kit = chs.iter().zip(&is_mag).filter(|(ch, mag)| **mag && !homogeneous(ch)).count();
        let mut sensors = Self { picks, chs, good, is_mag, n_kit, mag_scale: 1.0 };
        sensors.mag_scale = match params.mag_scale {
            MagScale::Factor(factor) => factor,
            MagScale::Auto => sensors.auto_scale(params)?,
        };
        Ok(sensors)
    }

    /// Number of MEG channels.
    pub(super) fn len(&self) -> usize {
        self.picks.len()
    }

    /// Number of magnetometers.
    pub(super) fn n_mags(&self) -> usize {
        self.is_mag.iter().filter(|&&mag| mag).count()
    }

    /// Whether any channel sees a homogeneous field.
    pub(super) fn any_mag(&self) -> bool {
        self.n_mags() > self.n_kit
    }

    /// Factor on each channel while the basis is inverted.
    pub(super) fn scale(&self, index: usize) -> f64 {
        if self.is_mag[index] { self.mag_scale } else { 1.0 }
    }

    /// Those that are bad, as indices of `picks`.
    pub(super) fn bad(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter(|i| self.good.binary_search(i).is_err())
    }

    /// One over the baseline of the gradiometers.
    fn auto_scale(&self, params: &MaxwellParams) -> Result<f64> {
        let n_mags = self.n_mags();
        if n_mags == 0 || n_mags == self.len() {
            // One kind of sensor only: any factor will do.
            return Ok(100.0);
        }
        let mut bases: Vec<f64> = Vec::new();
        for (ch, _) in self.chs.iter().zip(&self.is_mag).filter(|(_, mag)| !**mag) {
            let base = coil(params.coil_definitions, ch.coil_type).map_or(0.0, |coil| coil.base);
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
        match bases[..] {
            [base] if base > 0.0 => Ok(1.0 / base),
            _ => Err(Error::data(format!(
                "Could not automatically determine mag_scale, could not find one proper gradiometer distance from: \
                 {bases:?}"
            ))),
        }
    }
}

/// Moments of an expansion up to `order`, degree 0 left out.
pub(super) fn n_moments(order: usize) -> usize {
    (order + 2) * order
}
