//! Positions of electrodes (`.eeg`) and of the head's surface (`.pos`).

use super::folder::Folder;
use super::head::Head;
use crate::{Error, Result};
use bakusoku_core::{Channel, CoordFrame, DigKind, DigPoint};
use bakusoku_files::read_text;
use std::path::Path;

/// What is nearer (m²) to the origin is no point of a head.
const NOWHERE: f64 = 1e-4;
/// Points of the surface that have no number are counted from here.
const UNNUMBERED: i32 = 2000;

/// The electrodes of an `.eeg` file: number, name, position (m) in CTF's head frame.
#[derive(Debug)]
pub(super) struct Electrodes(Vec<(i32, String, [f64; 3])>);

fn numbers(words: &[&str], path: &Path, line: usize, text: &str) -> Result<[f64; 3]> {
    let mut out = [0.0; 3];
    for (word, x) in words.iter().zip(&mut out) {
        // Centimetres.
        *x = word.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| Error::Line {
            path: path.to_owned(),
            line,
            expected: "three numbers at its end, a position in cm".into(),
            got: format!("`{text}`"),
        })? / 100.0;
    }
    Ok(out)
}

fn is_somewhere(r: [f64; 3]) -> bool {
    r.iter().map(|x| x * x).sum::<f64>() > NOWHERE
}

impl Electrodes {
    /// Those of the folder, if it has such a file.
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>> {
        let Some(path) = folder.find("eeg") else { return Ok(None) };
        let text = read_text(&path)?.text;
        let mut out = Vec::new();
        for (number, line) in (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ident = words.first().and_then(|word| word.parse().ok());
            let (Some(ident), 5) = (ident, words.len()) else {
                let expected = "a number, a name and a position (x, y, z in cm)".to_owned();
                return Err(Error::Line { path, line: number, expected, got: format!("`{line}`") });
            };
            let r = numbers(&words[2..], &path, number, line)?;
            if is_somewhere(r) {
                out.push((ident, words[1].to_owned(), r));
            }
        }
        Ok(Some(Self(out)))
    }

    /// Gives channels of these names their places; all as digitised points.
    pub(super) fn place(&self, chs: &mut [Channel], head: &Head) -> Vec<DigPoint> {
        let Some(transform) = head.ctf_head_head else {
            if !self.0.is_empty() {
                tracing::warn!("positions of electrodes are left out, as landmarks of the head are missing");
            }
            return Vec::new();
        };
        let mut dig = Vec::new();
        for (ident, label, r) in &self.0 {
            let r = transform.apply(*r);
            let lower = label.to_lowercase();
            let (mut kind, mut ident) = match lower.as_str() {
                "lpa" | "left" => (DigKind::Cardinal, 1),
                "nasion" => (DigKind::Cardinal, 2),
                "rpa" | "right" => (DigKind::Cardinal, 3),
                _ => (DigKind::Extra, *ident),
            };
            if let Some(ch) = chs.iter_mut().find(|ch| ch.name.to_lowercase() == lower) {
                ch.loc[..3].copy_from_slice(&r);
                (kind, ident) = (DigKind::Eeg, ch.logno);
            }
            dig.push(DigPoint { kind, ident, r, coord_frame: CoordFrame::HEAD });
        }
        dig
    }
}

/// Points of the head's surface, from the only `.pos` file of the folder.
pub(super) fn surface(folder: &Folder, head: &Head) -> Result<Vec<DigPoint>> {
    let files = folder.ending(".pos")?;
    let path = match files.as_slice() {
        [] => return Ok(Vec::new()),
        [path] => path,
        several => {
            tracing::warn!("`{}` has {} files `.pos`; none is taken", folder.path.display(), several.len());
            return Ok(Vec::new());
        }
    };
    let Some(transform) = head.ctf_head_head else {
        tracing::warn!("`{}` is left out, as landmarks of the head are missing", path.display());
        return Ok(Vec::new());
    };
    let text = read_text(path)?.text;
    let (mut out, mut unnumbered) = (Vec::new(), UNNUMBERED);
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        // A number or a name, sometimes another name, a position; the first line says how many there are.
        let words: Vec<&str> = line.split_whitespace().collect();
        if !matches!(words.len(), 4 | 5) {
            continue;
        }
        let ident = match words[0].parse::<i32>() {
            Ok(ident) => ident.saturating_add(1000),
            Err(_) => {
                unnumbered += 1;
                unnumbered - 1
            }
        };
        let r = numbers(&words[words.len() - 3..], path, number, line)?;
        if is_somewhere(r) {
            out.push(DigPoint { kind: DigKind::Extra, ident, r: transform.apply(r), coord_frame: CoordFrame::HEAD });
        }
    }
    Ok(out)
}
