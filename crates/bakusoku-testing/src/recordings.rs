//! Small recordings in memory.

use bakusoku_core::containers::Raw;
use bakusoku_core::{Annotations, Channel, ChannelType, CoordFrame, Info, Stream};
use ndarray::Array2;
use std::sync::Arc;

/// A channel of the given type, named as Vectorview systems name theirs.
pub fn channel(index: usize, ch_type: ChannelType) -> Channel {
    let prefix = match ch_type {
        ChannelType::Grad | ChannelType::Mag => "MEG",
        ChannelType::Eeg => "EEG ",
        ChannelType::Eog => "EOG ",
        ChannelType::Ecg => "ECG ",
        ChannelType::Stim => "STI ",
        _ => "MISC ",
    };
    Channel { coord_frame: CoordFrame::HEAD, ..Channel::new(format!("{prefix}{:03}", index + 1), ch_type) }
}

/// White noise of unit size with a slow drift, the same for the same `seed`; stimulus channels hold pulses of code 1 to 3.
pub fn noise(types: &[ChannelType], sfreq: f64, n_times: usize, seed: u64) -> Raw {
    let chs = types.iter().enumerate().map(|(index, &ch_type)| channel(index, ch_type)).collect();
    let info = Info { sfreq, chs, lowpass: sfreq / 2.0, ..Info::default() }.number_channels();
    let stream = Stream {
        info: Arc::new(info),
        first_samp: 0,
        n_times: n_times as u64,
        gaps: Vec::new(),
        annotations: Annotations::default(),
    };
    // splitmix64: enough to be unlike anything regular.
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    let period = (sfreq * 0.8) as usize + 1;
    let data = Array2::from_shape_fn((types.len(), n_times), |(ch, t)| {
        if types[ch] == ChannelType::Stim {
            let pulse = t % period;
            return if pulse > period / 2 && pulse < period / 2 + 8 { (t / period % 3 + 1) as f64 } else { 0.0 };
        }
        let sum: f64 = (0..4).map(|_| uniform()).sum::<f64>() - 2.0;
        sum * 1.7 + (t as f64 / sfreq * 0.3 + ch as f64).sin()
    });
    Raw::new(stream, data).unwrap()
}
