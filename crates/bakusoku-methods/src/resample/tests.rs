//! Resampling against MNE's numbers; what becomes of a recording.

use super::*;
use crate::golden::{cases, check, len, number, series};
use crate::testing::info_of;
use bakusoku_core::{Annotations, Par};

#[test]
fn rows_are_those_of_mne() {
    for case in cases("resample") {
        let mut params: ResampleParams = serde_json::from_value(case["params"].clone()).unwrap();
        if case["params"].get("npad").is_none() {
            params.npad = Npad::Samples(100);
        }
        let x = series(2, len(&case));
        let (up, down) = (number(&case, "up"), number(&case, "down"));
        let y = resample(&Par::serial(), x.view(), up, down, &params.resampling()).unwrap();
        check(&case, y.row(0).to_vec(), 1e-12);
    }
}

#[test]
fn codes_are_those_of_mne() {
    for case in cases("stim") {
        let codes: Vec<f64> = (0..1003).map(|t| if t % 100 > 93 { (t / 100) as f64 + 1.0 } else { 0.0 }).collect();
        let mut out = vec![f64::NAN; 251];
        resample_stim(&codes, &mut out);
        check(&case, out, 0.0);
    }
}

#[test]
fn a_recording_keeps_its_time() {
    let mut info = info_of(&["eeg", "stim"], 1000.0);
    info.lowpass = 330.0;
    let input = Stream {
        info: Arc::new(info),
        first_samp: 2006,
        n_times: 10_002,
        gaps: vec![Span::new(100, 300)],
        annotations: Annotations::default(),
    };
    let method = Resample::new(ResampleParams::new(250.0));
    let output = method.output(&input).unwrap();
    // Ties go to even: 501.5 and 2500.5.
    assert_eq!((output.first_samp, output.n_times), (502, 2500));
    assert_eq!((output.info.sfreq, output.info.lowpass), (250.0, 125.0));
    assert_eq!(output.gaps, [Span::new(25, 75)]);
    let event = |sample| Event { sample, previous: 0, code: 1 };
    let moved = resample_events(&[event(2006), event(2410), event(12_007)], &input, &output);
    assert_eq!(moved.iter().map(|event| event.sample).collect::<Vec<_>>(), [502, 602, 3001]);
    let Bound::Rows(kernel) = method.bind(&input).unwrap() else { panic!("it works row by row") };
    let codes: Vec<f64> = (0..10_002).map(|t| f64::from(u8::from(t % 999 == 0))).collect();
    let mut out = vec![f64::NAN; kernel.n_out()];
    kernel.run(1, &codes, &mut out, &mut Scratch::default()).unwrap();
    assert_eq!(out.iter().filter(|&&code| code == 1.0).count(), 11);
    assert!(out.iter().all(|&code| code == 0.0 || code == 1.0));
}

#[test]
fn errors_name_the_parameter() {
    let x = series(1, 100);
    let fails = |resampling: Resampling, up: f64, name: &str| {
        let message = resample(&Par::serial(), x.view(), up, 100.0, &resampling).unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{name}` must be")), "{message}");
    };
    fails(Resampling::default(), 0.0, "up");
    fails(Resampling { pad: "wild".into(), ..Resampling::default() }, 50.0, "pad");
    let polyphase =
        Resampling { method: ResampleMethod::Polyphase, pad: "reflect_limited".into(), ..Resampling::default() };
    fails(polyphase, 50.0, "pad");
    fails(Resampling { npad: Npad::Text("much".into()), ..Resampling::default() }, 50.0, "npad");
}
