//! Epochs of arrays and streams, with and without operators.

use super::*;
use crate::filter::FilterParams;
use crate::reference::{EegReference, SetEegReference};
use crate::testing::{info_of, numbers};
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Annotation, Annotations, ChannelType, Event, Par, Picks, Projector, Result, Stream};
use ndarray::{Array2, array, s};
use std::sync::Arc;

const TYPES: [&str; 7] = ["grad", "mag", "eeg", "eeg", "stim", "eog", "misc"];

fn recording() -> (Stream, Array2<f64>, Vec<Event>) {
    let mut info = info_of(&TYPES, 100.0);
    info.bads = vec!["eeg 003".into()];
    info.projs = vec![Projector {
        kind: Projector::FIELD,
        active: false,
        desc: "made up".into(),
        names: vec!["grad 000".into(), "mag 001".into()],
        data: array![[0.6, 0.8]],
        explained_var: None,
    }];
    let annotations = Annotations {
        orig_time: None,
        items: vec![Annotation { onset: 3.0, duration: 0.2, description: "BAD_cough".into(), ch_names: Vec::new() }],
    };
    let stream = Stream { info: Arc::new(info), first_samp: 1000, n_times: 700, gaps: Vec::new(), annotations };
    let mut data = numbers(7, 700, 11);
    data[[5, 206]] = 40.0;
    data[[3, 406]] = 40.0;
    let events = [1005, 1050, 1100, 1200, 1310, 1400, 1470, 1500, 1690, 1699]
        .iter()
        .enumerate()
        .map(|(index, &sample)| Event { sample, previous: 0, code: 1 + index as i64 % 3 })
        .collect();
    (stream, data, events)
}

fn params() -> EpochsParams {
    EpochsParams {
        tmin: -0.1,
        tmax: 0.2,
        reject: vec![(ChannelType::Eeg, 10.0), (ChannelType::Eog, 10.0)],
        flat: vec![(ChannelType::Grad, 1e-9)],
        detrend: Some(1),
        decim: 2,
        ..Default::default()
    }
}

#[test]
fn an_epoch_is_detrended_baselined_decimated_projected_and_judged() {
    let (stream, data, events) = recording();
    let event_id = vec![("a".to_owned(), 1), ("b".to_owned(), 2)];
    let plan = EpochsPlan::new(&stream, &events, Some(&event_id), None, &params()).unwrap();
    let epochs = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
    let reason = |index: usize| epochs.drop_log[index].join(",");
    let reasons: Vec<String> = (0..10).map(reason).collect();
    assert_eq!(reasons, ["NO_DATA", "", "IGNORED", "eog 005", "BAD_cough", "IGNORED", "", "", "IGNORED", "TOO_SHORT"]);
    assert_eq!(epochs.selection, [1, 6, 7]);
    assert_eq!((epochs.first, epochs.data.dim()), (-5, (3, 7, 16)));
    // The first kept epoch by hand: event at sample 50, read from 40 to 70 included.
    let raw = data.slice(s![2, 40..71]).to_owned();
    let (mean, t) = (raw.mean().unwrap(), Array2::from_shape_fn((1, 31), |(_, i)| i as f64 - 15.0));
    let slope = t.row(0).dot(&raw) / t.row(0).dot(&t.row(0));
    let flat: ndarray::Array1<f64> = &raw - mean - &(&t.row(0) * slope);
    let flat = &flat - flat.slice(s![..11]).mean().unwrap();
    for i in 0..16 {
        assert!((epochs.data[[0, 2, i]] - flat[2 * i]).abs() < 1e-14);
        // The stimulus channel passes as it is; the projected direction is gone.
        assert_eq!(epochs.data[[0, 4, i]], data[[4, 40 + 2 * i]]);
        assert!((0.6 * epochs.data[[0, 0, i]] + 0.8 * epochs.data[[0, 1, i]]).abs() < 1e-15);
    }
    assert!(epochs.info.projs[0].active);
    assert_eq!(epochs.info.sfreq, 50.0);
}

#[test]
fn any_blocks_and_threads_give_the_same_epochs() {
    let (stream, data, events) = recording();
    for params in [params(), EpochsParams { detrend: None, reject: vec![], ..params() }] {
        let plan = EpochsPlan::new(&stream, &events, None, None, &params).unwrap();
        let whole = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
        for (len, threads) in [(1, 1), (7, 3), (31, 1), (64, 2), (700, 4)] {
            let par = Par::new(threads);
            let mut keep = KeepEpochs::new();
            let mut sink = EpochsSink::new(plan.clone(), vec![&mut keep]);
            for start in (0..700).step_by(len) {
                let stop = (start + len).min(700);
                sink.push_samples(start as u64, data.slice(s![.., start..stop]), &par).unwrap();
            }
            sink.finish(&par).unwrap();
            let got = keep.into_epochs().unwrap();
            assert_eq!((&got.drop_log, &got.events), (&whole.drop_log, &whole.events));
            assert_eq!(got.data, whole.data, "blocks of {len}, {threads} threads");
            assert_eq!(epochs_from_array(data.view(), &plan, &par).unwrap().data, whole.data);
        }
    }
}

#[test]
fn events_out_of_order_keep_their_order() {
    let (stream, data, mut events) = recording();
    events.reverse();
    let params = EpochsParams { proj: false, baseline: None, ..params() };
    let plan = EpochsPlan::new(&stream, &events, None, None, &params).unwrap();
    let whole = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
    let mut keep = KeepEpochs::new();
    let mut sink = EpochsSink::new(plan, vec![&mut keep]);
    sink.push_samples(0, data.view(), &Par::serial()).unwrap();
    sink.finish(&Par::serial()).unwrap();
    let got = keep.into_epochs().unwrap();
    assert_eq!((got.events, got.selection), (whole.events, whole.selection));
    assert_eq!(got.data, whole.data);
}

#[test]
fn rejection_by_a_type_that_is_not_there_is_refused() {
    let (stream, _, events) = recording();
    let params = EpochsParams { reject: vec![(ChannelType::Ecg, 1.0)], ..params() };
    let error = EpochsPlan::new(&stream, &events, None, None, &params).unwrap_err();
    assert!(error.to_string().contains("ecg"));
}

/// Adds a value to a channel, and drops the epochs of some events.
struct Add {
    row: usize,
    value: f64,
    drop: Option<i64>,
}

impl EpochOperator for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn bind(&mut self, header: &EpochsHeader) -> Result<EpochsHeader> {
        Ok(header.clone())
    }
    fn apply(&self, epoch: &mut EpochMut<'_>, _par: &Par) -> Result<()> {
        epoch.data.row_mut(self.row).iter_mut().for_each(|x| *x += self.value);
        if self.drop == Some(epoch.event.code) {
            epoch.reasons.push("ADD".into());
        }
        Ok(())
    }
}

/// Leaves the first channel alone, one sample of two.
struct Half;

impl EpochOperator for Half {
    fn name(&self) -> &'static str {
        "half"
    }
    fn bind(&mut self, header: &EpochsHeader) -> Result<EpochsHeader> {
        let mut info = header.info.pick(&Picks::new(vec![0], header.info.n_channels())?);
        info.sfreq /= 2.0;
        Ok(EpochsHeader { info: Arc::new(info), n_times: header.n_times.div_ceil(2), ..header.clone() })
    }
    fn apply(&self, epoch: &mut EpochMut<'_>, _par: &Par) -> Result<()> {
        *epoch.data = epoch.data.slice(s![..1, ..;2]).to_owned();
        Ok(())
    }
}

fn boxed(operator: impl EpochOperator + 'static) -> Vec<Box<dyn EpochOperator>> {
    vec![Box::new(operator)]
}

fn streamed(plan: &EpochsPlan, data: &Array2<f64>, len: usize, par: &Par) -> Epochs {
    let mut keep = KeepEpochs::new();
    let mut sink = EpochsSink::new(plan.clone(), vec![&mut keep]);
    for start in (0..data.ncols()).step_by(len) {
        let stop = (start + len).min(data.ncols());
        sink.push_samples(start as u64, data.slice(s![.., start..stop]), par).unwrap();
    }
    sink.finish(par).unwrap();
    keep.into_epochs().unwrap()
}

#[test]
fn operators_stand_before_baseline_and_rejection_and_behind_them() {
    let (stream, data, events) = recording();
    let plan = || EpochsPlan::new(&stream, &events, None, None, &params()).unwrap();
    let plain = epochs_from_array(data.view(), &plan(), &Par::serial()).unwrap();
    // A constant before the baseline is gone after it, in the channels that have one.
    let before = plan().with_operators(boxed(Add { row: 2, value: 5.0, drop: None }), Vec::new()).unwrap();
    let got = epochs_from_array(data.view(), &before, &Par::serial()).unwrap();
    assert_eq!(got.drop_log, plain.drop_log);
    assert!((&got.data - &plain.data).iter().all(|d| d.abs() < 1e-14));
    // One that clears the blinks before the rejection keeps the epoch.
    let cleared = plan().with_operators(boxed(Add { row: 5, value: 0.0, drop: None }), Vec::new()).unwrap();
    assert_eq!(epochs_from_array(data.view(), &cleared, &Par::serial()).unwrap().data, plain.data);
    // Behind the rejection it stays.
    let after = plan().with_operators(Vec::new(), boxed(Add { row: 2, value: 5.0, drop: None })).unwrap();
    let got = epochs_from_array(data.view(), &after, &Par::serial()).unwrap();
    let mut expected = plain.data.clone();
    expected.slice_mut(s![.., 2, ..]).mapv_inplace(|x| x + 5.0);
    assert_eq!(got.data, expected);
    // Both may drop epochs.
    for (before, after) in [
        (boxed(Add { row: 2, value: 0.0, drop: Some(3) }), Vec::new()),
        (Vec::new(), boxed(Add { row: 2, value: 0.0, drop: Some(3) })),
    ] {
        let plan = plan().with_operators(before, after).unwrap();
        let got = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
        let gone: Vec<usize> = plain.selection.iter().copied().filter(|&i| events[i].code == 3).collect();
        assert!(!gone.is_empty() && gone.iter().all(|&i| got.drop_log[i] == ["ADD"]));
        assert_eq!(got.selection.len(), plain.selection.len() - gone.len());
    }
}

#[test]
fn operators_show_neither_blocks_nor_threads() {
    let (stream, data, events) = recording();
    let plan = EpochsPlan::new(&stream, &events, None, None, &params()).unwrap();
    let average = SetEegReference { ref_channels: EegReference::Average };
    let before: Vec<Box<dyn EpochOperator>> =
        vec![Box::new(Add { row: 0, value: 1.0, drop: None }), Box::new(MatrixOperator::new(Box::new(average)))];
    let plan = plan.with_operators(before, boxed(Half)).unwrap();
    let whole = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
    assert_eq!((whole.data.dim().1, whole.data.dim().2, whole.info.sfreq), (1, 8, 25.0));
    assert_eq!(plan.header().raw_sfreq, 100.0);
    for (len, threads) in [(1, 1), (7, 3), (31, 1), (700, 4)] {
        let par = Par::new(threads);
        let got = streamed(&plan, &data, len, &par);
        assert_eq!((got.data, got.drop_log), (whole.data.clone(), whole.drop_log.clone()), "{len}, {threads}");
        assert_eq!(epochs_from_array(data.view(), &plan, &par).unwrap().data, whole.data);
    }
}

#[test]
fn what_an_operator_makes_must_be_what_it_promised() {
    struct Liar;
    impl EpochOperator for Liar {
        fn name(&self) -> &'static str {
            "liar"
        }
        fn bind(&mut self, header: &EpochsHeader) -> Result<EpochsHeader> {
            Ok(header.clone())
        }
        fn apply(&self, epoch: &mut EpochMut<'_>, _par: &Par) -> Result<()> {
            *epoch.data = Array2::zeros((1, 2));
            Ok(())
        }
    }
    let (stream, data, events) = recording();
    let plan = || EpochsPlan::new(&stream, &events, None, None, &params()).unwrap();
    for (before, after) in [(boxed(Liar), Vec::new()), (Vec::new(), boxed(Liar))] {
        let plan = plan().with_operators(before, after).unwrap();
        let error = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap_err().to_string();
        assert!(error.contains("liar") && error.contains("(1, 2)"), "{error}");
    }
    let error = plan().with_operators(boxed(Half), Vec::new()).unwrap_err().to_string();
    assert!(error.contains("half") && error.contains("times"), "{error}");
    let filter = crate::filter::Filter::new(FilterParams { h_freq: Some(20.0), ..Default::default() });
    let error = plan().with_operators(boxed(MatrixOperator::new(Box::new(filter))), Vec::new()).unwrap_err();
    assert!(error.to_string().contains("matrix over channels"), "{error}");
}

#[test]
fn epochs_that_no_recording_could_hold_are_refused() {
    let (stream, data, events) = recording();
    let with = |tmax| EpochsParams { tmax, baseline: None, reject: vec![], flat: vec![], ..params() };
    // Longer than the recording, as one that was broken off has it: nothing is cut, and nothing is allocated.
    let plan = EpochsPlan::new(&stream, &events, None, None, &with(1000.0)).unwrap();
    let epochs = epochs_from_array(data.view(), &plan, &Par::serial()).unwrap();
    assert_eq!(epochs.data.dim().0, 0);
    assert!(epochs.drop_log.iter().all(|reasons| !reasons.is_empty()));
    assert!(sink::all_dropped(&epochs.drop_log).contains("channels or annotations"));
    let outside = vec![vec!["TOO_SHORT".to_owned()], vec!["IGNORED".into()], vec!["NO_DATA".into()]];
    assert!(sink::all_dropped(&outside).contains("none lies inside the recording"));
    // Milliseconds for seconds.
    let error = EpochsPlan::new(&stream, &events, None, None, &with(5000.0)).unwrap_err().to_string();
    assert!(error.contains("`tmax`") && error.contains("recording of 7.000 s") && error.contains("5000 s"), "{error}");
}
