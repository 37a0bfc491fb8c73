//! `electrodes.tsv` and `coordsystem.json`: where electrodes are.

use super::read_json;
use crate::{Result, Tsv};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How a coordinate system lies to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFrame {
    /// x through the right ear, y through the nasion, as MNE's head frame (CapTrak, ElektaNeuromag, ChietiItab).
    Head,
    /// x to the nasion, y to the left ear (CTF, 4DBti, KitYokogawa, EEGLAB, EEGLAB-HJ).
    Ctf,
    /// Any other, such as one of an MRI or a template.
    Other,
}

/// What an `electrodes.tsv` and its `coordsystem.json` say.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectrodesTable {
    /// The table.
    pub path: PathBuf,
    /// The coordinate system, as written.
    pub space: String,
    /// How it lies to the head.
    pub frame: HeadFrame,
    /// Name and position (m) of each electrode, where it has one.
    pub rows: Vec<(String, Option<[f64; 3]>)>,
    /// Left ear, nasion and right ear (m), if all three are given in that system.
    pub landmarks: Option<[[f64; 3]; 3]>,
    /// What is worth a remark.
    pub remarks: Vec<String>,
}

fn frame(space: &str) -> HeadFrame {
    match space {
        "CapTrak" | "ElektaNeuromag" | "ChietiItab" => HeadFrame::Head,
        "CTF" | "4DBti" | "KitYokogawa" | "EEGLAB" | "EEGLAB-HJ" => HeadFrame::Ctf,
        _ => HeadFrame::Other,
    }
}

/// How many metres a unit is.
fn unit(name: &str) -> Option<f64> {
    match name {
        "m" => Some(1.0),
        "cm" => Some(0.01),
        "mm" => Some(0.001),
        _ => None,
    }
}

/// The unit of numbers of that size, as mne-bids guesses it where the file does not say it.
fn guessed(largest: f64) -> (&'static str, f64) {
    match largest {
        x if x < 1.0 => ("m", 1.0),
        x if x < 100.0 => ("cm", 0.01),
        _ => ("mm", 0.001),
    }
}

/// Reads where electrodes are.
///
/// # Errors
/// When a file can't be read or is not such a file.
pub fn read_electrodes(electrodes: &Path, coordsystem: &Path) -> Result<ElectrodesTable> {
    let tsv = Tsv::read(electrodes)?;
    let name = tsv.require("name")?;
    let axes = [tsv.require("x")?, tsv.require("y")?, tsv.require("z")?];
    let json = read_json(coordsystem)?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let of_electrodes = |end: &str| {
        ["EEG", "iEEG", "MEG"].iter().map(|kind| text(&format!("{kind}Coordinate{end}"))).find(|said| !said.is_empty())
    };
    let space = of_electrodes("System").unwrap_or_default();
    let mut remarks: Vec<String> = tsv.remark().into_iter().collect();
    let mut rows: Vec<(String, Option<[f64; 3]>)> = Vec::new();
    for (line, row) in &tsv.rows {
        let mut r = [f64::NAN; 3];
        for ((x, column), axis) in r.iter_mut().zip(axes).zip(["x", "y", "z"]) {
            if !row[column].is_empty() && row[column] != "n/a" {
                *x = tsv.number(*line, axis, &row[column])?.unwrap_or(f64::NAN);
            }
        }
        rows.push((row[name].clone(), Some(r).filter(|r| r.iter().all(|x| x.is_finite()))));
    }
    let said = of_electrodes("Units").unwrap_or_default();
    let scale = unit(&said).unwrap_or_else(|| {
        let largest = rows.iter().filter_map(|(_, r)| *r).flatten().fold(0.0f64, |most, x| most.max(x.abs()));
        let (guess, scale) = guessed(largest);
        remarks.push(format!("its coordinate system has the unit `{said}`, expected m, cm or mm; {guess} is guessed"));
        scale
    });
    rows.iter_mut().filter_map(|(_, r)| r.as_mut()).flatten().for_each(|x| *x *= scale);
    let landmarks = landmarks(&json, &space, scale);
    Ok(ElectrodesTable { path: electrodes.to_owned(), frame: frame(&space), space, rows, landmarks, remarks })
}

/// Left ear, nasion and right ear, if they are in the electrodes' system.
fn landmarks(json: &Value, space: &str, of_electrodes: f64) -> Option<[[f64; 3]; 3]> {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    if text("AnatomicalLandmarkCoordinateSystem").is_some_and(|system| system != space) {
        return None;
    }
    let scale = text("AnatomicalLandmarkCoordinateUnits").and_then(unit).unwrap_or(of_electrodes);
    let all = json.get("AnatomicalLandmarkCoordinates")?;
    let point = |names: &[&str]| -> Option<[f64; 3]> {
        let numbers = names.iter().find_map(|name| all.get(name))?.as_array()?;
        let [x, y, z] = numbers.as_slice() else { return None };
        Some([x.as_f64()? * scale, y.as_f64()? * scale, z.as_f64()? * scale])
    };
    Some([point(&["LPA", "LEFT"])?, point(&["NAS", "nasion", "NASION"])?, point(&["RPA", "RIGHT"])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tsv: &str, json: &str) -> Result<ElectrodesTable> {
        let dir = tempfile::tempdir().unwrap();
        let (electrodes, coordsystem) = (dir.path().join("x_electrodes.tsv"), dir.path().join("x_coordsystem.json"));
        fs_err::write(&electrodes, tsv).unwrap();
        fs_err::write(&coordsystem, json).unwrap();
        read_electrodes(&electrodes, &coordsystem)
    }

    #[test]
    fn positions_are_in_metres_whatever_the_unit() {
        let tsv = "name\tx\ty\tz\timpedance\nCz\t0\t0\t95\tn/a\nRef\tn/a\tn/a\tn/a\t5\n";
        for unit in ["mm", "n/a"] {
            let json = format!(r#"{{"EEGCoordinateSystem": "EEGLAB", "EEGCoordinateUnits": "{unit}"}}"#);
            let table = read(&tsv.replace("95", "105"), &json).unwrap();
            assert_eq!(table.rows, [("Cz".to_owned(), Some([0.0, 0.0, 0.105])), ("Ref".to_owned(), None)]);
            assert_eq!((table.frame, table.landmarks), (HeadFrame::Ctf, None));
            assert_eq!(table.remarks.len(), usize::from(unit == "n/a"));
        }
        let error = read("name\tx\ty\nCz\t1\t2\n", "{}").unwrap_err().to_string();
        assert!(error.contains("`z`"), "{error}");
    }

    #[test]
    fn landmarks_count_in_the_system_of_the_electrodes() {
        let json = r#"{"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m",
            "AnatomicalLandmarkCoordinates": {"NAS": [0, 9, 0], "LPA": [-8, 0, 0], "RPA": [8, 0, 0]},
            "AnatomicalLandmarkCoordinateSystem": "CapTrak", "AnatomicalLandmarkCoordinateUnits": "cm"}"#;
        let table = read("name\tx\ty\tz\nCz\t0\t0\t0.09\n", json).unwrap();
        assert_eq!(table.landmarks, Some([[-0.08, 0.0, 0.0], [0.0, 0.09, 0.0], [0.08, 0.0, 0.0]]));
        let other = json.replace(
            "System\": \"CapTrak\", \"AnatomicalLandmarkCoordinateU",
            "System\": \"CTF\", \"AnatomicalLandmarkCoordinateU",
        );
        assert_eq!(read("name\tx\ty\tz\nCz\t0\t0\t0.09\n", &other).unwrap().landmarks, None);
    }
}
