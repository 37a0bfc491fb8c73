//! How a series goes on beyond its ends (MNE's `pad`, NumPy's modes).

use std::fmt;
use std::str::FromStr;

/// How a series goes on beyond its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pad {
    /// Odd reflection of at most n - 1 samples, then zeros (MNE's default).
    #[default]
    ReflectLimited,
    /// Odd reflection, again and again.
    Reflect,
    /// Even reflection that repeats the last sample.
    Symmetric,
    /// The last sample.
    Edge,
    /// Periodic.
    Wrap,
    /// Zeros.
    Constant,
    /// The mean of the series.
    Mean,
    /// The median of the series.
    Median,
    /// The smallest sample.
    Minimum,
    /// The largest sample.
    Maximum,
}

impl Pad {
    /// Every mode.
    pub const ALL: [Self; 10] = [
        Self::ReflectLimited,
        Self::Reflect,
        Self::Symmetric,
        Self::Edge,
        Self::Wrap,
        Self::Constant,
        Self::Mean,
        Self::Median,
        Self::Minimum,
        Self::Maximum,
    ];
    /// MNE's and NumPy's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReflectLimited => "reflect_limited",
            Self::Reflect => "reflect",
            Self::Symmetric => "symmetric",
            Self::Edge => "edge",
            Self::Wrap => "wrap",
            Self::Constant => "constant",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
        }
    }
    /// Whether the samples beyond an end follow from as many samples before that end.
    pub fn is_local(self) -> bool {
        matches!(self, Self::ReflectLimited | Self::Reflect | Self::Symmetric | Self::Edge | Self::Constant)
    }
    /// The samples before the first one, in order of time: `out` ends where `x` begins.
    pub fn left(self, x: &[f64], out: &mut [f64]) {
        let n_pad = out.len();
        self.extend(x, n_pad, |k| k, |k, value| out[n_pad - k] = value);
    }
    /// The samples after the last one.
    pub fn right(self, x: &[f64], out: &mut [f64]) {
        let last = x.len() - 1;
        self.extend(x, out.len(), |k| last - k, |k, value| out[k - 1] = value);
    }
    /// Calls `put` with the distance from the end (1 to `n_pad`) and the sample there; `at` numbers the series from that end.
    fn extend(self, x: &[f64], n_pad: usize, at: impl Fn(usize) -> usize, mut put: impl FnMut(usize, f64)) {
        let n = x.len();
        let end = x[at(0)];
        let mut fill = |value: f64| (1..=n_pad).for_each(|k| put(k, value));
        match self {
            Self::Constant => fill(0.0),
            Self::Edge => fill(end),
            Self::Mean => fill(x.iter().sum::<f64>() / n as f64),
            Self::Median => {
                let mut sorted = x.to_vec();
                sorted.sort_by(f64::total_cmp);
                fill((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0);
            }
            Self::Minimum => fill(x.iter().copied().fold(f64::INFINITY, f64::min)),
            Self::Maximum => fill(x.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            Self::Reflect if n == 1 => fill(end),
            Self::ReflectLimited => {
                let reflected = n_pad.min(n - 1);
                (1..=reflected).for_each(|k| put(k, 2.0 * end - x[at(k)]));
                (reflected + 1..=n_pad).for_each(|k| put(k, 0.0));
            }
            // Point symmetry about both ends: f(t + 2m) = f(t) + 2 (f(m) - f(0)).
            Self::Reflect => {
                let (m, far) = (n - 1, x[at(n - 1)]);
                for k in 1..=n_pad {
                    let (turns, rest) = (k / m, k % m);
                    let inside = match turns % 2 {
                        0 => x[at(rest)] + turns as f64 * (far - end),
                        _ => 2.0 * far - x[at(m - rest)] + (turns - 1) as f64 * (far - end),
                    };
                    put(k, 2.0 * end - inside);
                }
            }
            Self::Symmetric => {
                for k in 1..=n_pad {
                    let (turns, rest) = ((k - 1) / n, (k - 1) % n);
                    put(k, x[at(if turns % 2 == 0 { rest } else { n - 1 - rest })]);
                }
            }
            Self::Wrap => (1..=n_pad).for_each(|k| put(k, x[at(n - 1 - (k - 1) % n)])),
        }
    }
}

/// A padding mode that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown padding `{0}`, expected reflect_limited, reflect, symmetric, edge, wrap, constant, mean, median, minimum or \
     maximum"
)]
pub struct UnknownPad(pub String);

impl FromStr for Pad {
    type Err = UnknownPad;
    fn from_str(name: &str) -> Result<Self, UnknownPad> {
        Self::ALL.into_iter().find(|pad| pad.name() == name).ok_or_else(|| UnknownPad(name.to_owned()))
    }
}

impl fmt::Display for Pad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(pad: Pad, x: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut left, mut right) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        pad.left(x, &mut left);
        pad.right(x, &mut right);
        (left, right)
    }

    /// `numpy.pad([1, 2, 4], 5, ...)`, and MNE's `_smart_pad`.
    #[test]
    fn modes_are_those_of_numpy() {
        let x = [1.0, 2.0, 4.0];
        let cases: [(Pad, [f64; 5], [f64; 5]); 6] = [
            (Pad::ReflectLimited, [0.0, 0.0, 0.0, -2.0, 0.0], [6.0, 7.0, 0.0, 0.0, 0.0]),
            (Pad::Reflect, [-6.0, -5.0, -4.0, -2.0, 0.0], [6.0, 7.0, 8.0, 10.0, 12.0]),
            (Pad::Symmetric, [2.0, 4.0, 4.0, 2.0, 1.0], [4.0, 2.0, 1.0, 1.0, 2.0]),
            (Pad::Edge, [1.0; 5], [4.0; 5]),
            (Pad::Wrap, [2.0, 4.0, 1.0, 2.0, 4.0], [1.0, 2.0, 4.0, 1.0, 2.0]),
            (Pad::Median, [2.0; 5], [2.0; 5]),
        ];
        for (pad, left, right) in cases {
            assert_eq!(padded(pad, &x, 5), (left.to_vec(), right.to_vec()), "{pad}");
        }
        assert_eq!(padded(Pad::Reflect, &[3.0], 2), (vec![3.0; 2], vec![3.0; 2]));
    }
}
