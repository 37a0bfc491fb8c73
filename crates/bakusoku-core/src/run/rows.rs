//! Walks by rows: every channel on its own, all its samples.

use super::flow::Tap;
use super::graph::{Graph, Work};
use super::store::{Held, Store, TILE};
use super::times::{Busy, Times};
use crate::{Bytes, Cx, Error, Picks, Result, RowKernel, RowSink, Scratch, Stream};
use ndarray::ArrayViewMut2;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More passes over a source than this cost more than transposing it once.
const MAX_PASSES: u64 = 8;
/// Samples that are read at once from each channel of a group.
const CHUNK: u64 = 8192;

/// What threads have in hand while they walk by rows, beside the group of channels that was read (bytes).
pub(super) struct Hand {
    /// Rows, of all threads.
    pub rows: u64,
    /// Work space of kernels and sinks, of all threads.
    pub scratch: u64,
}

impl Hand {
    /// `rows_of` finds the sinks by the taps' indices.
    pub(super) fn new<'t>(
        graph: &Graph,
        rows_of: &dyn Fn(usize) -> Option<&'t dyn RowSink>,
        root: usize,
        threads: usize,
    ) -> Self {
        let places = graph.reached(root, true);
        let longest = places.iter().map(|&place| graph.places[place].stream.n_times).max().unwrap_or(0);
        let mut scratch = 0;
        for &place in &places {
            if let Work::Row(kernel) = &graph.places[place].work {
                scratch += kernel.scratch_bytes();
            }
            let sinks = graph.places[place].row_taps.iter().filter_map(|&tap| rows_of(tap));
            scratch += sinks.map(|sink| sink.scratch_bytes()).sum::<u64>();
        }
        // Beside the rows of the walk, the one that came in.
        let rows = (rows_alive(graph, root, 0) + 1) * longest * 8;
        Self { rows: rows * threads as u64, scratch: scratch * threads as u64 }
    }
}

/// Rows that one thread holds at most from a place on, `own` of which is the place's.
fn rows_alive(graph: &Graph, place: usize, own: u64) -> u64 {
    let children: Vec<usize> = graph.children(place, true).collect();
    let mut most = own;
    for (index, &child) in children.iter().enumerate() {
        let kept = if index + 1 < children.len() { own } else { 0 };
        most = most.max(own + 1).max(kept + rows_alive(graph, child, 1));
    }
    most
}

/// How many channels of the source are held at once.
pub(super) fn group_len(stream: &Stream, threads: usize, memory: Bytes, hand: &Hand) -> u64 {
    let row = (stream.n_times * 8).max(1);
    let room = memory.0.saturating_sub(hand.rows + hand.scratch);
    (room / row).clamp(threads as u64, stream.n_channels().max(threads) as u64)
}

/// Whether the source is transposed first, since it would be read too often.
pub(super) fn transposes(stream: &Stream, group: u64) -> bool {
    (stream.n_channels() as u64).div_ceil(group) > MAX_PASSES
}

/// One place of the walk: who listens, where its rows are stored, and the kernels that lead on.
struct Place<'w> {
    index: usize,
    nodes: &'w [usize],
    sinks: Vec<(usize, &'w dyn RowSink)>,
    store: Option<Store>,
    branches: Vec<Branch<'w>>,
}

struct Branch<'w> {
    kernel: &'w dyn RowKernel,
    to: Place<'w>,
}

/// A row on its way: lent, or owned and given back when nobody needs it any more.
enum Row<'r> {
    Lent(&'r [f64]),
    Owned(Vec<f64>),
}

impl Row<'_> {
    fn samples(&self) -> &[f64] {
        match self {
            Row::Lent(samples) => samples,
            Row::Owned(samples) => samples,
        }
    }
    fn give_back(self, scratch: &mut Scratch) {
        if let Row::Owned(samples) = self {
            scratch.give(samples);
        }
    }
}

/// What all places of a walk know.
struct Common<'w> {
    times: &'w Times,
    busy: &'w Busy<'w>,
    /// Where the walk starts: its channels name those of errors.
    stream: &'w Stream,
}

impl<'w> Place<'w> {
    fn new(graph: &'w Graph, taps: &'w [Option<Tap<'_>>], index: usize, stored: &[usize], cx: &Cx) -> Result<Self> {
        let place = &graph.places[index];
        let rows = |&tap: &usize| Some((tap, taps[tap].as_ref()?.face.rows()?));
        let sinks = place.row_taps.iter().filter_map(rows).collect();
        let store = stored.contains(&index).then(|| Store::for_rows(&place.stream, &cx.spill)).transpose()?;
        let mut branches = Vec::new();
        for child in graph.children(index, true) {
            if let Work::Row(kernel) = &graph.places[child].work {
                branches.push(Branch { kernel: &**kernel, to: Self::new(graph, taps, child, stored, cx)? });
            }
        }
        Ok(Self { index, nodes: &place.nodes, sinks, store, branches })
    }

    /// Leads a row through this place and all behind it.
    fn visit(&self, ch: usize, row: Row<'_>, scratch: &mut Scratch, common: &Common<'_>) -> Result<()> {
        for (tap, sink) in self.sinks.iter().filter(|(_, sink)| sink.wants(ch)) {
            let slot = common.times.slot_of_tap(*tap);
            let pushed = common.busy.count(&[slot], || sink.push_row(ch, row.samples(), scratch));
            pushed.map_err(|error| error.at_node(common.times.name(slot)))?;
        }
        if let Some(store) = &self.store {
            common.busy.count(self.nodes, || store.write_row(ch, 0, row.samples()))?;
        }
        let Some((last, others)) = self.branches.split_last() else {
            row.give_back(scratch);
            return Ok(());
        };
        for branch in others {
            branch.follow(ch, Row::Lent(row.samples()), scratch, common)?;
        }
        last.follow(ch, row, scratch, common)
    }

    fn into_stores(self, out: &mut Vec<(usize, Store)>) {
        out.extend(self.store.map(|store| (self.index, store)));
        self.branches.into_iter().for_each(|branch| branch.to.into_stores(out));
    }
}

impl Branch<'_> {
    fn follow(&self, ch: usize, row: Row<'_>, scratch: &mut Scratch, common: &Common<'_>) -> Result<()> {
        if self.kernel.passes(ch) {
            return self.to.visit(ch, row, scratch, common);
        }
        let mut out = scratch.take(self.kernel.n_out());
        let done = common.busy.count(self.to.nodes, || self.kernel.run(ch, row.samples(), &mut out, scratch));
        done.map_err(|source| Error::Channel {
            node: self.to.nodes.iter().map(|&node| common.times.name(node)).collect::<Vec<_>>().join(" + "),
            channel: common.stream.info.chs[ch].name.clone(),
            source: Box::new(source),
        })?;
        row.give_back(scratch);
        self.to.visit(ch, Row::Owned(out), scratch, common)
    }
}

/// Walks from `root`, where samples are held; what was stored on the way.
pub(super) fn walk(
    held: Held<'_>,
    root: usize,
    stored: &[usize],
    graph: &Graph,
    taps: &[Option<Tap<'_>>],
    times: &Times,
    share: (f64, f64),
    cx: &Cx,
) -> Result<Vec<(usize, Store)>> {
    let first = Place::new(graph, taps, root, stored, cx)?;
    let stream = &graph.places[root].stream;
    let hand = Hand::new(graph, &|tap: usize| taps[tap].as_ref()?.face.rows(), root, cx.par.threads());
    let group = group_len(stream, cx.par.threads(), cx.memory, &hand);
    let reached = graph.reached(root, true);
    let names: Vec<&str> = reached.iter().skip(1).map(|&place| graph.places[place].name.as_str()).collect();
    let what = if names.is_empty() { "rows".to_owned() } else { names.join(" + ") };
    let busy = Busy::new(times);
    let common = Common { times, busy: &busy, stream };
    let progress = (share, what.as_str());
    each_row(held, stream, group, first.nodes, &busy, progress, cx, |ch, row, scratch| {
        first.visit(ch, Row::Lent(row), scratch, &common)
    })?;
    busy.finish();
    let mut out = Vec::new();
    first.into_stores(&mut out);
    Ok(out)
}

/// Calls `f` with every row, several at once.
fn each_row(
    held: Held<'_>,
    stream: &Stream,
    group: u64,
    nodes: &[usize],
    busy: &Busy<'_>,
    ((begun, part), what): ((f64, f64), &str),
    cx: &Cx,
    f: impl Fn(usize, &[f64], &mut Scratch) -> Result<()> + Sync,
) -> Result<()> {
    let (n_channels, n_times) = (stream.n_channels(), stream.n_times as usize);
    let done = AtomicUsize::new(0);
    let kept = Mutex::new(Vec::<Scratch>::new());
    // Work space outlives a group: fresh pages cost more than the arithmetic on them.
    let scratch = || ScratchGuard::new(&kept);
    let finished = || {
        let n = done.fetch_add(1, Ordering::Relaxed) + 1;
        cx.report(begun + part * n as f64 / n_channels as f64, what);
    };
    match held {
        Held::Source(_) if transposes(stream, group) => {
            let store = busy.count(nodes, || transpose(held, stream, cx))?;
            each_row(Held::Store(&store), stream, group, nodes, busy, ((begun, part), what), cx, f)
        }
        Held::Source(source) => {
            let group = group as usize;
            let mut buffer = vec![0.0; group.min(n_channels) * n_times];
            for start in (0..n_channels).step_by(group) {
                let stop = (start + group).min(n_channels);
                let picks = Picks::new((start..stop).collect(), n_channels)?;
                let n = stop - start;
                let buffer = &mut buffer[..n * n_times];
                // All threads read: their time counts as much as that of as many busy ones.
                let threads = cx.par.threads() as u32;
                busy.count_times(threads, nodes, || read_group(source, &picks, n_times, buffer, cx))?;
                let buffer = &*buffer;
                cx.par.try_for_each_init(n, scratch, |scratch, index| {
                    cx.cancel.check()?;
                    let mut row = scratch.get().take(n_times);
                    busy.count(nodes, || gather(buffer, n, n_times, index, &mut row));
                    f(start + index, &row, scratch.get())?;
                    scratch.get().give(row);
                    finished();
                    Ok::<(), Error>(())
                })?;
            }
            Ok(())
        }
        Held::Store(store) => cx.par.try_for_each_init(n_channels, scratch, |scratch, ch| {
            cx.cancel.check()?;
            let mut row = scratch.get().take(n_times);
            busy.count(nodes, || store.read_row(ch, 0, &mut row))?;
            f(ch, &row, scratch.get())?;
            scratch.get().give(row);
            finished();
            Ok(())
        }),
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
fn transpose(held: Held<'_>, stream: &Stream, cx: &Cx) -> Result<Store> {
    let store = Store::for_columns(stream, &cx.spill)?;
    let n_tiles = stream.n_times.div_ceil(TILE) as usize;
    cx.par.try_for_each(n_tiles, |index| {
        cx.cancel.check()?;
        let start = index as u64 * TILE;
        let stop = (start + TILE).min(stream.n_times);
        let block = held.read_block(start, stop)?;
        store.write_tile(start, block.as_slice().expect("a fresh array is contiguous"))
    })?;
    Ok(store)
}

/// A work space on loan from those that are kept between groups.
struct ScratchGuard<'k> {
    kept: &'k Mutex<Vec<Scratch>>,
    scratch: Scratch,
}

impl<'k> ScratchGuard<'k> {
    fn new(kept: &'k Mutex<Vec<Scratch>>) -> Self {
        let scratch = kept.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default();
        Self { kept, scratch }
    }
    fn get(&mut self) -> &mut Scratch {
        &mut self.scratch
    }
}

impl Drop for ScratchGuard<'_> {
    fn drop(&mut self) {
        if let Ok(mut kept) = self.kept.lock() {
            kept.push(std::mem::take(&mut self.scratch));
        }
    }
}
