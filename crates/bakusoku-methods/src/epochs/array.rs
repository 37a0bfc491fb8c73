//! Epochs of an array.

use super::cut::Source;
use super::keep::assemble;
use super::plan::{EpochsPlan, Job};
use super::sink::cut_all;
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Error, Par, Result};
use ndarray::ArrayView2;

/// Cuts the epochs of a recording that is in memory, `(n_channels, n_times)` in SI units: the same numbers as from the
/// stream, written where they stay.
///
/// # Errors
/// When the array has another shape than the stream of the plan.
pub fn epochs_from_array(data: ArrayView2<'_, f64>, plan: &EpochsPlan, par: &Par) -> Result<Epochs> {
    let n_channels = plan.picks.iter().max().map_or(0, |last| last + 1);
    if data.nrows() < n_channels || data.ncols() as u64 != plan.n_times_stream {
        return Err(Error::Shape {
            what: "data",
            expected: vec![n_channels, plan.n_times_stream as usize],
            got: data.shape().to_vec(),
        });
    }
    let mut drop_log = plan.selection.drop_log.clone();
    let mut jobs: Vec<Job> = Vec::with_capacity(plan.jobs.len());
    for job in &plan.jobs {
        match &job.dropped {
            Some(reason) => drop_log[job.selection].push(reason.clone()),
            None => jobs.push(job.clone()),
        }
    }
    let size = plan.picks.len() * plan.timeline.n_times;
    // Fresh zeros cost nothing until they are written.
    let mut out = bakusoku_pool::memory::zeros(jobs.len() * size);
    let none = ArrayView2::from_shape((plan.picks.len(), 0), &[]).expect("an empty array has any shape with a zero");
    let source = Source { tail: none, tail_start: 0, block: data, block_start: 0 };
    let reasons = cut_all(plan, &jobs, source, &mut out, par);
    let mut kept = Vec::with_capacity(jobs.len());
    for (index, (job, reasons)) in jobs.iter().zip(reasons).enumerate() {
        if !reasons.is_empty() {
            drop_log[job.selection].extend(reasons);
            continue;
        }
        if kept.len() < index {
            out.copy_within(index * size..(index + 1) * size, kept.len() * size);
        }
        kept.push((job.event, job.selection));
    }
    if kept.is_empty() && !plan.jobs.is_empty() {
        tracing::warn!("all epochs were dropped; the drop log says which channels were the reason");
    }
    Ok(assemble(&plan.header(), kept, out, drop_log))
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::epochs_from_array;
    use crate::testing::{info_of, numbers};
    use bakusoku_core::{Annotation, Annotations, ChannelType, Event, Par, Projector, Stream};
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
            items: vec![Annotation {
                onset: 3.0,
                duration: 0.2,
                description: "BAD_cough".into(),
                ch_names: Vec::new(),
            }],
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
        assert_eq!(
            reasons,
            ["NO_DATA", "", "IGNORED", "eog 005", "BAD_cough", "IGNORED", "", "", "IGNORED", "TOO_SHORT"]
        );
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
}
