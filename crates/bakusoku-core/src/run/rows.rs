//! Row stages: every channel on its own, all its samples.

use super::columns;
use super::stage::{Nodes, RowStep};
use super::store::{Held, Store, TILE};
use crate::{Bytes, Cx, Error, Picks, Result, RowSink, Scratch, Stream};
use ndarray::ArrayViewMut2;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More passes over a source than this cost more than turning it round once.
pub(super) const MAX_PASSES: u64 = 8;
/// Samples that are read at once from each channel of a group.
const CHUNK: u64 = 8192;

/// How many channels of the source are held at once.
fn group_len(stream: &Stream, threads: usize, memory: Bytes) -> u64 {
    let row = (stream.n_times * 8).max(1);
    let hand = 4 * row * threads as u64;
    (memory.0.saturating_sub(hand) / row).clamp(threads as u64, stream.n_channels().max(threads) as u64)
}

/// How often the source would be read to see all its rows.
pub(super) fn passes(stream: &Stream, threads: usize, memory: Bytes) -> u64 {
    (stream.n_channels() as u64).div_ceil(group_len(stream, threads, memory))
}

/// One place along a row stage: who listens, where the row is kept, and the kernel that leads on.
struct Place<'s, 'a> {
    row_sinks: Vec<&'a dyn RowSink>,
    store: Option<Store>,
    next: Option<(&'s RowStep, &'static str)>,
}

/// Runs a row stage; afterwards every tap up to its end has been served, but for the columns of its last place, which
/// the next stage (or the end) walks anyway.
pub(super) fn run<'a>(
    held: Held<'a>,
    from: usize,
    steps: Vec<RowStep>,
    nodes: &mut Nodes<'a>,
    share: (f64, f64),
    cx: &Cx,
) -> Result<Held<'a>> {
    if nodes.wants_columns(from) {
        columns::walk(&held, from, nodes, share, cx)?;
    }
    let last = steps[steps.len() - 1].to;
    let next = Some((&steps[0], nodes.names[steps[0].to - 1]));
    let mut places = vec![Place { row_sinks: nodes.take_row_sinks(from), store: None, next }];
    for (index, step) in steps.iter().enumerate() {
        let goes_on = step.to == last && step.to + 1 < nodes.streams.len();
        let store = if goes_on || nodes.wants_columns(step.to) {
            Some(Store::for_rows(&nodes.streams[step.to], &cx.spill)?)
        } else {
            None
        };
        let next = steps.get(index + 1).map(|next| (next, nodes.names[next.to - 1]));
        places.push(Place { row_sinks: nodes.take_row_sinks(step.to), store, next });
    }
    let what = steps.iter().map(|step| nodes.names[step.to - 1]).collect::<Vec<_>>().join(" + ");
    each_row(&held, &nodes.streams[from], share, &what, cx, |ch, row, scratch| {
        along(&places, &nodes.streams[from], ch, row, scratch)
    })?;
    drop(held);
    let mut stores: Vec<Option<Store>> = places.into_iter().map(|place| place.store).collect();
    let end = stores.pop().expect("a stage has an end");
    for (step, store) in steps.iter().zip(stores.into_iter().skip(1)) {
        if let Some(store) = store {
            columns::walk(&Held::Store(store), step.to, nodes, share, cx)?;
        }
    }
    match end {
        Some(store) => Ok(Held::Store(store)),
        // Nobody wants what comes out of the last step but the row sinks, which have had it.
        None => Ok(Held::Nothing),
    }
}

/// Leads one row along the places of a stage.
fn along(places: &[Place<'_, '_>], stream: &Stream, ch: usize, row: &[f64], scratch: &mut Scratch) -> Result<()> {
    let mut current: Option<Vec<f64>> = None;
    for place in places {
        let here = current.as_deref().unwrap_or(row);
        for sink in &place.row_sinks {
            if sink.wants(ch) {
                sink.push_row(ch, here, scratch)?;
            }
        }
        if let Some(store) = &place.store {
            store.write_row(ch, 0, here)?;
        }
        let Some((step, method)) = place.next else { continue };
        if step.kernel.passes(ch) {
            continue;
        }
        let mut out = scratch.take(step.kernel.n_out());
        let done = step.kernel.run(ch, here, &mut out, scratch);
        done.map_err(|source| Error::Channel {
            method,
            channel: stream.info.chs[ch].name.clone(),
            source: Box::new(source),
        })?;
        if let Some(old) = current.replace(out) {
            scratch.give(old);
        }
    }
    if let Some(old) = current {
        scratch.give(old);
    }
    Ok(())
}

/// Serves the row sinks of a place from what is held.
pub(super) fn walk<'a>(held: &Held<'a>, node: usize, nodes: &mut Nodes<'a>, share: (f64, f64), cx: &Cx) -> Result<()> {
    let places = [Place { row_sinks: nodes.take_row_sinks(node), store: None, next: None }];
    let stream = &nodes.streams[node];
    each_row(held, stream, share, "rows", cx, |ch, row, scratch| along(&places, stream, ch, row, scratch))
}

/// Calls `f` with every row, several at once.
fn each_row(
    held: &Held<'_>,
    stream: &Stream,
    share: (f64, f64),
    what: &str,
    cx: &Cx,
    f: impl Fn(usize, &[f64], &mut Scratch) -> Result<()> + Sync,
) -> Result<()> {
    let (n_channels, n_times) = (stream.n_channels(), stream.n_times as usize);
    let done = AtomicUsize::new(0);
    let kept = Mutex::new(Vec::<Scratch>::new());
    // Work space outlives a group: fresh pages cost more than the arithmetic on them.
    let scratch = || Lent::new(&kept);
    let finished = |_ch: usize| {
        let n = done.fetch_add(1, Ordering::Relaxed) + 1;
        cx.report(share.0 + share.1 * n as f64 / n_channels as f64, what);
    };
    match held {
        Held::Source(source) if passes(stream, cx.par.threads(), cx.memory) > MAX_PASSES => {
            let store = turn(&Held::Source(*source), stream, cx)?;
            each_row(&Held::Store(store), stream, share, what, cx, f)
        }
        Held::Source(source) => {
            let group = group_len(stream, cx.par.threads(), cx.memory) as usize;
            let mut buffer = vec![0.0; group.min(n_channels) * n_times];
            for start in (0..n_channels).step_by(group) {
                let stop = (start + group).min(n_channels);
                let picks = Picks::new((start..stop).collect(), n_channels)?;
                let n = stop - start;
                let buffer = &mut buffer[..n * n_times];
                read_group(*source, &picks, n_times, buffer, cx)?;
                let buffer = &*buffer;
                cx.par.try_for_each_init(n, scratch, |scratch, index| {
                    cx.cancel.check()?;
                    let mut row = scratch.get().take(n_times);
                    gather(buffer, n, n_times, index, &mut row);
                    f(start + index, &row, scratch.get())?;
                    scratch.get().give(row);
                    finished(start + index);
                    Ok::<(), Error>(())
                })?;
            }
            Ok(())
        }
        Held::Store(store) => cx.par.try_for_each_init(n_channels, scratch, |scratch, ch| {
            cx.cancel.check()?;
            let mut row = scratch.get().take(n_times);
            store.read_row(ch, 0, &mut row)?;
            f(ch, &row, scratch.get())?;
            scratch.get().give(row);
            finished(ch);
            Ok(())
        }),
        Held::Nothing => Ok(()),
    }
}

/// Reads a group of channels into tiles of `CHUNK` samples, several at once.
fn read_group(source: &dyn crate::Recording, picks: &Picks, n_times: usize, buffer: &mut [f64], cx: &Cx) -> Result<()> {
    let n = picks.len();
    let failed = Mutex::new(None);
    cx.par.for_each_chunk_mut(buffer, n * CHUNK as usize, |index, tile| {
        let start = index as u64 * CHUNK;
        let stop = (start + CHUNK).min(n_times as u64);
        let mut read = || -> Result<()> {
            cx.cancel.check()?;
            let out = ArrayViewMut2::from_shape((n, (stop - start) as usize), tile)
                .expect("a tile holds its channels' samples");
            source.read(start..stop, picks, out)
        };
        if let Err(error) = read() {
            let mut failed = failed.lock().expect("nothing panics while it is held");
            if failed.as_ref().is_none_or(|(at, _)| *at > index) {
                *failed = Some((index, error));
            }
        }
    });
    match failed.into_inner().expect("nothing panics while it is held") {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// The row `index` of a group that lies in tiles.
fn gather(buffer: &[f64], n: usize, n_times: usize, index: usize, row: &mut [f64]) {
    for start in (0..n_times).step_by(CHUNK as usize) {
        let len = (CHUNK as usize).min(n_times - start);
        let at = start * n + index * len;
        row[start..start + len].copy_from_slice(&buffer[at..at + len]);
    }
}

/// Writes what is held, column by column, where it can be read row by row.
fn turn(held: &Held<'_>, stream: &Stream, cx: &Cx) -> Result<Store> {
    let store = Store::for_columns(stream, &cx.spill)?;
    let n_tiles = stream.n_times.div_ceil(TILE) as usize;
    cx.par.try_for_each(n_tiles, |index| {
        cx.cancel.check()?;
        let start = index as u64 * TILE;
        let stop = (start + TILE).min(stream.n_times);
        let block = held.read_block(stream, start, stop)?;
        store.write_tile(start, block.as_slice().expect("a fresh array is contiguous"))
    })?;
    Ok(store)
}

/// A work space on loan from those that are kept between groups.
struct Lent<'k> {
    kept: &'k Mutex<Vec<Scratch>>,
    scratch: Scratch,
}

impl<'k> Lent<'k> {
    fn new(kept: &'k Mutex<Vec<Scratch>>) -> Self {
        let scratch = kept.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
        Self { kept, scratch }
    }
    fn get(&mut self) -> &mut Scratch {
        &mut self.scratch
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.kept.lock() {
            kept.push(std::mem::take(&mut self.scratch));
        }
    }
}
