//! Parameters of the Maxwell filter: MNE's names and defaults.

use bakusoku_core::{CrossTalk, Error, FineCalibration, HeadPositions, Projector, Result, Transform};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Centre of both expansions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the head frame the centre of a sphere fitted to the digitised head shape, in the device frame its origin.
    #[default]
    Auto,
    /// This point (m), in the frame that `coord_frame` names.
    #[serde(untagged)]
    At([f64; 3]),
}

/// The frame of the origin. The sensors are moved to the head frame wherever the head's position is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginFrame {
    /// Head.
    #[default]
    Head,
    /// Device.
    Meg,
}

/// Where the head is to appear in the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Destination {
    /// Where it was: `dev_head_t` of the recording.
    #[default]
    None,
    /// Shifted by this (m), not turned.
    Translation([f64; 3]),
    /// Device to head.
    Transform(Transform),
}

/// Which inner moments are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regularize {
    /// Those that carry 98 % of the largest total information (MaxFilter 3.0).
    #[default]
    In,
    /// Those that carry the largest total information (MaxFilter 2.2).
    InArgmax,
    /// All.
    None,
}

/// What to do when the basis is badly conditioned (1000 or more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadCondition {
    /// Fail.
    #[default]
    Error,
    /// Warn, and go on.
    Warning,
    /// Note it in the log, and go on.
    Info,
    /// Go on.
    Ignore,
}

/// Factor on magnetometers, that brings them to the size of gradiometers while the basis is inverted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MagScale {
    /// One over the gradiometers' baseline.
    Auto,
    /// This.
    #[serde(untagged)]
    Factor(f64),
}

impl Default for MagScale {
    fn default() -> Self {
        Self::Factor(100.0)
    }
}

/// How results of neighbouring head positions go over into one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum McInterp {
    /// By a squared cosine.
    #[default]
    #[serde(alias = "cos2")]
    Hann,
    /// Along a straight line.
    Linear,
    /// At once, when the next position starts.
    Zero,
}

/// Whose integration points describe the coils.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoilDefinitions {
    /// MNE's.
    #[default]
    Mne,
    /// MEGIN's 13 digit table for its own sensors, MNE's for all others: three times closer to MaxFilter's results
    /// (`mne.use_coil_def("coil_def_Elekta.dat")`).
    Megin,
}

/// Parameters of `mne.preprocessing.maxwell_filter`, with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxwellParams {
    /// Centre of both expansions.
    pub origin: Origin,
    /// Order of the inner expansion.
    pub int_order: usize,
    /// Order of the outer expansion.
    pub ext_order: usize,
    /// Fine calibration.
    pub calibration: Option<Arc<FineCalibration>>,
    /// Cross-talk between sensors.
    pub cross_talk: Option<Arc<CrossTalk>>,
    /// Length of the windows of the temporal extension (s); without it, spatial only.
    pub st_duration: Option<f64>,
    /// Directions in time that inner and outer space share at least to this correlation are taken out.
    pub st_correlation: f64,
    /// Frame of the origin.
    pub coord_frame: OriginFrame,
    /// Where the head is to appear.
    pub destination: Destination,
    /// Which inner moments are kept.
    pub regularize: Regularize,
    /// Leave reference sensors out.
    pub ignore_ref: bool,
    /// What to do when the basis is badly conditioned.
    pub bad_condition: BadCondition,
    /// Where the head was: movement is compensated.
    pub head_pos: Option<Arc<HeadPositions>>,
    /// The temporal extension works before the movement is compensated, with the mean position of each window.
    pub st_fixed: bool,
    /// Temporal projection only.
    pub st_only: bool,
    /// Factor on magnetometers.
    pub mag_scale: MagScale,
    /// Annotations that cut the recording into stretches, and pass unchanged.
    pub skip_by_annotation: Vec<String>,
    /// Further outer directions (eSSS).
    pub extended_proj: Vec<Projector>,
    /// Windows overlap by half.
    pub st_overlap: bool,
    /// How results of neighbouring head positions go over into one another.
    pub mc_interp: McInterp,
    /// Whose integration points describe the coils.
    pub coil_definitions: CoilDefinitions,
}

impl Default for MaxwellParams {
    fn default() -> Self {
        Self {
            origin: Origin::Auto,
            int_order: 8,
            ext_order: 3,
            calibration: None,
            cross_talk: None,
            st_duration: None,
            st_correlation: 0.98,
            coord_frame: OriginFrame::Head,
            destination: Destination::None,
            regularize: Regularize::In,
            ignore_ref: false,
            bad_condition: BadCondition::Error,
            head_pos: None,
            st_fixed: true,
            st_only: false,
            mag_scale: MagScale::default(),
            skip_by_annotation: vec!["edge".into(), "bad_acq_skip".into()],
            extended_proj: Vec::new(),
            st_overlap: true,
            mc_interp: McInterp::Hann,
            coil_definitions: CoilDefinitions::Mne,
        }
    }
}

/// Names and numbers as one word (FNV-1a, 64 bits): other content, another word.
fn fingerprint<'a>(names: impl Iterator<Item = &'a str>, numbers: impl Iterator<Item = &'a f64>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for name in names {
        add(name.as_bytes());
        add(&[0]);
    }
    for number in numbers {
        add(&number.to_bits().to_le_bytes());
    }
    format!("{hash:016x}")
}

/// Highest order of an expansion: beyond it factorials leave the range of f64, and no array has that many sensors.
const MAX_ORDER: usize = 30;

impl MaxwellParams {
    /// All of them as plain values; of calibration, cross-talk, positions and projections a fingerprint.
    pub fn to_json(&self) -> Value {
        let calibration = self.calibration.as_ref().map(|c| {
            let numbers = c.sensors.iter().flat_map(|s| s.loc.iter().chain(&s.imbalance));
            fingerprint(c.sensors.iter().map(|s| s.name.as_str()), numbers)
        });
        let cross_talk =
            self.cross_talk.as_ref().map(|c| fingerprint(c.ch_names.iter().map(String::as_str), c.decoupler.iter()));
        let head_pos = self.head_pos.as_ref().map(|positions| {
            let rows: Vec<f64> = positions.items.iter().flat_map(|item| item.to_row()).collect();
            fingerprint(std::iter::empty(), rows.iter())
        });
        let extended: Vec<String> = self
            .extended_proj
            .iter()
            .map(|proj| fingerprint(proj.names.iter().map(String::as_str), proj.data.iter()))
            .collect();
        json!({
            "origin": self.origin,
            "int_order": self.int_order,
            "ext_order": self.ext_order,
            "calibration": calibration,
            "cross_talk": cross_talk,
            "st_duration": self.st_duration,
            "st_correlation": self.st_correlation,
            "coord_frame": self.coord_frame,
            "destination": self.destination,
            "regularize": self.regularize,
            "ignore_ref": self.ignore_ref,
            "bad_condition": self.bad_condition,
            "head_pos": head_pos,
            "st_fixed": self.st_fixed,
            "st_only": self.st_only,
            "mag_scale": self.mag_scale,
            "skip_by_annotation": self.skip_by_annotation,
            "extended_proj": extended,
            "st_overlap": self.st_overlap,
            "mc_interp": self.mc_interp,
            "coil_definitions": self.coil_definitions,
        })
    }
    /// What can be checked without a recording.
    ///
    /// # Errors
    /// When a parameter makes no sense, or two do not go together.
    pub fn check(&self) -> Result<()> {
        for (name, order) in [("int_order", self.int_order), ("ext_order", self.ext_order)] {
            if order > MAX_ORDER {
                return Err(Error::parameter(name, format!("at most {MAX_ORDER}"), order));
            }
        }
        if let Origin::At(point) = self.origin
            && point.iter().any(|x| !x.is_finite())
        {
            return Err(Error::parameter("origin", "three finite numbers (m)", format!("{point:?}")));
        }
        if !(self.st_correlation > 0.0 && self.st_correlation <= 1.0) {
            return Err(Error::parameter("st_correlation", "0 < st_correlation <= 1", self.st_correlation));
        }
        if let Some(duration) = self.st_duration
            && !(duration > 0.0 && duration.is_finite())
        {
            return Err(Error::parameter("st_duration", "a positive number of seconds", duration));
        }
        if self.st_only && self.st_duration.is_none() {
            return Err(Error::parameter("st_duration", "a number of seconds, as st_only is set", "None"));
        }
        if self.coord_frame == OriginFrame::Meg {
            if self.destination != Destination::None {
                return Err(Error::parameter("destination", "None, unless coord_frame is \"head\"", "another"));
            }
            if self.head_pos.is_some() {
                return Err(Error::parameter("head_pos", "None, unless coord_frame is \"head\"", "positions"));
            }
        }
        if let MagScale::Factor(factor) = self.mag_scale
            && !(factor > 0.0 && factor.is_finite())
        {
            return Err(Error::parameter("mag_scale", "a positive number or \"auto\"", factor));
        }
        Ok(())
    }
}
