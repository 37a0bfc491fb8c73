//! Electrodes where `electrodes.tsv` says that they are, as `raw.set_montage` puts them there.

use bakusoku_bids::sidecar::{ElectrodesTable, HeadFrame};
use bakusoku_core::{ChannelType, CoordFrame, DigKind, DigPoint, Info, Transform};

fn length(r: [f64; 3]) -> f64 {
    r.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Left ear, nasion and right ear on the axes of the head frame.
fn on_axes(radius: f64) -> [[f64; 3]; 3] {
    [[-radius, 0.0, 0.0], [0.0, radius, 0.0], [radius, 0.0, 0.0]]
}

/// The way to the head frame, and the fiducials there; `None` where nothing says how the head lies.
fn to_head(table: &ElectrodesTable) -> Option<(Transform, [[f64; 3]; 3])> {
    let placed: Vec<[f64; 3]> = table.rows.iter().filter_map(|(_, r)| *r).collect();
    let same = Transform::identity(CoordFrame::UNKNOWN, CoordFrame::HEAD);
    match (table.frame, table.landmarks) {
        (HeadFrame::Head, Some(landmarks)) => Some((same, landmarks)),
        (HeadFrame::Head, None) => {
            let radius = placed.iter().map(|&r| length(r)).sum::<f64>() / placed.len().max(1) as f64;
            Some((same, on_axes(radius)))
        }
        (_, Some([left, nasion, right])) => {
            let transform = Transform::from_landmarks(CoordFrame::UNKNOWN, left, nasion, right)?;
            Some((transform, [left, nasion, right].map(|r| transform.apply(r))))
        }
        (HeadFrame::Ctf, None) => {
            // Landmarks on the axes, at the electrodes' median distance from their centre, as mne-bids has it: a quarter turn.
            let n = placed.len().max(1) as f64;
            let centre: [f64; 3] = std::array::from_fn(|i| placed.iter().map(|r| r[i]).sum::<f64>() / n);
            let mut distances: Vec<f64> =
                placed.iter().map(|r| length(std::array::from_fn(|i| r[i] - centre[i]))).collect();
            distances.sort_by(f64::total_cmp);
            let middle = distances.len() / 2;
            let radius = match distances.len() {
                0 => return None,
                n if n % 2 == 1 => distances[middle],
                _ => (distances[middle - 1] + distances[middle]) / 2.0,
            };
            let mut turn = same;
            turn.matrix = [[0.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
            Some((turn, on_axes(radius)))
        }
        (HeadFrame::Other, None) => None,
    }
}

/// Gives the electrodes their places; remarks.
pub(crate) fn place(info: &mut Info, table: &ElectrodesTable) -> Vec<String> {
    let mut remarks = table.remarks.clone();
    let Some((transform, fiducials)) = to_head(table) else {
        remarks.push(format!(
            "its positions are not used: the coordinate system `{}` is not the head's, and landmarks in it are missing",
            table.space
        ));
        return remarks;
    };
    use ChannelType::{Dbs, Ecog, Eeg, Seeg};
    let point = |kind, ident, r| DigPoint { kind, ident, r, coord_frame: CoordFrame::HEAD };
    let mut dig: Vec<DigPoint> = (1..).zip(fiducials).map(|(ident, r)| point(DigKind::Cardinal, ident, r)).collect();
    let mut missing = Vec::new();
    for ch in info.chs.iter_mut().filter(|ch| matches!(ch.ch_type(), Eeg | Seeg | Ecog | Dbs)) {
        ch.coord_frame = CoordFrame::HEAD;
        ch.loc = [f64::NAN; 12];
        let found = table.rows.iter().position(|(name, _)| *name == ch.name);
        let Some((at, r)) = found.and_then(|at| Some((at, transform.apply(table.rows[at].1?)))) else {
            missing.push(ch.name.clone());
            continue;
        };
        ch.loc[..3].copy_from_slice(&r);
        ch.loc[3..6].fill(0.0);
        dig.push(point(DigKind::Eeg, at as i32 + 1, r));
    }
    let bads: Vec<&String> = missing.iter().filter(|name| !info.bads.contains(name)).collect();
    if !bads.is_empty() {
        let names: Vec<&str> = bads.iter().map(|name| name.as_str()).collect();
        remarks.push(format!("it has no position of {}", names.join(", ")));
    }
    dig.sort_by_key(|point| (point.kind.to_fiff(), point.ident));
    info.dig = dig;
    remarks
}
