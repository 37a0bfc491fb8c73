//! The pass band, from the amplifier's table in a header's comment.
//!
//! The recorder lists each channel's hardware filters, and below that its software filters, where they are on. Cutoffs are
//! frequencies (Hz) or time constants (s): f = 1 / (2π t) (Ebersole & Pedley (2003), p. 40). One value stands for all
//! channels: the weakest filter, as in MNE.

use std::f64::consts::PI;

/// Lower and upper edge (Hz), where the comment tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PassBand {
    pub(super) highpass: Option<f64>,
    pub(super) lowpass: Option<f64>,
}

/// A table: its heading, and where it stands.
struct Table {
    heading: usize,
    low: usize,
    high: usize,
    /// Whether rows have a channel's name.
    named: bool,
}

/// The pass band of the channels `names`; nothing where there is no table, or one that is not understood.
pub(super) fn pass_band(comment: &[String], names: &[&str], sfreq: f64) -> PassBand {
    let Some(table) = find_table(comment) else { return PassBand::default() };
    let read = || -> Option<PassBand> {
        let heading = &comment[table.heading];
        let columns = columns(heading);
        let (low, high) = (columns.get(table.low)?, columns.get(table.high)?);
        // Newer files give each channel its unit, in a column without a heading.
        let shift = usize::from(heading.contains("Resolution / Unit"));
        let mut cutoffs: [Vec<&str>; 2] = Default::default();
        for (row, name) in names.iter().enumerate() {
            let line = comment.get(table.heading + 1 + row)?;
            let more = if table.named { shift + name.split_whitespace().count().max(1) - 1 } else { 0 };
            if table.named && !line.contains(name) {
                return None;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            cutoffs[0].push(words.get(table.low + more)?);
            cutoffs[1].push(words.get(table.high + more)?);
        }
        let [lows, highs] = &cutoffs;
        Some(PassBand {
            highpass: weakest(lows, low.contains("[s]"), f64::min, 0.0),
            lowpass: weakest(highs, high.contains("[s]"), f64::max, f64::INFINITY)
                .map(|f| if f.is_finite() { f } else { sfreq / 2.0 }),
        })
    };
    read().unwrap_or_else(|| {
        tracing::warn!("the table of filters in the header's comment is not understood; they are taken as unknown");
        PassBand::default()
    })
}

fn find_table(comment: &[String]) -> Option<Table> {
    let below = |title: &str, second: &str| {
        let start = comment.iter().position(|line| line.trim_end() == title)?;
        let heading = comment[start + 1..].iter().position(|line| {
            let rest = line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_whitespace));
            rest.is_some_and(|rest| rest.trim_start().starts_with(second))
        })?;
        Some(start + 1 + heading)
    };
    if let Some(heading) = below("S o f t w a r e  F i l t e r s", "Low Cutoff") {
        tracing::warn!("software filters were on during the recording: their pass band is taken");
        return Some(Table { heading, low: 1, high: 2, named: false });
    }
    below("Channels", "Name").map(|heading| Table { heading, low: 4, high: 5, named: true })
}

/// Columns of a heading, which are two or more spaces apart.
fn columns(heading: &str) -> Vec<&str> {
    heading.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect()
}

/// The weakest of the cutoffs (Hz): `off` is the frequency that stands for none. `None` where all are unknown or off alike.
fn weakest(cutoffs: &[&str], seconds: bool, weaker: fn(f64, f64) -> f64, off: f64) -> Option<f64> {
    let frequency = |text: &str| -> Option<f64> {
        if matches!(text, "NaN" | "Off" | "DC" | "0") {
            return Some(off);
        }
        let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)?;
        Some(if seconds { 1.0 / (2.0 * PI * value) } else { value })
    };
    let first = *cutoffs.first()?;
    if cutoffs.iter().all(|cutoff| *cutoff == first) && matches!(first, "NaN" | "Off" | "0") {
        return None;
    }
    let all: Option<Vec<f64>> = cutoffs.iter().map(|text| frequency(text)).collect();
    let all = all?;
    let weakest = all.iter().copied().reduce(weaker)?;
    if all.iter().any(|f| *f != weakest) {
        tracing::warn!("channels have different filters; the weakest, {weakest:.2} Hz, is taken for all");
    }
    Some(weakest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(rows: &[&str], names: &[&str]) -> PassBand {
        let mut lines = vec!["Channels", "--------"];
        lines.extend(rows);
        pass_band(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), names, 1000.0)
    }

    #[test]
    fn time_constants_units_and_names_with_spaces() {
        let heading =
            "#     Name      Phys. Chn.    Resolution / Unit   Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]";
        let rows = [heading, "1     Fp1   1   0.5 µV   10   250   Off", "2   CP 6   2   0.5 µV   10   125   Off"];
        let found = band(&rows, &["Fp1", "CP 6"]);
        assert!((found.highpass.unwrap() - 1.0 / (20.0 * PI)).abs() < 1e-15);
        assert_eq!(found.lowpass, Some(250.0));
        let rows = [heading, "1     Fp1   1   0.5 µV   DC   Off   Off", "2   CP 6   2   0.5 µV   DC   Off   Off"];
        assert_eq!(band(&rows, &["Fp1", "CP 6"]), PassBand { highpass: Some(0.0), lowpass: None });
        let heading = "#     Name      Phys. Chn.    Resolution [µV]  Low Cutoff [Hz]   High Cutoff [Hz]   Notch [Hz]";
        let rows = [heading, "1     Fp1   1   0.5   0.1   250   Off", "2   Fz   2   0.5   1   Off   Off"];
        assert_eq!(band(&rows, &["Fp1", "Fz"]), PassBand { highpass: Some(0.1), lowpass: Some(500.0) });
        assert_eq!(band(&rows[..2], &["Fp1", "Fz"]), PassBand::default());
        assert_eq!(band(&[], &["Fp1"]), PassBand::default());
    }
}
