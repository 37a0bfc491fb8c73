//! The law of methods, one line for each: the same bits for any number of threads and any cut into blocks.
#![allow(clippy::unwrap_used)]

use bakusoku_core::ChannelType::{Eeg, Eog, Grad, Mag, Stim};
use bakusoku_core::containers::Raw;
use bakusoku_methods::filter::{Filter, FilterParams};
use bakusoku_methods::notch::{Notch, NotchParams};
use bakusoku_methods::projection::{ApplyProj, make_eeg_average_ref_proj};
use bakusoku_methods::reference::{EegReference, SetEegReference};
use bakusoku_methods::resample::{Resample, ResampleParams};
use bakusoku_testing::{laws, noise};
use std::sync::Arc;

fn recording() -> Raw {
    noise(&[Grad, Mag, Eeg, Eeg, Eeg, Eog, Stim], 200.0, 3001, 7)
}

#[test]
fn filter() {
    for (l_freq, h_freq) in [(Some(1.0), Some(40.0)), (None, Some(40.0)), (Some(1.0), None), (Some(80.0), Some(40.0))] {
        laws::method(&Filter::new(FilterParams::new(l_freq, h_freq)), &recording());
    }
}

#[test]
fn notch() {
    laws::method(&Notch::new(NotchParams::new([50.0])), &recording());
}

#[test]
fn resample() {
    for sfreq in [100.0, 250.0, 62.5] {
        laws::method(&Resample::new(ResampleParams::new(sfreq)), &recording());
    }
}

#[test]
fn set_eeg_reference() {
    laws::method(&SetEegReference { ref_channels: EegReference::Average }, &recording());
}

#[test]
fn apply_proj() {
    let (mut stream, data) = recording().into_parts();
    let mut info = (*stream.info).clone();
    info.projs.push(make_eeg_average_ref_proj(&info, false).unwrap());
    stream.info = Arc::new(info);
    let out = laws::method(&ApplyProj, &Raw::new(stream, data).unwrap());
    let mean = out.slice(ndarray::s![2..5, ..]).mean_axis(ndarray::Axis(0)).unwrap();
    assert!(mean.iter().all(|value| value.abs() < 1e-13));
}
