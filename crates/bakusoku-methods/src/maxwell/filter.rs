//! The Maxwell filter on an array.

use super::bases::Bases;
use super::params::MaxwellParams;
use super::plan::Plan;
use super::report::MaxwellReport;
use super::stretch::{Finish, Samples, Seen, Stretch};
use bakusoku_core::{Error, Info, Par, Result, Segment};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use std::sync::{Mutex, PoisonError};

/// Chunks that are worked on together, for each thread.
const BATCH: usize = 4;

/// Filters a recording `data`, `(n_channels, n_times)`, of which `segments` say what is processed and what passes
/// unchanged. With head positions nine channels are appended: where the head was (`CHPI000` to `CHPI008`).
///
/// The numbers are those of `mne.preprocessing.maxwell_filter`, but for what MNE fails at: windows of an odd number of
/// samples, stretches that are shorter than ten seconds throughout, and several head positions on one sample (the last
/// one counts). NaN and infinity are an error that names channel and time.
///
/// # Errors
/// When parameters make no sense, do not fit the recording, or samples of MEG channels are not finite.
pub fn maxwell_filter(
    par: &Par,
    info: &Info,
    first_samp: i64,
    segments: &[Segment],
    data: ArrayView2<'_, f64>,
    params: &MaxwellParams,
) -> Result<(Array2<f64>, MaxwellReport)> {
    if data.nrows() != info.n_channels() {
        return Err(Error::Shape {
            what: "data",
            expected: vec![info.n_channels(), data.ncols()],
            got: data.shape().to_vec(),
        });
    }
    check_segments(segments, data.ncols() as u64)?;
    let plan = Plan::new(info, first_samp, segments, params)?;
    let shape = (plan.n_out(), data.ncols());
    let zeros = bakusoku_pool::memory::zeros(shape.0 * shape.1);
    let mut out = Array2::from_shape_vec(shape, zeros).expect("there are as many as the shape says");
    let mut bases = Bases::default();
    let mut report = plan.report.clone();
    let mut rest = out.view_mut();
    let mut layout = 0;
    for segment in segments {
        let span = segment.span();
        let (here, after) = rest.split_at(Axis(1), span.len() as usize);
        rest = after;
        let input = data.slice(s![.., span.range()]);
        match segment {
            _ if span.is_empty() => {}
            Segment::Copy(_) => copy(par, input, here),
            Segment::Process(_) => {
                process(par, &plan, &mut bases, layout, input, here, &mut report)?;
                layout += 1;
            }
        }
    }
    bases.tell(&mut report);
    Ok((out, report))
}

/// Segments follow one another and cover the recording.
fn check_segments(segments: &[Segment], n_times: u64) -> Result<()> {
    let mut at = 0;
    for segment in segments {
        if segment.span().start != at {
            return Err(Error::parameter("segments", "stretches that follow one another", format!("{segments:?}")));
        }
        at = segment.span().stop;
    }
    if at == n_times {
        return Ok(());
    }
    Err(Error::parameter("segments", format!("stretches that cover {n_times} samples"), at))
}

fn copy(par: &Par, input: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) {
    let n = input.nrows();
    let rows: Vec<_> = out.axis_iter_mut(Axis(0)).take(n).map(Mutex::new).collect();
    par.for_each(n, |row| {
        rows[row].lock().unwrap_or_else(PoisonError::into_inner).assign(&input.row(row));
    });
}

fn process(
    par: &Par,
    plan: &Plan,
    bases: &mut Bases,
    index: usize,
    input: ArrayView2<'_, f64>,
    out: ArrayViewMut2<'_, f64>,
    report: &mut MaxwellReport,
) -> Result<()> {
    let layout = &plan.layouts[index];
    let start = layout.span.start;
    let samples = |c: usize, more: usize| {
        let span = layout.chunk(c);
        input.slice(s![.., (span.start - start) as usize..(span.stop - start) as usize + more])
    };
    let mut stretch = Stretch::new(plan, index);
    let (mut seen, mut finished, mut rest) = (0, 0, out);
    while seen < layout.n_chunks() {
        let next = (seen + BATCH * par.threads()).min(layout.n_chunks());
        let chunks: Vec<Seen<'_>> =
            (finished..next).map(|c| Seen { chunk: c, data: samples(c, layout.lookahead(c)) }).collect();
        report.windows.extend(stretch.see(par, plan, bases, &chunks)?);
        seen = next;
        let ready = stretch.ready(plan);
        let mut jobs = Vec::with_capacity(ready - finished);
        for chunk in finished..ready {
            let (here, after) = rest.split_at(Axis(1), layout.chunk(chunk).len() as usize);
            rest = after;
            jobs.push(Finish { chunk, data: Samples::ToChannels(samples(chunk, 0)), out: here });
        }
        stretch.finish(par, plan, bases, jobs)?;
        finished = ready;
    }
    Ok(())
}
