//! Where the head was: the coils of `.hc`, and the transformations that follow from them.

use super::folder::Folder;
use crate::{Error, Result};
use bakusoku_core::{CoordFrame, DigKind, DigPoint, Transform};
use bakusoku_files::read_text;
use bakusoku_math::linalg::eigh;
use ndarray::Array2;
use std::path::Path;

/// How far (m) a landmark may lie off after the frames were matched.
const MATCH: f64 = 1e-4;

/// What a coil marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Landmark {
    Left,
    Right,
    Nasion,
    Spare,
    Unknown,
}

impl Landmark {
    const USED: [Self; 4] = [Self::Left, Self::Right, Self::Nasion, Self::Spare];
    /// Kind and number of a digitised point.
    fn point(self) -> (DigKind, i32) {
        match self {
            Self::Left => (DigKind::Cardinal, 1),
            Self::Nasion => (DigKind::Cardinal, 2),
            Self::Right => (DigKind::Cardinal, 3),
            Self::Spare => (DigKind::Hpi, 4),
            Self::Unknown => (DigKind::Hpi, -1),
        }
    }
}

/// A measured coil.
#[derive(Clone, Copy, Debug)]
struct Coil {
    landmark: Landmark,
    /// [`CoordFrame::CTF_DEVICE`], [`CoordFrame::CTF_HEAD`], or unknown.
    frame: CoordFrame,
    r: [f64; 3],
}

/// Where the head was, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Head {
    coils: Vec<Coil>,
    /// From CTF's device frame to Neuromag's.
    pub(super) ctf_dev_dev: Transform,
    /// From CTF's head frame to Neuromag's.
    pub(super) ctf_head_head: Option<Transform>,
    /// From the device to the head, both Neuromag's.
    pub(super) dev_head: Option<Transform>,
}

impl Head {
    pub(super) fn read(folder: &Folder) -> Result<Self> {
        let coils = match folder.find("hc") {
            Some(path) => coils(&path)?,
            None => Vec::new(),
        };
        let mut out = Self { coils, ctf_dev_dev: ctf_dev_dev(), ctf_head_head: None, dev_head: None };
        if out.coils.is_empty() {
            return Ok(out);
        }
        let lacking = |frame: &str| {
            tracing::warn!(
                "`{}` lacks landmarks relative to the {frame}: where the head was is not known",
                folder.path.display()
            );
        };
        let main = [Landmark::Left, Landmark::Right, Landmark::Nasion];
        let has = |frame| main.iter().all(|&landmark| out.find(frame, landmark).is_some());
        let (in_head, in_device) = (has(CoordFrame::CTF_HEAD), has(CoordFrame::CTF_DEVICE));
        if !in_head {
            lacking("head");
            out.coils.clear();
            return Ok(out);
        }
        let [left, right, nasion] = main.map(|landmark| out.find(CoordFrame::CTF_HEAD, landmark).unwrap_or_default());
        out.ctf_head_head = Transform::from_landmarks(CoordFrame::CTF_HEAD, left, nasion, right);
        if !in_device {
            lacking("dewar");
            return Ok(out);
        }
        let pairs: Vec<([f64; 3], [f64; 3])> = Landmark::USED
            .iter()
            .filter_map(|&landmark| {
                Some((out.find(CoordFrame::CTF_DEVICE, landmark)?, out.find(CoordFrame::CTF_HEAD, landmark)?))
            })
            .collect();
        match (matched(&pairs), out.ctf_head_head) {
            (Some(dev_head), Some(ctf_head_head)) => {
                out.dev_head = Some(out.ctf_dev_dev.inverse().then(&dev_head)?.then(&ctf_head_head)?);
            }
            _ => tracing::warn!(
                "`{}`: the landmarks relative to the dewar are not those relative to the head: where the head was is not known",
                folder.path.display()
            ),
        }
        Ok(out)
    }

    fn find(&self, frame: CoordFrame, landmark: Landmark) -> Option<[f64; 3]> {
        self.coils.iter().find(|coil| coil.frame == frame && coil.landmark == landmark).map(|coil| coil.r)
    }

    /// From the device to CTF's head frame.
    pub(super) fn dev_ctf(&self) -> Option<Transform> {
        self.dev_head?.then(&self.ctf_head_head?.inverse()).ok()
    }

    /// The landmarks in the head frame.
    pub(super) fn digitised(&self) -> Vec<DigPoint> {
        let Some(transform) = self.ctf_head_head else { return Vec::new() };
        self.points(CoordFrame::CTF_HEAD, transform, CoordFrame::HEAD)
    }

    /// The coils in the device's frame.
    pub(super) fn measured(&self) -> Vec<DigPoint> {
        self.points(CoordFrame::CTF_DEVICE, self.ctf_dev_dev, CoordFrame::UNKNOWN)
    }

    fn points(&self, of: CoordFrame, transform: Transform, coord_frame: CoordFrame) -> Vec<DigPoint> {
        let point = |coil: &Coil| {
            let (kind, ident) = coil.landmark.point();
            DigPoint { kind, ident, r: transform.apply(coil.r), coord_frame }
        };
        self.coils.iter().filter(|coil| coil.frame == of).map(point).collect()
    }
}

/// CTF's device frame is turned by 45 degrees and 19 cm lower than Neuromag's.
fn ctf_dev_dev() -> Transform {
    let half = 0.5 * 2f64.sqrt();
    let matrix = [[half, -half, 0.0, 0.0], [half, half, 0.0, 0.0], [0.0, 0.0, 1.0, 0.19], [0.0, 0.0, 0.0, 1.0]];
    Transform { from: CoordFrame::CTF_DEVICE, to: CoordFrame::DEVICE, matrix }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The rotation and shift that bring points of CTF's device frame onto those of its head frame (Horn 1987; Besl & McKay
/// 1992, eq. 24 on); `None` where they do not match.
fn matched(pairs: &[([f64; 3], [f64; 3])]) -> Option<Transform> {
    let share = 1.0 / pairs.len().max(1) as f64;
    let mean = |of: fn(&([f64; 3], [f64; 3])) -> [f64; 3]| -> [f64; 3] {
        std::array::from_fn(|i| pairs.iter().map(|pair| of(pair)[i]).sum::<f64>() * share)
    };
    let (from, to) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sigma = |i: usize, j: usize| pairs.iter().map(|(p, x)| p[i] * x[j]).sum::<f64>() * share - from[i] * to[j];
    let trace = sigma(0, 0) + sigma(1, 1) + sigma(2, 2);
    let mut q = Array2::zeros((4, 4));
    q[[0, 0]] = trace;
    for i in 0..3 {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        let delta = sigma(j, k) - sigma(k, j);
        (q[[0, i + 1]], q[[i + 1, 0]]) = (delta, delta);
        for j in 0..3 {
            q[[i + 1, j + 1]] = sigma(i, j) + sigma(j, i) - if i == j { trace } else { 0.0 };
        }
    }
    let (_, vectors) = eigh(q.view()).ok()?;
    let sign = if vectors[[0, 3]] < 0.0 { -1.0 } else { 1.0 };
    let quat = [1, 2, 3].map(|i| sign * vectors[[i, 3]]);
    let turn = Transform::from_quat(CoordFrame::CTF_DEVICE, CoordFrame::CTF_HEAD, quat, [0.0; 3]);
    let turned = turn.rotate(from);
    let shift = [to[0] - turned[0], to[1] - turned[1], to[2] - turned[2]];
    let out = Transform::from_quat(CoordFrame::CTF_DEVICE, CoordFrame::CTF_HEAD, quat, shift);
    let off = |p: [f64; 3], x: [f64; 3]| {
        let r = out.apply(p);
        dot([r[0] - x[0], r[1] - x[1], r[2] - x[2]], [r[0] - x[0], r[1] - x[1], r[2] - x[2]]).sqrt()
    };
    pairs.iter().all(|&(p, x)| off(p, x) <= MATCH).then_some(out)
}

/// The measured coils of an `.hc` file.
fn coils(path: &Path) -> Result<Vec<Coil>> {
    let text = read_text(path)?.text;
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#'));
    let mut out = Vec::new();
    while let Some((_, line)) = lines.next() {
        let about = line.trim().to_lowercase();
        if about.is_empty() {
            continue;
        }
        if about.contains("unable") {
            tracing::warn!("`{}`: {}: where the head was is not known", path.display(), line.trim());
            return Ok(Vec::new());
        }
        let has = |word| about.contains(word);
        let frame = if has("relative to dewar") {
            CoordFrame::CTF_DEVICE
        } else if has("relative to head") {
            CoordFrame::CTF_HEAD
        } else {
            CoordFrame::UNKNOWN
        };
        let landmark = if has("nasion") {
            Landmark::Nasion
        } else if has("left ear") || has("lpa") {
            Landmark::Left
        } else if has("right ear") || has("rpa") {
            Landmark::Right
        } else if has("spare") {
            Landmark::Spare
        } else {
            Landmark::Unknown
        };
        let mut r = [f64::NAN; 3];
        for (axis, x) in ["x", "y", "z"].into_iter().zip(&mut r) {
            let (number, line) = lines.next().unwrap_or((text.lines().count() + 1, ""));
            let words: Vec<&str> = line.split_whitespace().collect();
            *x = match words.as_slice() {
                // Some coordinates are left open.
                [] if number <= text.lines().count() => f64::NAN,
                [name, "=", value] if *name == axis && value.parse::<f64>().is_ok_and(f64::is_finite) => {
                    // Centimetres.
                    value.parse().unwrap_or(f64::NAN) / 100.0
                }
                _ => {
                    let (expected, got) = (format!("`{axis} = ` and a number (cm)"), format!("`{}`", line.trim()));
                    return Err(Error::Line { path: path.to_owned(), line: number, expected, got });
                }
            };
        }
        if has("measured") && r.iter().all(|x| x.is_finite()) {
            out.push(Coil { landmark, frame, r });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_matched_by_the_rotation_between_them() {
        let turn =
            Transform::from_quat(CoordFrame::CTF_DEVICE, CoordFrame::CTF_HEAD, [0.3, -0.2, 0.5], [0.1, 0.0, -0.2]);
        let points = [[0.08, 0.0, 0.01], [-0.07, 0.01, 0.0], [0.0, 0.1, 0.02], [0.03, -0.05, 0.09]];
        let pairs = points.map(|r| (r, turn.apply(r)));
        for n in [3, 4] {
            let found = matched(&pairs[..n]).unwrap();
            let worst =
                (0..16).map(|i| (found.matrix[i / 4][i % 4] - turn.matrix[i / 4][i % 4]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-12, "{worst:e}");
        }
        let mut moved = pairs;
        moved[0].1[0] += 0.002;
        assert!(matched(&moved).is_none());
    }
}
