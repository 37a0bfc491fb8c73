//! Fine-calibration files (`.dat`): a line a sensor, `name x y z ex(3) ey(3) ez(3) imbalance(1 or 3)`.

use super::text;
use crate::{Error, Result};
use bakusoku_core::{FineCalibration, SensorCalibration};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Reads a fine-calibration file. Names of three or four digits become `MEG0113`, as MNE makes them.
///
/// # Errors
/// When it can't be read, or a line is not what such a file has.
pub fn read_fine_calibration(path: impl AsRef<Path>) -> Result<FineCalibration> {
    let path = path.as_ref();
    let text = text::read(path, "a fine calibration")?;
    let mut sensors: Vec<SensorCalibration> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (line, content) in text::lines(&text) {
        let words: Vec<&str> = content.split_whitespace().collect();
        let wrong = |expected: &str, got: String| Error::Line {
            path: path.to_owned(),
            line,
            expected: expected.to_owned(),
            got,
        };
        if words.len() != 14 && words.len() != 16 {
            let expected = "14 or 16 entries (name, position, three unit vectors, 1 or 3 imbalances)";
            return Err(wrong(expected, format!("{}: `{}`", words.len(), text::shorten(content))));
        }
        let values = words[1..].iter().map(|word| text::number(path, line, word)).collect::<Result<Vec<f64>>>()?;
        let name = name(words[0]);
        if let Some(before) = seen.insert(name.clone(), line) {
            return Err(wrong("each channel once", format!("`{name}`, which line {before} has already")));
        }
        sensors.push(SensorCalibration {
            name,
            loc: std::array::from_fn(|i| values[i]),
            imbalance: values[12..].to_vec(),
        });
    }
    if sensors.is_empty() {
        let expected = "a fine calibration, a line a sensor".to_owned();
        return Err(Error::Content { path: path.to_owned(), expected, got: "no line".to_owned() });
    }
    Ok(FineCalibration { sensors })
}

/// As MNE: three or four digits are the number of a Neuromag channel.
fn name(word: &str) -> String {
    match word.parse::<u32>() {
        Ok(number) if word.len() == 3 || word.len() == 4 => format!("MEG{number:04}"),
        _ => word.to_owned(),
    }
}

/// Writes a fine-calibration file, six decimals a number.
///
/// # Errors
/// When it can't be written.
pub fn write_fine_calibration(path: impl AsRef<Path>, calibration: &FineCalibration) -> Result<()> {
    let mut out = String::new();
    for sensor in &calibration.sensors {
        // MaxFilter expects bare numbers.
        let digits = sensor.name.strip_prefix("MEG").filter(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse::<u32>().ok()) {
            Some(number) => _ = write!(out, "{number}"),
            None => out += &sensor.name,
        }
        for value in sensor.loc.iter().chain(&sensor.imbalance) {
            // As numpy rounds.
            let rounded = (value * 1e6).round_ties_even() / 1e6;
            _ = write!(out, " {rounded:.6}");
        }
        out.push('\n');
    }
    text::write(path.as_ref(), &out)
}
