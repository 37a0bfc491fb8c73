//! Seconds per row kernel for a recording of 366 channels × 180 s at 1000 Hz, on one thread and on two:
//! `cargo run --release -p bakusoku-methods --example kernels [n_channels] [n_times]`.
//!
//! Input and output are arrays in memory; each figure is the best of three.

#![allow(clippy::print_stdout)]

use bakusoku_core::containers::Raw;
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{
    Annotations, Bound, Channel, ChannelType, Cx, Info, Method, Par, Recording, RowKernel, Scratch, SpillDir, Stream,
};
use bakusoku_methods::filter::{Filter, FilterParams, filter_data};
use bakusoku_methods::notch::{Notch, NotchParams, notch_filter};
use bakusoku_methods::psd::{WelchParams, WelchSink, psd_array_welch};
use bakusoku_methods::resample::{Resample, ResampleMethod, ResampleParams, Resampling, resample};
use ndarray::Array2;
use std::sync::Arc;
use std::time::Instant;

const SFREQ: f64 = 1000.0;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse().expect("a number"));
    let (n_channels, n_times): (usize, usize) = (args.next().unwrap_or(366), args.next().unwrap_or(180_000));
    let x =
        Array2::from_shape_fn((n_channels, n_times), |(ch, t)| ((t * 31 + t * t % 97 + ch * 7) % 193) as f64 - 96.0);
    println!("{n_channels} channels x {n_times} samples at {SFREQ} Hz: seconds on 1 and 2 threads");
    let notch = NotchParams::new([50.0, 100.0, 150.0, 200.0]);
    let band = FilterParams::new(Some(1.0), Some(40.0));
    let slow = FilterParams::new(Some(0.1), Some(40.0));
    let resampling = ResampleParams::new(250.0).resampling();
    let polyphase = Resampling { method: ResampleMethod::Polyphase, ..resampling.clone() };
    let welch = WelchParams { n_fft: Some(2048), n_overlap: 1024, ..WelchParams::default() };
    time("notch 50:200 Hz", |par| drop(notch_filter(par, x.view(), SFREQ, &notch).expect("it can")));
    time("FIR 1-40 Hz", |par| drop(filter_data(par, x.view(), SFREQ, &band).expect("it can")));
    time("FIR 0.1-40 Hz", |par| drop(filter_data(par, x.view(), SFREQ, &slow).expect("it can")));
    time("resample, FFT", |par| drop(resample(par, x.view(), 250.0, SFREQ, &resampling).expect("it can")));
    time("resample, polyphase", |par| drop(resample(par, x.view(), 250.0, SFREQ, &polyphase).expect("it can")));
    time("Welch 2048", |par| drop(psd_array_welch(par, x.view(), SFREQ, &welch).expect("it can")));

    let input = stream(n_channels, n_times);
    let [notch, band] = [rows(&Notch::new(notch), &input), rows(&Filter::new(band), &input)];
    let both = notch.fuse(&*band).expect("they work on the same stretches");
    time("notch, FIR 1-40 Hz", |par| lead(par, &x, &[&*notch, &*band]));
    time("the same, fused", |par| lead(par, &x, &[&*both]));
    let resample = rows(&Resample::new(ResampleParams::new(250.0)), &input);
    time("both, resample, FFT", |par| lead(par, &x, &[&*both, &*resample]));
    if let Some(all) = both.fuse(&*resample) {
        time("the same, fused", |par| lead(par, &x, &[&*all]));
    }
    let raw = Raw::new(input, x).expect("the stream is the array's");
    time("a flow of them", |par| flow(par, &raw, &[(1.0, 40.0)]));
    time("a flow of two bands", |par| flow(par, &raw, &[(1.0, 40.0), (1.0, 100.0)]));
}

fn time(what: &str, f: impl Fn(&Par)) {
    let best = |par: Par| {
        let run = |_| {
            let start = Instant::now();
            f(&par);
            start.elapsed().as_secs_f64()
        };
        (0..3).map(run).fold(f64::INFINITY, f64::min)
    };
    println!("{what:<22} {:>7.3} {:>7.3}", best(Par::serial()), best(Par::new(2)));
}

/// Leads every row through the kernels, as the runner does: buffers are kept from row to row.
fn lead(par: &Par, x: &Array2<f64>, kernels: &[&dyn RowKernel]) {
    let state = || (Scratch::default(), Vec::new(), Vec::new());
    par.for_each_init(x.nrows(), state, |(scratch, a, b), ch| {
        a.resize(x.ncols(), 0.0);
        a.copy_from_slice(x.row(ch).as_slice().expect("rows are contiguous"));
        for kernel in kernels {
            b.resize(kernel.n_out(), 0.0);
            kernel.run(ch, a, b, scratch).expect("it can");
            std::mem::swap(a, b);
        }
        std::hint::black_box(&a);
    });
}

/// Notch; for each of the bands filter, resampling, spectra.
fn flow(par: &Par, raw: &Raw, bands: &[(f64, f64)]) {
    let notch = Notch::new(NotchParams::new([50.0, 100.0, 150.0, 200.0]));
    let filters: Vec<Filter> =
        bands.iter().map(|&(l_freq, h_freq)| Filter::new(FilterParams::new(Some(l_freq), Some(h_freq)))).collect();
    let resample = Resample::new(ResampleParams::new(250.0));
    let mut spectra = Vec::new();
    let resampled = resample.output(raw.stream()).expect("it can");
    bands.iter().for_each(|_| spectra.push(WelchSink::new(&WelchParams::default(), &resampled).expect("it can")));
    let mut flow = Flow::new(raw.stream());
    let notched = flow.add(NodeId::SOURCE, "notch", &notch).expect("it can");
    for (filter, spectrum) in filters.iter().zip(&mut spectra) {
        let filtered = flow.add(notched, "filter", filter).expect("it can");
        let resampled = flow.add(filtered, "resample", &resample).expect("it can");
        flow.tap(resampled, "spectrum", spectrum);
    }
    let cx = Cx::new(par.clone(), SpillDir::find(None).expect("there is a folder"));
    flow.run(raw, &cx).expect("it can");
}

fn rows(method: &dyn Method, input: &Stream) -> Box<dyn RowKernel> {
    match method.bind(input).expect("the parameters fit") {
        Bound::Rows(kernel) => kernel,
        _ => unreachable!("filters work row by row"),
    }
}

fn stream(n_channels: usize, n_times: usize) -> Stream {
    let channel = |index: usize| Channel::new(format!("EEG {index:03}"), ChannelType::Eeg);
    let info = Info { sfreq: SFREQ, chs: (0..n_channels).map(channel).collect(), ..Info::default() };
    Stream {
        info: Arc::new(info),
        first_samp: 0,
        n_times: n_times as u64,
        gaps: Vec::new(),
        annotations: Annotations::default(),
    }
}
