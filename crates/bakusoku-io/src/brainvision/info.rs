//! A header as the description of a recording.

use super::BrainVisionOptions;
use super::filters::pass_band;
use super::header::Header;
use crate::ChannelRef;
use bakusoku_core::{Channel, ChannelType, CoordFrame, DigKind, DigPoint, Info, OrigTime};

/// Radius (m) of the head on which idealized coordinates lie, as in MNE.
const HEAD_RADIUS: f64 = 0.095;
/// FIFF's unit of degrees Celsius.
const UNIT_CELSIUS: i32 = 114;

/// How much a unit is in SI units; 1 where it is not known, as in MNE.
fn unit_factor(unit: &str) -> f64 {
    match unit {
        "µV" | "uV" | "µS" | "uS" => 1e-6,
        "mV" => 1e-3,
        "nV" => 1e-9,
        _ => 1.0,
    }
}

/// The channels (the one that the header hides among them), positions, pass band and date.
pub(super) fn info(header: &Header, options: &BrainVisionOptions, date: Option<OrigTime>) -> Info {
    let n = header.channels.len();
    let misc = |name: &str, index, unit: &str| match &options.misc {
        None => !matches!(unit, "V" | "mV" | "µV" | "uV" | "nV"),
        Some(misc) => ChannelRef::any(misc, name, index, n),
    };
    let positions = header
        .coordinates
        .as_ref()
        .map(|list| list.iter().map(|&(index, sphere)| (index, position(sphere))).collect::<Vec<(usize, [f64; 3])>>());
    // A position of zeros says that there is none: the channel is no electrode.
    let nowhere = |index| positions.iter().flatten().any(|&(at, r)| at == index && r == [0.0; 3]);
    let mut names: Vec<String> = header.channels.iter().map(|ch| ch.name.clone()).collect();
    crate::names::make_unique(&mut names);
    let mut chs: Vec<Channel> = Vec::with_capacity(n);
    for (index, (listed, name)) in header.channels.iter().zip(names).enumerate() {
        let ch_type = if ChannelRef::any(&options.eog, &listed.name, index, n) {
            ChannelType::Eog
        } else if misc(&listed.name, index, &listed.unit) || nowhere(index) {
            ChannelType::Misc
        } else if listed.name == "STI 014" {
            ChannelType::Stim
        } else {
            ChannelType::Eeg
        };
        let mut ch = Channel::new(name, ch_type);
        if ch_type == ChannelType::Stim {
            ch.unit = Channel::UNIT_NONE;
        }
        if ch_type == ChannelType::Misc && listed.unit == "C" {
            ch.unit = UNIT_CELSIUS;
        }
        ch.coord_frame = CoordFrame::HEAD;
        ch.loc = [f64::NAN; 12];
        ch.cal = listed.resolution;
        ch.range = unit_factor(&listed.unit) * options.scale;
        chs.push(ch);
    }
    let lost: Vec<&str> = (0..n)
        .filter(|&index| nowhere(index) && chs[index].ch_type() == ChannelType::Misc)
        .map(|index| chs[index].name.as_str())
        .collect();
    if !lost.is_empty() {
        tracing::warn!(
            "the header gives channels no coordinates but zeros; they are of type misc: {}",
            lost.join(", ")
        );
    }
    let names: Vec<&str> =
        header.channels[..n - usize::from(header.hidden_channel)].iter().map(|ch| ch.name.as_str()).collect();
    let band = pass_band(&header.comment, &names, header.sfreq);
    let dig = positions.map(|positions| place(&mut chs, &positions)).unwrap_or_default();
    Info {
        sfreq: header.sfreq,
        chs,
        highpass: band.highpass.unwrap_or(0.0),
        lowpass: band.lowpass.unwrap_or(header.sfreq / 2.0),
        meas_date: date,
        dig,
        ..Info::default()
    }
    .number_channels()
}

/// Radius (mm, or 1 on the idealized head), inclination from the vertex and azimuth from the right ear (degrees), to metres.
fn position([radius, theta, phi]: [f64; 3]) -> [f64; 3] {
    let radius = if radius == 1.0 { HEAD_RADIUS * 1e3 } else { radius };
    let (theta, phi) = (theta.to_radians(), phi.to_radians());
    let flat = radius * theta.sin();
    [flat * phi.cos() / 1e3, flat * phi.sin() / 1e3, radius * theta.cos() / 1e3]
}

/// Gives electrodes their places, and lists the digitised points: MNE's three fiducials on a sphere of the electrodes' mean
/// distance, then the electrodes.
fn place(chs: &mut [Channel], positions: &[(usize, [f64; 3])]) -> Vec<DigPoint> {
    let radius = positions.iter().map(|(_, r)| r.iter().map(|x| x * x).sum::<f64>().sqrt()).sum::<f64>()
        / positions.len().max(1) as f64;
    let point = |kind, ident, r| DigPoint { kind, ident, r, coord_frame: CoordFrame::HEAD };
    let fiducials = [[-radius, 0.0, 0.0], [0.0, radius, 0.0], [radius, 0.0, 0.0]];
    let mut dig: Vec<DigPoint> = (1..).zip(fiducials).map(|(ident, r)| point(DigKind::Cardinal, ident, r)).collect();
    for (ident, &(index, r)) in (1..).zip(positions) {
        let Some(ch) = chs.get_mut(index).filter(|ch| ch.ch_type() == ChannelType::Eeg) else { continue };
        ch.loc[..3].copy_from_slice(&r);
        ch.loc[3..6].fill(0.0);
        dig.push(point(DigKind::Eeg, ident, r));
    }
    if positions.is_empty() { Vec::new() } else { dig }
}
