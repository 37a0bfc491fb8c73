//! Filters against MNE's numbers; cuts, picks, and two in a row.

use super::*;
use crate::golden::{cases, check, len, number, series};
use crate::notch::{Notch, NotchParams};
use crate::testing::{info_of, numbers};
use bakusoku_core::{Annotation, Annotations, Info, Par, RowKernel, Scratch, Segment, Span};

fn stream(info: Info, n_times: u64) -> Stream {
    Stream { info: Arc::new(info), first_samp: 0, n_times, gaps: Vec::new(), annotations: Annotations::default() }
}

fn rows(method: &dyn Method, input: &Stream) -> Box<dyn RowKernel> {
    match method.bind(input).unwrap() {
        Bound::Rows(kernel) => kernel,
        _ => panic!("a filter works row by row"),
    }
}

fn run(kernel: &dyn RowKernel, row: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; row.len()];
    kernel.run(0, row, &mut out, &mut Scratch::default()).unwrap();
    out
}

#[test]
fn filters_are_those_of_mne() {
    for case in cases("filter") {
        let params: FilterParams = serde_json::from_value(case["params"].clone()).unwrap();
        assert_eq!(params.taps(number(&case, "sfreq")).unwrap().len() as u64, case["n_taps"].as_u64().unwrap());
        let x = series(1, len(&case));
        let y = filter_data(&Par::serial(), x.view(), number(&case, "sfreq"), &params).unwrap();
        // The logarithm of a stop band amplifies rounding.
        let is_minimum = matches!(params.phase, Phase::Minimum | Phase::MinimumHalf);
        check(&case, y, if is_minimum { 1e-9 } else { 1e-12 });
    }
}

#[test]
fn errors_name_the_parameter() {
    let fails = |params: FilterParams, name: &str| {
        let message = params.taps(250.0).unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{name}` must be")), "{message}");
    };
    fails(FilterParams::new(None, Some(125.5)), "h_freq");
    fails(FilterParams::new(None, Some(125.0)), "h_freq");
    fails(FilterParams::new(Some(-1.0), None), "l_freq");
    fails(FilterParams::new(Some(f64::NAN), None), "l_freq");
    let length = |text: &str| FilterParams {
        filter_length: FilterLength::Text(text.into()),
        ..FilterParams::new(Some(1.0), Some(40.0))
    };
    fails(length("long"), "filter_length");
    fails(length("1s"), "filter_length");
    // MNE refuses this one too: the automatic length counts the wider transitions.
    fails(FilterParams::new(Some(30.0), Some(20.0)), "filter_length");
    let params = FilterParams { l_trans_bandwidth: TransBandwidth::Hz(3.0), ..FilterParams::new(Some(1.0), None) };
    fails(params, "l_trans_bandwidth");
}

#[test]
fn stretches_are_filtered_on_their_own_and_skips_pass() {
    let mut input = stream(info_of(&["eeg", "eog"], 100.0), 3000);
    let annotation = |onset: f64, duration: f64, description: &str| Annotation {
        onset,
        duration,
        description: description.into(),
        ch_names: Vec::new(),
    };
    input.annotations.items = vec![
        annotation(5.0, 2.0, "BAD_ACQ_SKIP"),
        annotation(12.0, 0.0, "EDGE boundary"),
        annotation(20.0, 1.0, "bad"),
    ];
    let filter = Filter::new(FilterParams::new(Some(2.0), Some(30.0)));
    let kernel = rows(&filter, &input);
    assert!(!kernel.passes(0) && kernel.passes(1));
    let x = numbers(1, 3000, 3);
    let y = run(&*kernel, x.row(0).as_slice().unwrap());
    assert_eq!(y[500..700], x.row(0).as_slice().unwrap()[500..700]);
    for range in [0..500, 700..1200, 1200..3000] {
        let part = x.slice(ndarray::s![.., range.clone()]);
        let alone = filter_data(&Par::serial(), part, 100.0, &filter.params).unwrap();
        assert!(alone.iter().zip(&y[range]).all(|(a, b)| a == b));
    }
}

#[test]
fn info_tells_the_band_where_all_data_channels_are_filtered() {
    let mut info = info_of(&["eeg", "mag", "stim"], 500.0);
    (info.highpass, info.lowpass) = (0.1, 200.0);
    let input = stream(info, 10_000);
    let band = |l_freq, h_freq, picks: Option<&str>| {
        let picks = picks.map(|name| vec![name.to_owned()]);
        let output = Filter::new(FilterParams { picks, ..FilterParams::new(l_freq, h_freq) }).output(&input).unwrap();
        (output.info.highpass, output.info.lowpass)
    };
    assert_eq!(band(Some(1.0), Some(40.0), None), (1.0, 40.0));
    assert_eq!(band(None, Some(40.0), None), (0.1, 40.0));
    assert_eq!(band(Some(0.05), None, None), (0.1, 200.0));
    assert_eq!(band(Some(1.0), Some(40.0), Some("eeg")), (0.1, 200.0));
    assert_eq!(band(Some(1.0), Some(40.0), Some("all")), (1.0, 40.0));
}

#[test]
fn two_in_a_row_are_one() {
    let notch = Notch::new(NotchParams { trans_bandwidth: 4.0, ..NotchParams::new([50.0, 100.0]) });
    let band = Filter::new(FilterParams {
        h_trans_bandwidth: TransBandwidth::Hz(9.0),
        ..FilterParams::new(Some(2.0), Some(60.0))
    });
    let mut edge = band.clone();
    edge.params.pad = bakusoku_math::pad::Pad::Edge;
    let mut late = band.clone();
    late.params.phase = Phase::Linear;
    let mut double = band.clone();
    double.params.phase = Phase::ZeroDouble;
    let mut input = stream(info_of(&["eeg"], 300.0), 40_000);
    input.gaps = vec![Span::new(1500, 1600)];
    let x = numbers(1, 40_000, 5);
    let row = x.row(0).to_vec();
    let pairs: [[&dyn Method; 2]; 6] =
        [[&notch, &band], [&band, &notch], [&notch, &edge], [&edge, &band], [&notch, &late], [&late, &double]];
    for pair in pairs {
        let [first, second] = pair.map(|method| rows(method, &input));
        let fused = first.fuse(&*second).expect("such a pair is quicker as one");
        let apart = run(&*second, &run(&*first, &row));
        let together = run(&*fused, &row);
        let worst = apart.iter().zip(&together).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-14, "{} then {}: {worst:e}", pair[0].name(), pair[1].name());
    }
    assert!(matches!(input.segments(&["bad_acq_skip"])[1], Segment::Copy(_)));
    // Not the same channels, not the same cuts, or padding that looks far: no fusion.
    let mut other = band.clone();
    other.params.picks = Some(vec!["stim".into()]);
    let mut whole = band.clone();
    whole.params.skip_by_annotation.clear();
    let mut wrapped = band.clone();
    wrapped.params.pad = bakusoku_math::pad::Pad::Wrap;
    let first = rows(&notch, &input);
    for method in [&other, &whole, &wrapped] {
        assert!(first.fuse(&*rows(method, &input)).is_none());
    }
}

#[test]
fn on_columns_it_gives_the_same() {
    struct Got(Vec<bakusoku_core::Block>);
    impl bakusoku_core::Emit for Got {
        fn emit(&mut self, block: bakusoku_core::Block, _cx: &bakusoku_core::Cx) -> Result<()> {
            self.0.push(block);
            Ok(())
        }
    }
    let cx = bakusoku_core::Cx::new(Par::new(3), bakusoku_core::SpillDir::find(None).unwrap());
    for (n, phase, pad) in [
        (1, Phase::Zero, "reflect_limited"),
        (50, Phase::Zero, "reflect_limited"),
        (4096, Phase::Zero, "edge"),
        (4097, Phase::Minimum, "reflect_limited"),
        (4150, Phase::Zero, "symmetric"),
        (20_000, Phase::ZeroDouble, "reflect"),
        (20_000, Phase::Zero, "constant"),
    ] {
        let mut input = stream(info_of(&["eeg", "eog", "eeg"], 500.0), n + 300);
        input.annotations.items = vec![Annotation {
            onset: n as f64 / 500.0,
            duration: 0.2,
            description: "BAD_ACQ_SKIP".into(),
            ch_names: Vec::new(),
        }];
        let params = FilterParams { phase, pad: pad.parse().unwrap(), ..FilterParams::new(None, Some(40.0)) };
        let kernel = rows(&Filter::new(params), &input);
        let x = numbers(3, n as usize + 300, 5) + 4.0;
        let mut operator = kernel.on_columns().unwrap();
        let bakusoku_core::Grain::Fixed(grain) = operator.grain() else { panic!("it has a grain") };
        let mut got = Got(Vec::new());
        let mut ends = Vec::new();
        for segment in operator.segments().to_vec() {
            let Segment::Process(span) = segment else { continue };
            operator.begin(span).unwrap();
            for start in (span.start..span.stop).step_by(grain as usize) {
                let stop = (start + grain).min(span.stop);
                let data = x.slice(ndarray::s![.., start as usize..stop as usize]).to_owned();
                operator.push(bakusoku_core::Block { start, data }, &mut got, &cx).unwrap();
            }
            operator.end(&mut got, &cx).unwrap();
            ends.push(span);
        }
        assert!(!ends.is_empty());
        let expected: Vec<Vec<f64>> = (0..3)
            .map(|ch| {
                let row = x.row(ch).to_vec();
                if kernel.passes(ch) { row } else { run(&*kernel, &row) }
            })
            .collect();
        let mut at = ends[0].start;
        for block in &got.0 {
            if !ends.iter().any(|span| span.start <= at && at < span.stop) {
                at = ends.iter().map(|span| span.start).find(|&start| start > at).unwrap();
            }
            assert_eq!(block.start, at);
            for (ch, row) in block.data.outer_iter().enumerate() {
                for (i, &y) in row.iter().enumerate() {
                    let other = expected[ch][at as usize + i];
                    assert!(
                        (y - other).abs() < 1e-13 * 10.0,
                        "{n} {phase:?} {pad}: channel {ch}, {}: {y} {other}",
                        at as usize + i
                    );
                }
            }
            at += block.n_times() as u64;
        }
        assert_eq!(
            got.0.iter().map(|block| block.n_times() as u64).sum::<u64>(),
            ends.iter().map(|span| span.len()).sum::<u64>()
        );
    }
    // A long filter would hold too much, and some ways to go on need the whole series.
    let input = stream(info_of(&["eeg"], 500.0), 9000);
    assert!(rows(&Filter::new(FilterParams::new(Some(0.1), Some(40.0))), &input).on_columns().is_none());
}
