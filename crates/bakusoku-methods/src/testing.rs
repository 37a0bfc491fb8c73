//! Small made-up recordings for the tests of this crate.

use bakusoku_core::{Channel, ChannelType, Info};
use ndarray::Array2;

/// Channels of the given types, named `type 001` and so on, by their place.
pub(crate) fn info_of(types: &[&str], sfreq: f64) -> Info {
    let chs = types
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let ch_type = ChannelType::from_name(name).expect("a type that there is");
            Channel::new(format!("{name} {index:03}"), ch_type)
        })
        .collect();
    Info { sfreq, chs, ..Info::default() }.number_channels()
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
