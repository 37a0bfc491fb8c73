//! Parameters of epochs: the names and defaults of `mne.Epochs`.

use bakusoku_core::ChannelType;
use serde::{Deserialize, Serialize};

/// Start and end of the baseline (s); an open end is the first or last time of the epoch.
pub type Baseline = (Option<f64>, Option<f64>);

/// What happens when several events fall on the same sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventRepeated {
    /// It is an error.
    #[default]
    Error,
    /// The first one stays.
    Drop,
    /// They become one event with a name and code of its own.
    Merge,
}

/// What happens when a condition has no event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMissing {
    /// It is an error.
    #[default]
    Raise,
    /// It is told.
    Warn,
    /// Nothing.
    Ignore,
}

/// The parameters of `mne.Epochs`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EpochsParams {
    /// Start, relative to the event (s).
    pub tmin: f64,
    /// End, relative to the event, included (s).
    pub tmax: f64,
    /// What is subtracted: the mean over this stretch.
    pub baseline: Option<Baseline>,
    /// Whether that mean is over the samples that decimation keeps, as in `Epochs.apply_baseline` afterwards, instead of
    /// all that are read, as in `mne.Epochs(baseline=…, decim=…)`.
    pub baseline_after_decim: bool,
    /// Largest range of values by channel type (SI units) of an epoch that is kept, in the order of the drop log.
    pub reject: Vec<(ChannelType, f64)>,
    /// Smallest range of values by channel type (SI units) of an epoch that is kept.
    pub flat: Vec<(ChannelType, f64)>,
    /// Start of the stretch that is looked at for rejection (s).
    pub reject_tmin: Option<f64>,
    /// End of the stretch that is looked at for rejection (s).
    pub reject_tmax: Option<f64>,
    /// 0: the mean is subtracted from data channels; 1: a straight line is.
    pub detrend: Option<u8>,
    /// Every how manieth sample is kept; time zero is always among them.
    pub decim: usize,
    /// Whether projectors are applied.
    pub proj: bool,
    /// What happens when several events fall on the same sample.
    pub event_repeated: EventRepeated,
    /// Whether epochs that touch an annotation starting with `bad` are dropped.
    pub reject_by_annotation: bool,
    /// What happens when a condition has no event.
    pub on_missing: OnMissing,
}

impl Default for EpochsParams {
    fn default() -> Self {
        Self {
            tmin: -0.2,
            tmax: 0.5,
            baseline: Some((None, Some(0.0))),
            baseline_after_decim: false,
            reject: Vec::new(),
            flat: Vec::new(),
            reject_tmin: None,
            reject_tmax: None,
            detrend: None,
            decim: 1,
            proj: true,
            event_repeated: EventRepeated::default(),
            reject_by_annotation: true,
            on_missing: OnMissing::default(),
        }
    }
}
