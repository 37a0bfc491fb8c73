//! Resampling against MNE's numbers; what becomes of a recording.

use super::*;
use crate::filter::{Filter, FilterParams};
use crate::golden::{cases, check, len, number, series};
use crate::notch::{Notch, NotchParams};
use crate::testing::{info_of, numbers};
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{Annotations, Cx, Par, Recording, SpillDir};
use ndarray::Array2;

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

/// Noise with a drift and an offset, and codes.
fn test_rows(n_times: usize) -> Array2<f64> {
    let mut x = numbers(4, n_times, 3);
    x.row_mut(0).iter_mut().enumerate().for_each(|(t, x)| *x += 5.0 + t as f64 / n_times as f64 * 30.0);
    x.row_mut(2).mapv_inplace(|x| (x * 3.0).round());
    x
}

/// Rows that are led through kernels one after the other, and through the fused ones.
fn both_ways(methods: &[&dyn Method], n_times: usize, sfreq: f64) -> Option<(Array2<f64>, Array2<f64>)> {
    let info = info_of(&["eeg", "mag", "stim", "misc"], sfreq);
    let (gaps, annotations) = (Vec::new(), Annotations::default());
    let mut stream = Stream { info: Arc::new(info), first_samp: 0, n_times: n_times as u64, gaps, annotations };
    let x = test_rows(n_times);
    let mut kernels = Vec::new();
    for method in methods {
        let Bound::Rows(kernel) = method.bind(&stream).unwrap() else { panic!("these work row by row") };
        stream = method.output(&stream).unwrap();
        kernels.push(kernel);
    }
    let mut scratch = Scratch::default();
    let mut lead = |kernels: &[&dyn RowKernel]| {
        let mut out = Array2::zeros((4, stream.n_times as usize));
        for ch in 0..4 {
            let mut row = x.row(ch).to_vec();
            for kernel in kernels.iter().filter(|kernel| !kernel.passes(ch)) {
                let mut next = vec![0.0; kernel.n_out()];
                kernel.run(ch, &row, &mut next, &mut scratch).unwrap();
                row = next;
            }
            out.row_mut(ch).iter_mut().zip(row).for_each(|(out, x)| *out = x);
        }
        out
    };
    let apart = lead(&kernels.iter().map(|kernel| &**kernel).collect::<Vec<_>>());
    let mut kernels = kernels.into_iter();
    let first = kernels.next().unwrap();
    let fused = kernels.try_fold(first, |fused, next| fused.fuse(&*next))?;
    Some((apart, lead(&[&*fused])))
}

#[test]
fn a_filter_and_resampling_in_one_pass_give_the_same_numbers() {
    let notch = Notch::new(NotchParams::new([50.0, 100.0]));
    let (low, band) = (FilterParams::new(None, Some(40.0)), FilterParams::new(Some(1.0), Some(40.0)));
    let (low, band) = (Filter::new(low), Filter::new(band));
    let (quarter, odd) = (Resample::new(ResampleParams::new(250.0)), Resample::new(ResampleParams::new(312.5)));
    // Long pads and short ones, rows of even and odd length.
    let cases: [(&[&dyn Method], usize); 6] = [
        (&[&low, &quarter], 20_000),
        (&[&low, &quarter], 32_001),
        (&[&low, &odd], 24_577),
        (&[&band, &quarter], 40_000),
        (&[&notch, &quarter], 40_011),
        (&[&notch, &band, &quarter], 90_000),
    ];
    for (index, (methods, n_times)) in cases.into_iter().enumerate() {
        let (apart, fused) =
            both_ways(methods, n_times, 1000.0).unwrap_or_else(|| panic!("case {index} does not fuse"));
        for (ch, (apart, fused)) in apart.rows().into_iter().zip(fused.rows()).enumerate() {
            let largest = apart.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            let worst = apart.iter().zip(fused).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
            assert!(worst <= 2e-14 * largest.max(1.0), "case {index}, row {ch}: {worst:e} of {largest:e}");
        }
    }
    // Filters before one that is fused already, as before a fork.
    let (apart, _) = both_ways(&[&notch, &band, &quarter], 90_000, 1000.0).unwrap();
    let raw = {
        let info = info_of(&["eeg", "mag", "stim", "misc"], 1000.0);
        let (gaps, annotations) = (Vec::new(), Annotations::default());
        let stream = Stream { info: Arc::new(info), first_samp: 0, n_times: 90_000, gaps, annotations };
        bakusoku_core::containers::Raw::new(stream, test_rows(90_000)).unwrap()
    };
    let (mut keep, mut other) = (bakusoku_testing::Keep::default(), bakusoku_testing::Keep::default());
    let mut flow = Flow::new(raw.stream());
    let notched = flow.add(NodeId::SOURCE, "notch", &notch).unwrap();
    for (filter, keep) in [(&band, &mut keep), (&low, &mut other)] {
        let filtered = flow.add(notched, "filter", filter).unwrap();
        let resampled = flow.add(filtered, "resample", &quarter).unwrap();
        flow.tap(resampled, "keep", keep);
    }
    let times = flow.run(&raw, &Cx::new(Par::new(2), SpillDir::find(None).unwrap())).unwrap().times;
    assert!(times.iter().any(|(name, _)| name == "notch"));
    let (low_apart, _) = both_ways(&[&notch, &low, &quarter], 90_000, 1000.0).unwrap();
    for (apart, forked) in [(apart, keep.into_data()), (low_apart, other.into_data())] {
        for (apart, forked) in apart.rows().into_iter().zip(forked.rows()) {
            let largest = apart.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            assert!(apart.iter().zip(forked).all(|(a, b)| (a - b).abs() <= 2e-14 * largest));
        }
    }
    // Pads that are shorter than the filter: one after the other.
    assert!(both_ways(&[&band, &quarter], 32_500, 1000.0).is_none());
}
