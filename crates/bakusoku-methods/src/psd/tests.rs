//! Welch's method against MNE's numbers.

use super::*;
use crate::golden::{cases, check, len, number, series};
use crate::testing::info_of;
use bakusoku_core::{Annotation, Annotations, Block, Cx, Par, RowSink, Scratch, Sink, Span, SpillDir, Stream};
use ndarray::{Array2, s};
use serde_json::Value;
use std::sync::Arc;

fn data(case: &Value, rows: usize) -> Array2<f64> {
    let mut x = series(rows, len(case));
    for span in case["nan"].as_array().into_iter().flatten() {
        let at = |i: usize| span[i].as_u64().unwrap() as usize;
        x.slice_mut(s![.., at(0)..at(1)]).fill(f64::NAN);
    }
    x
}

fn params(case: &Value) -> WelchParams {
    serde_json::from_value(case["params"].clone()).unwrap()
}

#[test]
fn spectra_are_those_of_mne() {
    for case in cases("welch") {
        let (psds, freqs) =
            psd_array_welch(&Par::serial(), data(&case, 2).view(), number(&case, "sfreq"), &params(&case)).unwrap();
        assert_eq!(freqs.len(), psds.ncols());
        check(&case, psds, 1e-12);
    }
}

#[test]
fn segments_are_those_of_mne() {
    for case in cases("segments power") {
        let x = data(&case, 1);
        let (psds, _) = psd_array_welch_segments(&Par::serial(), x.view(), 250.0, &params(&case)).unwrap();
        check(&case, psds, 1e-12);
    }
    for case in cases("segments complex") {
        let x = data(&case, 1);
        let (spectra, _) = psd_array_welch_complex(&Par::serial(), x.view(), 250.0, &params(&case)).unwrap();
        check(&case, spectra.iter().flat_map(|x| [x.re, x.im]), 1e-12);
    }
}

#[test]
fn a_broken_row_is_nan_and_leaves_the_others() {
    let mut x = series(3, 1000);
    let (whole, _) = psd_array_welch(&Par::serial(), x.view(), 250.0, &WelchParams::default()).unwrap();
    x[[1, 300]] = f64::NAN;
    // Beyond the last segment nothing is looked at.
    x[[2, 900]] = f64::NAN;
    let (psds, _) = psd_array_welch(&Par::serial(), x.view(), 250.0, &WelchParams::default()).unwrap();
    assert!(psds.row(1).iter().all(|x| x.is_nan()));
    assert_eq!((psds.row(0), psds.row(2)), (whole.row(0), whole.row(2)));
}

#[test]
fn bad_stretches_of_a_recording_are_left_out() {
    let sfreq = 250.0;
    let x = series(2, 1500);
    let annotation = Annotation { onset: 2.0, duration: 0.4, description: "BAD move".into(), ch_names: Vec::new() };
    let input = Stream {
        info: Arc::new(info_of(&["eeg", "eog"], sfreq)),
        first_samp: 0,
        n_times: 1500,
        gaps: Vec::new(),
        annotations: Annotations { orig_time: None, items: vec![annotation] },
    };
    let params = WelchParams { n_fft: Some(300), n_overlap: 100, ..WelchParams::default() };
    let sink = WelchSink::new(&params, &input).unwrap();
    assert!(sink.wants(0) && !sink.wants(1));
    sink.push_row(0, x.row(0).as_slice().unwrap(), &mut Scratch::default()).unwrap();
    let spectrum = sink.finish();
    let mut marked = x.slice(s![..1, ..]).to_owned();
    marked.slice_mut(s![.., 500..600]).fill(f64::NAN);
    let (psds, freqs) = psd_array_welch(&Par::serial(), marked.view(), sfreq, &params).unwrap();
    assert_eq!((spectrum.data, spectrum.freqs), (psds, freqs));
    assert_eq!(spectrum.info.n_channels(), 1);
}

#[test]
fn columns_give_the_bits_of_rows() {
    let x = series(3, 3000);
    let annotation = |onset, duration| {
        let description = "BAD move".into();
        Annotation { onset, duration, description, ch_names: Vec::new() }
    };
    let input = Stream {
        info: Arc::new(info_of(&["eeg", "eog", "eeg"], 250.0)),
        first_samp: 0,
        n_times: 3000,
        gaps: Vec::new(),
        // Stretches of several segments, of less than one, and of one.
        annotations: Annotations { orig_time: None, items: vec![annotation(5.0, 0.3), annotation(6.0, 0.8)] },
    };
    let cx = Cx::new(Par::new(2), SpillDir::find(None).unwrap());
    for (average, n_overlap) in [(Average::Mean, 0), (Average::Mean, 70), (Average::Median, 70)] {
        let params = WelchParams { n_fft: Some(300), n_overlap, average, ..WelchParams::default() };
        let rows = WelchSink::new(&params, &input).unwrap();
        for ch in [0, 2] {
            rows.push_row(ch, x.row(ch).as_slice().unwrap(), &mut Scratch::default()).unwrap();
        }
        let expected = rows.finish();
        for len in [1, 77, 299, 1024, 3000] {
            let mut columns = WelchSink::new(&params, &input).unwrap();
            for start in (0..3000).step_by(len) {
                let stop = (start + len).min(3000);
                let span = Span::new(start as u64, stop as u64);
                // What is not looked at need not be given.
                if columns.looks_at(span) {
                    columns
                        .push(&Block { start: start as u64, data: x.slice(s![.., start..stop]).to_owned() }, &cx)
                        .unwrap();
                }
            }
            assert_eq!(columns.finish().data, expected.data, "blocks of {len}");
        }
    }
}

#[test]
fn errors_name_the_parameter() {
    let x = series(1, 500);
    let fails = |params: WelchParams, name: &str| {
        let message = psd_array_welch(&Par::serial(), x.view(), 250.0, &params).unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{name}` must be")), "{message}");
    };
    fails(WelchParams { n_fft: Some(501), ..WelchParams::default() }, "n_fft");
    fails(WelchParams { n_overlap: 256, ..WelchParams::default() }, "n_overlap");
    fails(WelchParams { fmin: 126.0, ..WelchParams::default() }, "fmin");
}
