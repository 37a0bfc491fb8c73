//! Small made-up recordings for the tests of this crate.

use bakusoku_core::{Channel, ChannelType, CoordFrame, Info};
use ndarray::Array2;

/// Channels of the given types, named `type 001` and so on, by their place.
pub(crate) fn info_of(types: &[&str], sfreq: f64) -> Info {
    let chs = types
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let ch_type = ChannelType::from_name(name).expect("a type that there is");
            let (kind, unit) = match ch_type {
                ChannelType::Grad => (1, Channel::UNIT_T_M),
                ChannelType::Mag => (1, Channel::UNIT_T),
                ChannelType::Eeg => (2, Channel::UNIT_V),
                ChannelType::Stim => (3, Channel::UNIT_V),
                ChannelType::Eog => (202, Channel::UNIT_V),
                _ => (502, Channel::UNIT_NONE),
            };
            Channel {
                name: format!("{name} {index:03}"),
                kind,
                coil_type: 0,
                unit,
                unit_mul: 0,
                coord_frame: CoordFrame::UNKNOWN,
                loc: [0.0; 12],
                cal: 1.0,
                range: 1.0,
                scanno: index as i32 + 1,
                logno: index as i32 + 1,
            }
        })
        .collect();
    Info { sfreq, chs, ..Info::default() }
}

/// Numbers between -0.5 and 0.5, the same for the same seed.
pub(crate) fn numbers(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    Array2::from_shape_simple_fn((rows, cols), || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    })
}
