//! Parameters of Welch's method: MNE's names, defaults and checks.

use bakusoku_core::{Error, Result};
use bakusoku_math::window::Window;
use serde::{Deserialize, Serialize};

/// How segments become one spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Average {
    /// Their mean.
    #[default]
    Mean,
    /// Their median, corrected for its bias.
    Median,
}

/// Parameters of `psd_array_welch` and `raw.compute_psd`, with MNE's defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WelchParams {
    /// Lowest frequency (Hz).
    pub fmin: f64,
    /// Highest frequency (Hz); none: Nyquist.
    pub fmax: Option<f64>,
    /// Length of the transform. By default 256 for arrays; 2048, or the whole where it is shorter, for recordings.
    pub n_fft: Option<usize>,
    /// Samples that neighbouring segments share.
    pub n_overlap: usize,
    /// Length of a segment (samples), zero-padded to `n_fft`; `n_fft` by default.
    pub n_per_seg: Option<usize>,
    /// Mean or median over segments.
    pub average: Average,
    /// Window.
    #[serde(with = "crate::serde_str")]
    pub window: Window,
    /// Whether each segment's mean is taken off.
    pub remove_dc: bool,
    /// Channel types or names; the data channels by default. Of arrays every row is taken, whatever this says.
    pub picks: Option<Vec<String>>,
    /// Whether stretches annotated as bad are left out (of recordings).
    pub reject_by_annotation: bool,
}

impl Default for WelchParams {
    fn default() -> Self {
        Self {
            fmin: 0.0,
            fmax: None,
            n_fft: None,
            n_overlap: 0,
            n_per_seg: None,
            average: Average::default(),
            window: Window::Hamming,
            remove_dc: true,
            picks: None,
            reject_by_annotation: true,
        }
    }
}

/// Lengths after MNE's checks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) n_fft: usize,
    pub(super) n_per_seg: usize,
    pub(super) step: usize,
}

/// Longest transform, for series that are shorter.
const MAX_FFT: usize = 1 << 24;

impl WelchParams {
    /// Lengths for rows of `n_times` samples; `default_n_fft` where none was given.
    pub(super) fn lengths(&self, n_times: usize, default_n_fft: usize) -> Result<Lengths> {
        let n_fft = self.n_fft.unwrap_or(default_n_fft);
        let most = MAX_FFT.max(n_times);
        if n_fft == 0 || n_fft > most {
            return Err(Error::parameter("n_fft", format!("from 1 to {most}"), n_fft));
        }
        if self.n_per_seg.is_none() && n_fft > n_times {
            let expected = format!("at most the number of samples ({n_times}), or `n_per_seg` given for zero-padding");
            return Err(Error::parameter("n_fft", expected, n_fft));
        }
        let n_per_seg = self.n_per_seg.unwrap_or(n_fft).min(n_fft).min(n_times);
        if n_per_seg == 0 {
            return Err(Error::parameter("n_per_seg", "at least 1", n_per_seg));
        }
        if self.n_overlap >= n_per_seg {
            return Err(Error::parameter("n_overlap", format!("below n_per_seg ({n_per_seg})"), self.n_overlap));
        }
        Ok(Lengths { n_fft, n_per_seg, step: n_per_seg - self.n_overlap })
    }
    /// The bins between `fmin` and `fmax`, first and one past the last.
    pub(super) fn bins(&self, n_fft: usize, sfreq: f64) -> Result<std::ops::Range<usize>> {
        crate::filter::check_sfreq(sfreq)?;
        let fmax = self.fmax.unwrap_or(f64::INFINITY);
        let inside = |k: &usize| (self.fmin..=fmax).contains(&(*k as f64 * (sfreq / n_fft as f64)));
        let n_bins = n_fft / 2 + 1;
        match (0..n_bins).find(inside).zip((0..n_bins).rfind(inside)) {
            Some((first, last)) => Ok(first..last + 1),
            None => {
                let expected = format!("such that frequencies lie between it and fmax ({fmax} Hz)");
                Err(Error::parameter("fmin", expected, self.fmin))
            }
        }
    }
}
