//! Parameters of FIR filters: MNE's names, defaults and checks.

use super::design::{Design, create_filter};
use bakusoku_core::{Error, Result};
use bakusoku_math::convolve::Fir;
use bakusoku_math::fir::convolve;
use bakusoku_math::pad::Pad;
use bakusoku_math::window::Window;
use serde::{Deserialize, Serialize};

/// Length of a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FilterLength {
    /// In samples; even numbers become odd.
    Samples(usize),
    /// `"auto"` (as long as the narrowest transition needs), or a time such as `"10s"` or `"5500ms"`.
    Text(String),
}

impl Default for FilterLength {
    fn default() -> Self {
        Self::Text("auto".to_owned())
    }
}

/// Width of a transition band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TransBandwidth {
    /// In Hz.
    Hz(f64),
    /// `"auto"`: a quarter of the edge, but at least 2 Hz, as far as there is room.
    Text(String),
}

impl Default for TransBandwidth {
    fn default() -> Self {
        Self::Text("auto".to_owned())
    }
}

/// Phase of the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// No delay.
    #[default]
    Zero,
    /// No delay, applied forwards and backwards.
    ZeroDouble,
    /// Delay of half the filter.
    Linear,
    /// Smallest delay; the gain is that of the zero-phase filter. Where the filter stops 0 Hz, its gain there is rounding
    /// alone, and so is the last part (1e-4) of what follows from its logarithm: in MNE as here.
    Minimum,
    /// Smallest delay, half as long a design; the gain is its square root.
    MinimumHalf,
}

/// Window of the design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirWindow {
    /// 0.0194 dB of ripple, 53 dB of attenuation.
    #[default]
    Hamming,
    /// 0.0546 dB of ripple, 44 dB of attenuation.
    Hann,
    /// 0.0017 dB of ripple, 74 dB of attenuation.
    Blackman,
}

impl FirWindow {
    /// Filter length times transition bandwidth (Ifeachor & Jervis, 2002).
    pub fn length_factor(self) -> f64 {
        match self {
            Self::Hamming => 3.3,
            Self::Hann => 3.1,
            Self::Blackman => 5.0,
        }
    }
    /// The window itself.
    pub fn window(self) -> Window {
        match self {
            Self::Hamming => Window::Hamming,
            Self::Hann => Window::Hann,
            Self::Blackman => Window::Blackman,
        }
    }
}

/// Parameters of `raw.filter` and `filter_data`, with MNE's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterParams {
    /// Lower edge of the pass band (Hz); none for a low-pass. Above `h_freq`: a band-stop between the two.
    pub l_freq: Option<f64>,
    /// Upper edge of the pass band (Hz); none for a high-pass.
    pub h_freq: Option<f64>,
    /// Channel types or names; the data channels by default. Arrays are filtered row by row, whatever this says.
    pub picks: Option<Vec<String>>,
    /// Length of the filter.
    pub filter_length: FilterLength,
    /// Width of the lower transition band.
    pub l_trans_bandwidth: TransBandwidth,
    /// Width of the upper transition band.
    pub h_trans_bandwidth: TransBandwidth,
    /// Phase.
    pub phase: Phase,
    /// Window of the design.
    pub fir_window: FirWindow,
    /// How a stretch goes on beyond its ends.
    #[serde(with = "crate::serde_str")]
    pub pad: Pad,
    /// Annotations that cut the recording into stretches, and pass unchanged.
    pub skip_by_annotation: Vec<String>,
}

impl Default for FilterParams {
    fn default() -> Self {
        Self {
            l_freq: None,
            h_freq: None,
            picks: None,
            filter_length: FilterLength::default(),
            l_trans_bandwidth: TransBandwidth::default(),
            h_trans_bandwidth: TransBandwidth::default(),
            phase: Phase::default(),
            fir_window: FirWindow::default(),
            pad: Pad::default(),
            skip_by_annotation: default_skip(),
        }
    }
}

/// MNE's default for `skip_by_annotation`.
pub(crate) fn default_skip() -> Vec<String> {
    vec!["edge".to_owned(), "bad_acq_skip".to_owned()]
}

impl FilterParams {
    /// A filter between two edges (Hz), with MNE's defaults.
    pub fn new(l_freq: Option<f64>, h_freq: Option<f64>) -> Self {
        Self { l_freq, h_freq, ..Self::default() }
    }
    /// The filter's taps (MNE's `create_filter`).
    ///
    /// # Errors
    /// When a parameter makes no sense at this sampling frequency.
    pub fn taps(&self, sfreq: f64) -> Result<Vec<f64>> {
        create_filter(
            sfreq,
            &Design {
                l_freq: self.l_freq.as_slice(),
                h_freq: self.h_freq.as_slice(),
                filter_length: &self.filter_length,
                l_trans_bandwidth: &self.l_trans_bandwidth,
                h_trans_bandwidth: &self.h_trans_bandwidth,
                phase: self.phase,
                fir_window: self.fir_window,
            },
        )
    }
    /// The filter, ready to be applied.
    ///
    /// # Errors
    /// As [`taps`](Self::taps).
    pub fn fir(&self, sfreq: f64) -> Result<Fir> {
        Ok(self.phase.apply(self.taps(sfreq)?, self.pad))
    }
}

impl Phase {
    /// Taps as they are applied.
    pub fn apply(self, taps: Vec<f64>, pad: Pad) -> Fir {
        let n_edge = taps.len() - 1;
        match self {
            Self::Zero => Fir { shift: n_edge / 2, taps, n_edge, pad },
            Self::ZeroDouble => {
                let reversed: Vec<f64> = taps.iter().rev().copied().collect();
                Fir { shift: n_edge, taps: convolve(&taps, &reversed), n_edge, pad }
            }
            Self::Linear | Self::Minimum | Self::MinimumHalf => Fir { shift: 0, taps, n_edge, pad },
        }
    }
}

/// Checks a sampling frequency.
pub(crate) fn check_sfreq(sfreq: f64) -> Result<()> {
    if sfreq > 0.0 && sfreq.is_finite() {
        return Ok(());
    }
    Err(Error::parameter("sfreq", "a positive number (Hz)", sfreq))
}
