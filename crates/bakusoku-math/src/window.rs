//! Window functions, as in SciPy's `signal.windows`.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A window by its SciPy name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// All ones.
    Boxcar,
    /// Hann.
    Hann,
    /// Hamming.
    Hamming,
    /// Blackman.
    Blackman,
    /// Minimum four-term Blackman-Harris.
    BlackmanHarris,
    /// Minimum four-term Blackman-Harris according to Nuttall.
    Nuttall,
    /// Flat top.
    Flattop,
    /// Half a period of a sine.
    Cosine,
    /// Triangle that ends in zeros.
    Bartlett,
    /// Kaiser, with its beta.
    Kaiser(f64),
}

impl Window {
    /// The window's samples: symmetric (to design filters), or periodic (to look at spectra; SciPy's `fftbins`).
    pub fn samples(self, n: usize, periodic: bool) -> Vec<f64> {
        if n <= 1 {
            return vec![1.0; n];
        }
        let m = if periodic { n + 1 } else { n };
        let last = (m - 1) as f64;
        let cosines = |terms: &[f64]| -> Vec<f64> {
            (0..n)
                .map(|i| {
                    let angle = -PI + 2.0 * PI * i as f64 / last;
                    terms.iter().enumerate().map(|(k, a)| a * (k as f64 * angle).cos()).sum()
                })
                .collect()
        };
        match self {
            Self::Boxcar => vec![1.0; n],
            Self::Hann => cosines(&[0.5, 0.5]),
            Self::Hamming => cosines(&[0.54, 1.0 - 0.54]),
            Self::Blackman => cosines(&[0.42, 0.50, 0.08]),
            Self::BlackmanHarris => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
            Self::Nuttall => cosines(&[0.3635819, 0.4891775, 0.1365995, 0.0106411]),
            Self::Flattop => cosines(&[0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368]),
            Self::Cosine => (0..n).map(|i| (PI / m as f64 * (i as f64 + 0.5)).sin()).collect(),
            Self::Bartlett => (0..n)
                .map(|i| {
                    let x = 2.0 * i as f64 / last;
                    if x <= 1.0 { x } else { 2.0 - x }
                })
                .collect(),
            Self::Kaiser(beta) => {
                let alpha = last / 2.0;
                (0..n)
                    .map(|i| {
                        let x = (i as f64 - alpha) / alpha;
                        bessel_i0(beta * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(beta)
                    })
                    .collect()
            }
        }
    }
}

/// Modified Bessel function of the first kind and order 0, by its power series (all terms are positive).
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// A window name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown window `{0}`, expected boxcar, hann, hamming, blackman, blackmanharris, nuttall, flattop, cosine, bartlett \
     or kaiser(beta)"
)]
pub struct UnknownWindow(pub String);

impl FromStr for Window {
    type Err = UnknownWindow;
    fn from_str(name: &str) -> Result<Self, UnknownWindow> {
        Ok(match name {
            "boxcar" | "box" | "ones" | "rect" | "rectangular" => Self::Boxcar,
            "hann" | "han" => Self::Hann,
            "hamming" | "hamm" | "ham" => Self::Hamming,
            "blackman" | "black" | "blk" => Self::Blackman,
            "blackmanharris" | "blackharr" | "bkh" => Self::BlackmanHarris,
            "nuttall" | "nutl" | "nut" => Self::Nuttall,
            "flattop" | "flat" | "flt" => Self::Flattop,
            "cosine" | "halfcosine" => Self::Cosine,
            "bartlett" | "bart" | "brt" => Self::Bartlett,
            other => {
                let beta = other.strip_prefix("kaiser(").and_then(|rest| rest.strip_suffix(')'));
                match beta.and_then(|beta| beta.trim().parse().ok()) {
                    Some(beta) => Self::Kaiser(beta),
                    None => return Err(UnknownWindow(other.to_owned())),
                }
            }
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boxcar => "boxcar",
            Self::Hann => "hann",
            Self::Hamming => "hamming",
            Self::Blackman => "blackman",
            Self::BlackmanHarris => "blackmanharris",
            Self::Nuttall => "nuttall",
            Self::Flattop => "flattop",
            Self::Cosine => "cosine",
            Self::Bartlett => "bartlett",
            Self::Kaiser(beta) => return write!(f, "kaiser({beta})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17: `get_window(name, 5, fftbins)`.
    #[test]
    fn windows_are_those_of_scipy() {
        let close = |window: Window, periodic, expected: &[f64]| {
            let got = window.samples(expected.len(), periodic);
            assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{window} {got:?}");
        };
        close(Window::Hamming, false, &[0.08, 0.54, 1.0, 0.54, 0.08]);
        close(
            Window::Hann,
            true,
            &[0.0, 0.34549150281252633, 0.9045084971874737, 0.9045084971874737, 0.34549150281252633],
        );
        close(Window::Blackman, false, &[0.0, 0.34, 1.0, 0.34, 0.0]);
        close(
            Window::Kaiser(5.0),
            false,
            &[0.036710892271286676, 0.5528517696991324, 1.0, 0.5528517696991324, 0.036710892271286676],
        );
    }

    #[test]
    fn names_round_trip() {
        for window in [Window::Boxcar, Window::Hamming, Window::Kaiser(5.5), Window::Nuttall] {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        assert!("hammer".parse::<Window>().is_err());
    }
}
