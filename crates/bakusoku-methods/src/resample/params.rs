//! Parameters of resampling: MNE's names, defaults and checks.

use bakusoku_core::{Error, Result};
use bakusoku_math::pad::Pad;
use bakusoku_math::window::Window;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a row is resampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResampleMethod {
    /// By a Fourier transform over the whole row.
    #[default]
    Fft,
    /// By a polyphase filter.
    Polyphase,
}

/// Samples added at each end before the Fourier transform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Npad {
    /// So many.
    Samples(usize),
    /// `"auto"`: to the next power of two.
    Text(String),
}

impl Default for Npad {
    fn default() -> Self {
        Self::Text("auto".to_owned())
    }
}

/// The window in the frequency domain (FFT) or of the filter (polyphase).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ResampleWindow {
    /// `"auto"`: boxcar for the FFT, Kaiser with beta 5 for polyphase.
    #[default]
    Auto,
    /// This one.
    Named(Window),
}

impl fmt::Display for ResampleWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(window) => window.fmt(f),
        }
    }
}

impl FromStr for ResampleWindow {
    type Err = bakusoku_math::window::UnknownWindow;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "auto" { Ok(Self::Auto) } else { name.parse().map(Self::Named) }
    }
}

/// Longest padded row, before or after: 12 days at 1000 Hz, 8 GiB.
const MAX_SAMPLES: f64 = (1u64 << 30) as f64;

/// How rows are resampled, whatever the frequencies; the defaults are those of MNE's function `resample`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampling {
    /// Samples added at each end (FFT only).
    pub npad: Npad,
    /// Window.
    pub window: ResampleWindow,
    /// How a row goes on beyond its ends: `"auto"` is `"reflect_limited"` for the FFT and `"reflect"` for polyphase, where
    /// it is SciPy's even reflection.
    pub pad: String,
    /// FFT or polyphase.
    pub method: ResampleMethod,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            npad: Npad::Samples(100),
            window: ResampleWindow::Auto,
            pad: "auto".to_owned(),
            method: ResampleMethod::Fft,
        }
    }
}

impl Resampling {
    pub(super) fn fft_pad(&self) -> Result<Pad> {
        match self.pad.as_str() {
            "auto" => Ok(Pad::ReflectLimited),
            name => name.parse().map_err(|_| {
                let names: Vec<&str> = Pad::ALL.iter().map(|pad| pad.name()).collect();
                Error::parameter("pad", format!("auto, {}", names.join(", ")), format!("`{name}`"))
            }),
        }
    }
    /// Checks everything that [`Resampler::new`](super::Resampler::new) would, without its tables.
    pub(super) fn check(&self, n: usize, up: f64, down: f64) -> Result<()> {
        for (name, value) in [("up", up), ("down", down)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::parameter(name, "a positive number", value));
            }
        }
        if let Npad::Text(text) = &self.npad
            && text != "auto"
        {
            return Err(Error::parameter("npad", "a number of samples or \"auto\"", format!("\"{text}\"")));
        }
        let padding = if let Npad::Samples(n_pad) = self.npad { n_pad as f64 } else { n as f64 };
        let longest = (n as f64 + 2.0 * padding) * (up / down).max(1.0);
        if longest > MAX_SAMPLES {
            return Err(Error::parameter("up", format!("such that at most {MAX_SAMPLES:e} samples come out"), longest));
        }
        match self.method {
            ResampleMethod::Fft => self.fft_pad().map(|_| ()),
            ResampleMethod::Polyphase => super::polyphase::check(&self.pad, n, up / down),
        }
    }
}

/// Parameters of `raw.resample`, with MNE's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResampleParams {
    /// New sampling frequency (Hz).
    pub sfreq: f64,
    /// Samples added at each end (FFT only).
    pub npad: Npad,
    /// Window.
    #[serde(with = "crate::serde_str")]
    pub window: ResampleWindow,
    /// Types or names of channels that hold codes; the stimulus channels by default.
    pub stim_picks: Option<Vec<String>>,
    /// How a row goes on beyond its ends; see [`Resampling::pad`].
    pub pad: String,
    /// FFT or polyphase.
    pub method: ResampleMethod,
}

impl Default for ResampleParams {
    fn default() -> Self {
        let Resampling { window, pad, method, .. } = Resampling::default();
        Self { sfreq: 0.0, npad: Npad::default(), window, stim_picks: None, pad, method }
    }
}

impl ResampleParams {
    /// To this frequency (Hz), with MNE's defaults.
    pub fn new(sfreq: f64) -> Self {
        Self { sfreq, ..Self::default() }
    }
    /// How rows are resampled.
    pub fn resampling(&self) -> Resampling {
        Resampling { npad: self.npad.clone(), window: self.window, pad: self.pad.clone(), method: self.method }
    }
    pub(super) fn check(&self) -> Result<()> {
        crate::filter::check_sfreq(self.sfreq)
    }
}
