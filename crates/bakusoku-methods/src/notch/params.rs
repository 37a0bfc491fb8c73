//! Parameters of the notch filter: MNE's names, defaults and checks.

use crate::filter::{Design, FilterLength, FirWindow, Phase, TransBandwidth, create_filter};
use bakusoku_core::{Error, Result};
use bakusoku_math::convolve::Fir;
use bakusoku_math::pad::Pad;
use serde::{Deserialize, Serialize};

/// Parameters of `raw.notch_filter` and `notch_filter`, with MNE's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotchParams {
    /// Frequencies to take out (Hz).
    pub freqs: Vec<f64>,
    /// Channel types or names; the data channels by default. Arrays are filtered row by row, whatever this says.
    pub picks: Option<Vec<String>>,
    /// Length of the filter.
    pub filter_length: FilterLength,
    /// Width of each stop band (Hz), or one for all; `freqs / 200` by default.
    pub notch_widths: Option<Vec<f64>>,
    /// Width of the transitions (Hz), both sides together.
    pub trans_bandwidth: f64,
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

impl Default for NotchParams {
    fn default() -> Self {
        Self {
            freqs: Vec::new(),
            picks: None,
            filter_length: FilterLength::default(),
            notch_widths: None,
            trans_bandwidth: 1.0,
            phase: Phase::default(),
            fir_window: FirWindow::default(),
            pad: Pad::default(),
            skip_by_annotation: crate::filter::default_skip(),
        }
    }
}

impl NotchParams {
    /// Notches at these frequencies (Hz), with MNE's defaults.
    pub fn new(freqs: impl Into<Vec<f64>>) -> Self {
        Self { freqs: freqs.into(), ..Self::default() }
    }
    /// The filter's taps.
    ///
    /// # Errors
    /// When a parameter makes no sense at this sampling frequency.
    pub fn taps(&self, sfreq: f64) -> Result<Vec<f64>> {
        let freqs = &self.freqs;
        if freqs.is_empty() {
            return Err(Error::parameter("freqs", "at least one frequency (Hz)", "none"));
        }
        let widths = match self.notch_widths.as_deref() {
            None => freqs.iter().map(|freq| freq / 200.0).collect(),
            Some(widths) if widths.iter().any(|&width| width < 0.0 || width.is_nan()) => {
                return Err(Error::parameter("notch_widths", "0 or more (Hz)", format!("{widths:?}")));
            }
            Some(&[width]) => vec![width; freqs.len()],
            Some(widths) if widths.len() == freqs.len() => widths.to_vec(),
            Some(widths) => {
                let expected = format!("one width, or as many as freqs ({})", freqs.len());
                return Err(Error::parameter("notch_widths", expected, widths.len()));
            }
        };
        if self.trans_bandwidth.is_nan() || self.trans_bandwidth <= 0.0 {
            return Err(Error::parameter("trans_bandwidth", "positive (Hz)", self.trans_bandwidth));
        }
        let half = self.trans_bandwidth / 2.0;
        let edges = |sign: f64| -> Vec<f64> {
            freqs.iter().zip(&widths).map(|(freq, width)| freq + sign * (width / 2.0) + sign * half).collect()
        };
        let width = TransBandwidth::Hz(half);
        let designed = create_filter(
            sfreq,
            &Design {
                l_freq: &edges(1.0),
                h_freq: &edges(-1.0),
                filter_length: &self.filter_length,
                l_trans_bandwidth: &width,
                h_trans_bandwidth: &width,
                phase: self.phase,
                fir_window: self.fir_window,
            },
        );
        // The bands' ends are not what the user gave.
        designed.map_err(|error| match error {
            Error::Parameter { name: "l_freq" | "h_freq", expected, got } => {
                let expected = format!("such that each band, transitions included, is {expected}");
                Error::Parameter { name: "freqs", expected, got: format!("a band that ends at {got} Hz") }
            }
            Error::Parameter { name: "l_trans_bandwidth" | "h_trans_bandwidth", expected, got } => {
                Error::Parameter { name: "trans_bandwidth", expected, got }
            }
            other => other,
        })
    }
    /// The filter, ready to be applied.
    ///
    /// # Errors
    /// As [`taps`](Self::taps).
    pub fn fir(&self, sfreq: f64) -> Result<Fir> {
        Ok(self.phase.apply(self.taps(sfreq)?, self.pad))
    }
}
