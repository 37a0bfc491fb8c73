//! Physics and laws of the Maxwell filter, on a made-up helmet.

use super::*;
use crate::filter::{Filter, FilterParams};
use crate::resample::{Resample, ResampleParams};
use crate::testing::numbers;
use bakusoku_core::containers::Raw;
use bakusoku_core::run::Flow;
use bakusoku_core::{
    Annotation, Annotations, Block, Channel, ChannelType, CoordFrame, Cx, Error, HeadPosition, HeadPositions, Info,
    Method, Par, Recording, Segment, Sink, Span, Stream, Transform,
};
use bakusoku_pool::SpillDir;
use bakusoku_testing::{Keep, KeepRows, laws};
use ndarray::{Array1, Array2, ArrayView2, s};
use std::sync::Arc;

type Vector = [f64; 3];

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
fn unit(v: Vector) -> Vector {
    v.map(|x| x / dot(v, v).sqrt())
}

/// 102 places on a bowl of 12 cm, each with two planar gradiometers and a magnetometer.
fn helmet() -> Vec<Channel> {
    let mut chs = Vec::new();
    for place in 0..102 {
        // A spiral from the vertex down to below the equator.
        let z = 1.0 - 1.35 * (f64::from(place) + 0.5) / 102.0;
        let (angle, radius) = (f64::from(place) * 2.399_963_229_728_653, (1.0 - z * z).sqrt());
        let ez = [radius * angle.cos(), radius * angle.sin(), z];
        let ex = unit(cross([0.3, -0.5, 0.8], ez));
        let ey = cross(ez, ex);
        for (kind, axes) in [(3012, [ex, ey]), (3012, [ey.map(|x| -x), ex]), (3024, [ex, ey])] {
            let mut loc = [0.0; 12];
            let r = ez.map(|x| 0.12 * x);
            for (k, v) in [r, axes[0], axes[1], ez].into_iter().enumerate() {
                loc[3 * k..3 * k + 3].copy_from_slice(&v);
            }
            let ch_type = if kind == 3024 { ChannelType::Mag } else { ChannelType::Grad };
            let (name, coord_frame) = (format!("MEG{:04}", chs.len() + 1), CoordFrame::DEVICE);
            chs.push(Channel { coord_frame, loc, ..Channel::new(name, ch_type) });
        }
    }
    chs
}

/// The helmet between two other channels.
fn info(bads: &[&str]) -> Info {
    let mut chs = helmet();
    let other = Channel { name: "EEG001".into(), kind: Channel::EEG, unit: Channel::UNIT_V, ..chs[0].clone() };
    chs.insert(0, other.clone());
    chs.push(Channel { name: "EEG002".into(), ..other });
    let dev_head_t = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, [0.02, -0.03, 0.01], [0.0, 0.004, 0.0]);
    Info {
        sfreq: 100.0,
        chs,
        bads: bads.iter().map(|&bad| bad.to_owned()).collect(),
        dev_head_t: Some(dev_head_t),
        ..Info::default()
    }
}

fn params() -> MaxwellParams {
    MaxwellParams { origin: Origin::At([0.0, 0.0, 0.0]), ..MaxwellParams::default() }
}

/// What the channels see of magnetic dipoles of 1 Am² (m, in the head frame), a column each; the others see nothing.
fn dipoles(info: &Info, dev_head_t: &Transform, places: &[(Vector, Vector)]) -> Array2<f64> {
    let chs: Vec<Channel> = helmet();
    let points = super::geometry::Points::of(&chs, CoilDefinitions::Mne).unwrap().seen_from(Some(dev_head_t), [0.0; 3]);
    let mut out = Array2::zeros((info.n_channels(), places.len()));
    for (column, &(at, moment)) in places.iter().enumerate() {
        for (sensor, w) in points.starts.windows(2).enumerate() {
            out[[sensor + 1, column]] = (w[0]..w[1])
                .map(|k| {
                    let d: Vector = std::array::from_fn(|i| points.r[i][k] - at[i]);
                    let n: Vector = std::array::from_fn(|i| points.n[i][k]);
                    let r2 = dot(d, d);
                    1e-7 * (3.0 * dot(moment, d) * dot(n, d) / r2.powf(2.5) - dot(moment, n) / r2.powf(1.5))
                })
                .sum();
        }
    }
    out
}

fn whole(n: usize) -> Vec<Segment> {
    vec![Segment::Process(Span::new(0, n as u64))]
}

fn filtered(info: &Info, data: ArrayView2<'_, f64>, params: &MaxwellParams) -> Array2<f64> {
    maxwell_filter(&Par::new(2), info, 0, &whole(data.ncols()), data, params).unwrap().0
}

/// Largest difference, relative to the largest value of each kind of channel.
fn worst(info: &Info, got: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    let kinds = [Channel::UNIT_T, Channel::UNIT_T_M, Channel::UNIT_V];
    let of = |unit: i32| {
        let rows: Vec<usize> = (0..info.n_channels()).filter(|&i| info.chs[i].unit == unit).collect();
        let largest =
            |x: &Array2<f64>| rows.iter().flat_map(|&i| x.row(i).to_vec()).fold(0.0, |m: f64, x| m.max(x.abs()));
        largest(&(got.slice(s![..info.n_channels(), ..]).to_owned() - expected))
            / largest(expected).max(f64::MIN_POSITIVE)
    };
    kinds.into_iter().map(of).fold(0.0, f64::max)
}

const INNER: [(Vector, Vector); 3] = [
    ([0.02, 0.01, 0.03], [1.0, 0.0, 0.0]),
    ([-0.03, 0.02, 0.02], [0.0, 0.5, 1.0]),
    ([0.0, -0.035, 0.01], [0.3, 1.0, 0.0]),
];
const OUTER: [(Vector, Vector); 2] = [([4.5, 0.3, 0.5], [1.0, 2.0, 0.0]), ([-0.5, 5.5, -0.4], [0.0, 1.0, 1.0])];

#[test]
fn an_inner_dipole_is_kept_and_an_outer_one_shielded() {
    let info = info(&[]);
    let t = info.dev_head_t.unwrap();
    let (inner, outer) = (dipoles(&info, &t, &INNER), dipoles(&info, &t, &OUTER));
    assert!(worst(&info, &filtered(&info, inner.view(), &params()), &inner) < 0.02);
    let left = filtered(&info, outer.view(), &params());
    let power = |x: &Array2<f64>| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(power(&left) < power(&outer) / 100.0, "{} of {}", power(&left), power(&outer));
}

#[test]
fn bad_channels_are_rebuilt_and_others_pass() {
    let bads = ["MEG0003", "MEG0112", "MEG0200"];
    let info = info(&bads);
    let inner = dipoles(&info, &info.dev_head_t.unwrap(), &INNER);
    let mut broken = inner.clone();
    for bad in bads {
        broken.row_mut(info.index_of(bad).unwrap()).fill(f64::NAN);
    }
    broken.row_mut(0).fill(7.0);
    let out = filtered(&info, broken.view(), &params());
    assert!(out.row(0).iter().all(|&x| x == 7.0));
    let mut expected = inner;
    expected.row_mut(0).fill(7.0);
    assert!(worst(&info, &out, &expected) < 0.03);
}

#[test]
fn filtering_twice_is_filtering_once() {
    let info = info(&["MEG0007"]);
    let once = filtered(&info, numbers(308, 50, 1).view(), &params());
    assert!(worst(&info, &filtered(&info, once.view(), &params()), &once) < 1e-10);
}

#[test]
fn a_moved_head_is_brought_to_its_destination() {
    let info = info(&[]);
    let moved = info.dev_head_t.unwrap();
    let still = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, [0.0; 3], [0.003, -0.004, 0.005]);
    let (given, expected) = (dipoles(&info, &moved, &INNER), dipoles(&info, &still, &INNER));
    let to = MaxwellParams { destination: Destination::Transform(still), ..params() };
    assert!(worst(&info, &filtered(&info, given.view(), &to), &expected) < 0.02);
    // The same by head positions, that begin with the recording.
    let at = HeadPosition {
        time: 0.0,
        quat: moved.quat(),
        trans: [moved.matrix[0][3], moved.matrix[1][3], moved.matrix[2][3]],
        gof: 0.99,
        err: 0.001,
        velocity: 0.01,
    };
    let other = Info { dev_head_t: Some(still), ..info.clone() };
    let head_pos = Some(Arc::new(HeadPositions { items: vec![at] }));
    let out = filtered(&other, given.view(), &MaxwellParams { head_pos, ..params() });
    assert_eq!(out.nrows(), 308 + 9);
    assert_eq!(out.column(2).slice(s![308..]).to_vec(), at.to_row()[1..].to_vec());
    assert!(worst(&other, &out, &expected) < 0.02);
}

#[test]
fn interference_from_nearby_is_projected_out() {
    let info = info(&[]);
    let n = 1200;
    let inner = dipoles(&info, &info.dev_head_t.unwrap(), &INNER);
    // Brain, and a magnet that is too near for the outer expansion.
    let course = |f: f64, amplitude: f64| Array1::from_shape_fn(n, |t| amplitude * (t as f64 * f).sin());
    let near = dipoles(&info, &info.dev_head_t.unwrap(), &[([0.0, -0.02, -0.21], [0.0, 0.0, 1.0])]);
    let outer = |column: ndarray::ArrayView1<'_, f64>, wave: Array1<f64>| {
        Array2::from_shape_fn((308, n), |(ch, t)| column[ch] * wave[t])
    };
    let brain = outer(inner.column(0), course(0.11, 1.0)) + outer(inner.column(1), course(0.17, 1.0));
    let mut noise = numbers(308, n, 3);
    noise
        .rows_mut()
        .into_iter()
        .zip(&info.chs)
        .for_each(|(mut row, ch)| row *= if ch.unit == Channel::UNIT_T_M { 6e-4 } else { 6e-6 });
    let data = &brain + &outer(near.column(0), course(0.05, 100.0)) + &noise;
    let expected = filtered(&info, (&brain + &noise).view(), &params());
    let without = filtered(&info, data.view(), &params());
    let with = filtered(&info, data.view(), &MaxwellParams { st_duration: Some(4.0), ..params() });
    let (before, after) = (worst(&info, &without, &expected), worst(&info, &with, &expected));
    assert!(after < before / 20.0, "{before} {after}");
}

fn positions() -> Option<Arc<HeadPositions>> {
    let item = |k: usize| HeadPosition {
        time: 1.03 + 0.7 * k as f64,
        quat: [0.02, -0.03 + 0.002 * k as f64, 0.01],
        trans: [0.001 * k as f64, 0.004, 0.0],
        gof: 0.99,
        err: 0.001,
        velocity: 0.01,
    };
    Some(Arc::new(HeadPositions { items: (0..20).map(item).collect() }))
}

/// White noise, with stretches that are left out.
fn recording() -> Raw {
    let annotation = |onset: f64, duration: f64, description: &str| Annotation {
        onset,
        duration,
        description: description.into(),
        ch_names: Vec::new(),
    };
    let items =
        vec![annotation(3.01, 0.5, "bad_acq_skip"), annotation(9.0, 0.0, "edge"), annotation(9.7, 0.4, "BAD_ACQ_SKIP")];
    let stream = Stream {
        info: Arc::new(info(&["MEG0033", "MEG0100"])),
        first_samp: 100,
        n_times: 1307,
        gaps: Vec::new(),
        annotations: Annotations { orig_time: None, items },
    };
    let mut data = numbers(308, 1307, 9);
    data.rows_mut().into_iter().enumerate().for_each(|(i, mut row)| row *= if i % 3 == 0 { 1e-12 } else { 1e-11 });
    Raw::new(stream, data).unwrap()
}

#[test]
fn a_stream_gives_the_bits_of_the_array_for_any_threads_and_blocks() {
    let raw = recording();
    let (stream, data) = raw.clone().into_parts();
    let segments = stream.segments(&["edge", "bad_acq_skip"]);
    let base = || MaxwellParams { int_order: 5, ext_order: 2, ..params() };
    let windows = |seconds: f64| MaxwellParams { st_duration: Some(seconds), st_correlation: 0.9, ..base() };
    let cases = [
        base(),
        MaxwellParams { head_pos: positions(), ..base() },
        windows(2.0),
        // An odd number of samples.
        windows(1.55),
        MaxwellParams { st_overlap: false, ..windows(2.0) },
        MaxwellParams { head_pos: positions(), mc_interp: McInterp::Linear, ..windows(2.0) },
        MaxwellParams { head_pos: positions(), st_only: true, ..windows(2.0) },
        MaxwellParams { head_pos: positions(), st_fixed: false, ..windows(2.0) },
    ];
    for params in cases {
        let method = MaxwellFilter::new(params.clone());
        let streamed = laws::method(&method, &raw);
        let run = |threads: usize| {
            let par = if threads == 1 { Par::serial() } else { Par::new(threads) };
            maxwell_filter(&par, &stream.info, stream.first_samp, &segments, data.view(), &params).unwrap()
        };
        let ((one, report), (three, again)) = (run(1), run(3));
        assert!(report == again, "threads show in the report");
        assert!(one.iter().zip(&three).all(|(a, b)| a.to_bits() == b.to_bits()), "threads show");
        // As a matrix it is one product of channels by channels, so other bits.
        if params.st_duration.is_some() || params.head_pos.is_some() {
            assert!(one.iter().zip(&streamed).all(|(a, b)| a.to_bits() == b.to_bits()), "{params:?}");
        } else {
            assert!(worst(&stream.info, &streamed, &one) < 1e-13);
        }
        // What is skipped stays as it was.
        assert_eq!(one.slice(s![..308, 301..351]), data.slice(s![.., 301..351]));
    }
}

#[test]
fn windows_of_an_odd_length_blend_without_a_seam() {
    let info = info(&[]);
    let data = numbers(308, 1600, 11);
    let odd = MaxwellParams { st_duration: Some(4.01), st_correlation: 1.0, int_order: 5, ..params() };
    let none = MaxwellParams { st_duration: None, ..odd.clone() };
    // Nothing correlates entirely, so all windows let all pass.
    assert!(worst(&info, &filtered(&info, data.view(), &odd), &filtered(&info, data.view(), &none)) < 1e-12);
}

#[test]
fn filters_and_resampling_go_before_the_last_matrix() {
    let (stream, data) = recording().into_parts();
    let edge = stream.annotations.items[1].clone();
    let raw =
        Raw::new(Stream { annotations: Annotations { orig_time: None, items: vec![edge] }, ..stream }, data).unwrap();
    let base = MaxwellParams { int_order: 5, ..params() };
    let (filter, resample) =
        (Filter::new(FilterParams::new(None, Some(20.0))), Resample::new(ResampleParams::new(50.0)));
    for (maxwell, extra) in [
        (base.clone(), 0),
        (MaxwellParams { st_duration: Some(1.01), st_correlation: 0.4, ..base.clone() }, 0),
        (MaxwellParams { head_pos: positions(), ..base.clone() }, 9),
        (MaxwellParams { head_pos: positions(), st_duration: Some(2.0), st_correlation: 0.4, ..base.clone() }, 9),
        (MaxwellParams { st_duration: Some(2.0), st_correlation: 0.4, st_only: true, ..base }, 0),
    ] {
        let slot = ReportSlot::default();
        let maxwell = MaxwellFilter::new(maxwell).report_into(slot.clone());
        let through = |threads: usize, rows: bool| {
            let cx = Cx::new(Par::new(threads), SpillDir::find(None).unwrap());
            let (mut middle, mut keep, all) = (Keep::default(), Keep::default(), KeepRows::default());
            let mut flow = Flow::straight(raw.stream(), &[&maxwell, &filter, &resample]).unwrap();
            let nodes: Vec<_> = flow.nodes().collect();
            flow.tap(nodes[1], "middle", &mut middle).tap(nodes[3], "end", &mut keep);
            if rows {
                // Whoever wants rows in the middle wants those of channels: no matrix waits.
                flow.tap_rows(nodes[1], "rows", &all);
            }
            flow.run(&raw, &cx).unwrap();
            (middle.into_data(), keep.into_data(), slot.lock().unwrap().clone())
        };
        let expected = through(1, true);
        let found = through(1, false);
        assert_eq!(found.1.dim(), (308 + extra, 654));
        assert_eq!(found.2, expected.2);
        assert!(worst(&raw.stream().info, &found.0, &expected.0.slice(s![..308, ..]).to_owned()) < 1e-13);
        assert!(worst(&raw.stream().info, &found.1, &expected.1.slice(s![..308, ..]).to_owned()) < 1e-12);
        assert_eq!(found.0.slice(s![308.., ..]), expected.0.slice(s![308.., ..]));
        for threads in [2, 3] {
            let other = through(threads, false);
            assert!(other.0 == found.0 && other.1 == found.1, "{threads} threads give other bits");
            assert_eq!(other.2, found.2);
        }
    }
}

#[test]
fn what_cannot_be_is_refused_before_a_sample_is_read() {
    let info = info(&[]);
    let stream = |info: &Info| Stream {
        info: Arc::new(info.clone()),
        first_samp: 0,
        n_times: 500,
        gaps: Vec::new(),
        annotations: Annotations::default(),
    };
    let refuses = |info: &Info, params: MaxwellParams, word: &str| {
        let found = MaxwellFilter::new(params).output(&stream(info)).map(|_| ());
        let error = found.expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    };
    refuses(&info, MaxwellParams { int_order: 17, ..params() }, "Number of requested bases");
    refuses(&info, MaxwellParams { st_duration: Some(5.1), ..params() }, "must be between 0");
    refuses(&info, MaxwellParams { st_correlation: 0.0, ..params() }, "st_correlation");
    refuses(&info, MaxwellParams { st_only: true, ..params() }, "st_only");
    refuses(&info, MaxwellParams { coord_frame: OriginFrame::Meg, head_pos: positions(), ..params() }, "head_pos");
    refuses(&Info { dev_head_t: None, ..info.clone() }, params(), "dev_head_t");
    refuses(&info, MaxwellParams { origin: Origin::At([0.0, f64::NAN, 0.0]), ..params() }, "origin");
    let mut odd = info.clone();
    odd.chs[5].coil_type = 77;
    refuses(&odd, params(), "coil definition");
    odd = info.clone();
    odd.chs.iter_mut().for_each(|ch| ch.loc[0] = 0.0);
    refuses(&odd, params(), "badly conditioned");
}

#[test]
fn a_sample_that_is_no_number_is_named() {
    let (stream, mut data) = recording().into_parts();
    data[[17, 555]] = f64::INFINITY;
    for st_duration in [None, Some(1.0)] {
        let params = MaxwellParams { st_duration, int_order: 5, ..params() };
        let found = maxwell_filter(&Par::new(2), &stream.info, 100, &whole(1307), data.view(), &params);
        let Err(Error::Data { message, .. }) = found else { panic!("it went through") };
        assert!(message.contains("`MEG0017`") && message.contains("5.550 s"), "{message}");
    }
}

#[test]
fn bad_channels_of_a_stream_are_those_of_the_array() {
    let (stream, mut data) = recording().into_parts();
    data.row_mut(41).mapv_inplace(|x| 300.0 * x);
    data.row_mut(77).slice_mut(s![500..]).fill(0.0);
    let maxwell = MaxwellParams { int_order: 5, ext_order: 2, head_pos: positions(), ..params() };
    let params = FindBadsParams { duration: 0.7, min_count: 2, maxwell, ..FindBadsParams::default() };
    let segments = stream.segments(&["edge", "bad_acq_skip"]);
    let par = Par::new(2);
    let whole = find_bad_channels_maxwell(&par, &stream.info, 100, &segments, data.view(), &params).unwrap();
    assert_eq!(
        (whole.noisy.as_slice(), whole.flat.as_slice()),
        (&["MEG0041".to_owned()][..], &["MEG0077".to_owned()][..])
    );
    let bits = |found: &BadChannels| {
        let all = found.scores_noisy.iter().chain(&found.scores_flat).chain(&found.bins);
        all.map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    for (threads, length) in [(1, 1307), (2, 13), (3, 333)] {
        let cx = Cx::new(Par::new(threads), SpillDir::find(None).unwrap());
        let mut search = FindBads::new(&stream, &params, threads).unwrap();
        for start in (0..1307).step_by(length) {
            let stop = (start + length).min(1307);
            let block = Block { start: start as u64, data: data.slice(s![.., start..stop]).to_owned() };
            search.push(&block, &cx).unwrap();
        }
        search.end(&cx).unwrap();
        let found = search.finish();
        assert_eq!(found.intervals, whole.intervals);
        assert_eq!(bits(&found), bits(&whole));
    }
}
