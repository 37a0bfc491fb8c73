//! Amounts of memory and disk: [`Bytes`] with units that people write, and [`Need`], what a task asks for.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use crate::PoolError;

/// A number of bytes. Arithmetic saturates; nothing wraps.
///
/// Shown in decimal units (`1.5 GB`), read in decimal (`8GB`, `8 G`, `500M`) or binary (`8GiB`) ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Debug)]
pub struct Bytes(pub u64);

impl Bytes {
    /// None.
    pub const ZERO: Bytes = Bytes(0);
    /// No limit.
    pub const MAX: Bytes = Bytes(u64::MAX);

    /// The bytes of `n` values of type `T`.
    pub const fn of<T>(n: u64) -> Bytes {
        Bytes(n.saturating_mul(size_of::<T>() as u64))
    }

    /// `self × factor`, saturating; a factor below zero or NaN counts as zero.
    pub fn scale(self, factor: f64) -> Bytes {
        Bytes((self.0 as f64 * factor) as u64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1000 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut value = self.0 as f64;
        let mut unit = "B";
        for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
            // 999.95 would be shown as `1000.0`.
            if value < 999.95 {
                break;
            }
            value /= 1000.0;
            unit = next;
        }
        f.pad(&format!("{value:.1} {unit}"))
    }
}

impl FromStr for Bytes {
    type Err = PoolError;

    fn from_str(text: &str) -> Result<Bytes, PoolError> {
        let wrong = || PoolError::NotBytes { given: text.to_owned() };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "t" | "tb" => 1e12,
            "ki" | "kib" => 1024.0,
            "mi" | "mib" => 1024f64.powi(2),
            "gi" | "gib" => 1024f64.powi(3),
            "ti" | "tib" => 1024f64.powi(4),
            _ => return Err(wrong()),
        };
        let bytes = number * factor;
        if bytes.is_finite() && bytes < u64::MAX as f64 { Ok(Bytes(bytes.round() as u64)) } else { Err(wrong()) }
    }
}

impl Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Bytes;
    fn sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Bytes {
    type Output = Bytes;
    fn mul(self, n: u64) -> Bytes {
        Bytes(self.0.saturating_mul(n))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        iter.fold(Bytes::ZERO, Add::add)
    }
}

/// What a task will hold at its peak: asked before it runs, kept for it while it runs.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Need {
    /// Working memory.
    pub memory: Bytes,
    /// Spill files and temporary outputs.
    pub disk: Bytes,
}

impl Need {
    /// No limit.
    pub const MAX: Need = Need { memory: Bytes::MAX, disk: Bytes::MAX };

    /// Memory only.
    pub const fn memory(memory: Bytes) -> Need {
        Need { memory, disk: Bytes::ZERO }
    }

    /// Whether `self` is no more than `other` in both respects.
    pub fn fits(self, other: Need) -> bool {
        self.memory <= other.memory && self.disk <= other.disk
    }

    /// The larger of each: for work that runs one after another.
    pub fn max(self, other: Need) -> Need {
        Need { memory: self.memory.max(other.memory), disk: self.disk.max(other.disk) }
    }
}

impl Add for Need {
    type Output = Need;
    fn add(self, other: Need) -> Need {
        Need { memory: self.memory + other.memory, disk: self.disk + other.disk }
    }
}

impl Sub for Need {
    type Output = Need;
    fn sub(self, other: Need) -> Need {
        Need { memory: self.memory - other.memory, disk: self.disk - other.disk }
    }
}

impl AddAssign for Need {
    fn add_assign(&mut self, other: Need) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_and_read_in_units() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (1_500_000_000, "1.5 GB"), (999_960_000, "1.0 GB")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        for (text, bytes) in
            [("8GB", 8_000_000_000), (" 8 g ", 8_000_000_000), ("1.5kB", 1500), ("2GiB", 2 << 30), ("17", 17)]
        {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "GB", "-1", "8 apples", "1e30", "99999999999999999999"] {
            let error = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("8GB"), "{error}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Bytes(1) - Bytes(2), Bytes::ZERO);
        assert_eq!(Bytes::MAX + Bytes(1), Bytes::MAX);
        assert_eq!(Bytes::of::<f64>(u64::MAX), Bytes::MAX);
        assert!(Need::memory(Bytes(5)).fits(Need::memory(Bytes(5))));
        assert!(!Need { memory: Bytes(1), disk: Bytes(9) }.fits(Need { memory: Bytes(9), disk: Bytes(8) }));
    }
}
