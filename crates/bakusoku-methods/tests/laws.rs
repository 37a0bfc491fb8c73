//! The law of methods, one line for each: the same bits for any number of threads and any cut into blocks.
#![allow(clippy::unwrap_used)]

use bakusoku_core::ChannelType::{Eeg, Eog, Grad, Mag, Stim};
use bakusoku_core::containers::Raw;
use bakusoku_core::{Compensator, Method};
use bakusoku_methods::compensation::{GradientCompensation, current_grade};
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

#[test]
fn gradient_compensation() {
    let (mut stream, data) = recording().into_parts();
    let mut info = (*stream.info).clone();
    // The magnetometer and the first electrode stand for references of the gradiometer.
    let comp = |kind: &[u8; 4], a, b| Compensator {
        kind: i32::from_be_bytes(*kind),
        save_calibrated: false,
        row_names: vec![info.chs[0].name.clone(), info.chs[1].name.clone(), "left out".into()],
        col_names: vec![info.chs[1].name.clone(), info.chs[2].name.clone()],
        data: ndarray::array![[a, b], [0.0, 0.5 * b], [1.0, 1.0]],
    };
    info.comps = vec![comp(b"G1BR", 0.5, -0.25), comp(b"G3BR", 0.125, 2.0)];
    info.chs[0].cal = 2.0;
    let before = data.clone();
    stream.info = Arc::new(info);
    let raw = Raw::new(stream, data).unwrap();
    let out = laws::method(&GradientCompensation { grade: 3 }, &raw);
    let expected = &before.row(0) - 2.0 * (0.125 * &before.row(1) + 2.0 * &before.row(2));
    assert!(out.row(0).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
    assert_eq!(out.row(2), before.row(2));
    // From there to the first grade, and back to none.
    let there = |raw: &Raw, grade| {
        let method = GradientCompensation { grade };
        let stream = method.output(bakusoku_core::Recording::stream(raw)).unwrap();
        assert_eq!(current_grade(&stream.info).unwrap(), grade);
        Raw::new(stream, laws::method(&method, raw)).unwrap()
    };
    let back = there(&there(&there(&raw, 3), 1), 0);
    assert!(back.data().iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-12));
    let error = GradientCompensation { grade: 2 }.output(bakusoku_core::Recording::stream(&raw)).unwrap_err();
    assert_eq!(error.to_string(), "`grade` must be 0 or one of [1, 3], got 2");
}
