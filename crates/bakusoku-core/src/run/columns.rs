//! Walks by columns: all channels, block after block.

use super::flow::{Face, Tap};
use super::graph::{Graph, Work};
use super::rechunk::Rechunker;
use super::store::{Held, Store, Tiles};
use super::times::{Clock, Times};
use crate::{Block, Cx, Emit, Error, Expansion, Info, LinearMap, Result, Segment, Sink, Stream};
use ndarray::{Array2, s};
use std::sync::Arc;

/// What a block may weigh (bytes).
const BLOCK_BYTES: u64 = 6_000_000;

/// Samples in a block: the block weighs about [`BLOCK_BYTES`], whatever the number of channels.
pub(super) fn block_len(n_channels: usize) -> u64 {
    (BLOCK_BYTES / (8 * n_channels.max(1) as u64)).clamp(256, 65_536)
}

/// One place of the walk: who listens, where its samples are transposed, and the work that leads on.
struct Place<'w, 'a> {
    index: usize,
    nodes: Vec<usize>,
    sinks: Vec<(usize, &'a mut dyn Sink)>,
    /// What makes the channels that sinks want of the rows that flow here.
    expansion: Option<Arc<Expansion>>,
    tiles: Option<Tiles>,
    branches: Vec<Branch<'w, 'a>>,
    clock: &'w Clock<'w>,
}

struct Branch<'w, 'a> {
    step: Step,
    to: Place<'w, 'a>,
}

/// The work of a branch.
enum Step {
    Operator(Rechunker),
    /// With what is known about the channels that go in.
    Matrix(LinearMap, Arc<Info>),
}

impl<'w, 'a> Place<'w, 'a> {
    fn new(
        graph: &mut Graph,
        taps: &mut [Option<Tap<'a>>],
        index: usize,
        stored: &[usize],
        clock: &'w Clock<'w>,
        cx: &Cx,
    ) -> Result<Self> {
        let place = &graph.places[index];
        let (nodes, expansion) = (place.nodes.clone(), place.expansion.clone());
        let mut sinks = Vec::new();
        for &tap in &place.column_taps {
            if let Some(Tap { face: Face::Sink(sink), .. }) = taps[tap].take() {
                sinks.push((clock.times.slot_of_tap(tap), sink));
            }
        }
        let tiles = stored.contains(&index).then(|| Tiles::new(&place.stream, &cx.spill)).transpose()?;
        let info = Arc::clone(&place.stream.info);
        let mut branches = Vec::new();
        for child in graph.children(index, false).collect::<Vec<_>>() {
            let step = match std::mem::replace(&mut graph.places[child].work, Work::Taken) {
                Work::Operator(operator) => Step::Operator(Rechunker::new(operator)),
                Work::Matrix(map) => Step::Matrix(map, Arc::clone(&info)),
                Work::Source | Work::Row(_) | Work::Taken => continue,
            };
            branches.push(Branch { step, to: Self::new(graph, taps, child, stored, clock, cx)? });
        }
        Ok(Self { index, nodes, sinks, expansion, tiles, branches, clock })
    }

    /// Serves those who listen.
    fn listen(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        let span = block.span();
        let made = match &self.expansion {
            Some(expansion) if self.sinks.iter().any(|(_, sink)| sink.looks_at(span)) => {
                let data = expansion.expand(&cx.par, block.data.view());
                self.clock.spent_on(&self.nodes);
                Some(Block { start: block.start, data })
            }
            Some(_) => return Ok(()),
            None => None,
        };
        let block = made.as_ref().unwrap_or(block);
        for (slot, sink) in &mut self.sinks {
            if self.expansion.is_none() || sink.looks_at(span) {
                let pushed = sink.push(block, cx);
                self.clock.spent_on(&[*slot]);
                pushed.map_err(|error| error.at_node(self.clock.times.name(*slot)))?;
            }
        }
        Ok(())
    }

    fn end(&mut self, cx: &Cx) -> Result<()> {
        for (slot, sink) in &mut self.sinks {
            let ended = sink.end(cx);
            self.clock.spent_on(&[*slot]);
            ended.map_err(|error| error.at_node(self.clock.times.name(*slot)))?;
        }
        self.branches.iter_mut().try_for_each(|branch| branch.to.end(cx))
    }

    fn into_stores(self, out: &mut Vec<(usize, Store)>) {
        out.extend(self.tiles.map(|tiles| (self.index, tiles.into_store())));
        self.branches.into_iter().for_each(|branch| branch.to.into_stores(out));
    }
}

impl Emit for Place<'_, '_> {
    fn emit(&mut self, block: Block, cx: &Cx) -> Result<()> {
        self.clock.spent_on(&self.nodes);
        self.listen(&block, cx)?;
        if let Some(tiles) = &mut self.tiles {
            tiles.push(block.data.view())?;
            self.clock.spent_on(&self.nodes);
        }
        let Some((last, others)) = self.branches.split_last_mut() else { return Ok(()) };
        others.iter_mut().try_for_each(|branch| branch.follow(block.clone(), cx))?;
        last.follow(block, cx)
    }
}

impl Branch<'_, '_> {
    fn follow(&mut self, block: Block, cx: &Cx) -> Result<()> {
        let (clock, node) = (self.to.clock, self.to.nodes[0]);
        let done = match &mut self.step {
            Step::Operator(rechunker) => rechunker.push(block, &mut self.to, cx),
            Step::Matrix(map, info) => multiply(map, info, block, cx).and_then(|block| self.to.emit(block, cx)),
        };
        clock.spent_on(&self.to.nodes);
        done.map_err(|error| error.at_node(clock.times.name(node)))
    }
}

/// Walks from `root`, where samples are held; what was stored on the way.
pub(super) fn walk<'a>(
    held: Held<'_>,
    root: usize,
    stored: &[usize],
    graph: &mut Graph,
    taps: &mut [Option<Tap<'a>>],
    times: &Times,
    share: (f64, f64),
    cx: &Cx,
) -> Result<Vec<(usize, Store)>> {
    let reached = graph.reached(root, false);
    let names: Vec<&str> = reached.iter().skip(1).map(|&place| graph.places[place].name.as_str()).collect();
    let what = if names.is_empty() { "writing".to_owned() } else { names.join(" + ") };
    // Blocks may gain channels on their way.
    let most = reached.iter().map(|&place| graph.places[place].stream.n_channels()).max().unwrap_or(0);
    let stream = graph.places[root].stream.clone();
    let clock = Clock::new(times);
    let mut first = Place::new(graph, taps, root, stored, &clock, cx)?;
    each_block(held, &stream, most, (share, &what), cx, |block| first.emit(block, cx))?;
    first.end(cx)?;
    let mut out = Vec::new();
    first.into_stores(&mut out);
    Ok(out)
}

/// Applies the matrix where the map's segments say so.
fn multiply(map: &LinearMap, info: &Info, mut block: Block, cx: &Cx) -> Result<Block> {
    let span = block.span();
    for segment in &map.segments {
        let Segment::Process(process) = segment else { continue };
        let Some(part) = process.intersect(span) else { continue };
        let (a, b) = ((part.start - block.start) as usize, (part.stop - block.start) as usize);
        let mut input = Array2::zeros((map.channels.len(), b - a));
        for (i, &ch) in map.channels.iter().enumerate() {
            input.row_mut(i).assign(&block.data.slice(s![ch, a..b]));
            if map.finite {
                Error::check_finite(input.row(i), &info.chs[ch].name, part.start, info.sfreq)?;
            }
        }
        let output = map.apply(&cx.par, input.view());
        for (i, &ch) in map.channels.iter().enumerate() {
            block.data.slice_mut(s![ch, a..b]).assign(&output.row(i));
        }
    }
    Ok(block)
}

/// Calls `f` with block after block; as many are read at once as there are threads.
fn each_block(
    held: Held<'_>,
    stream: &Stream,
    n_channels: usize,
    ((begun, part), what): ((f64, f64), &str),
    cx: &Cx,
    mut f: impl FnMut(Block) -> Result<()>,
) -> Result<()> {
    let len = block_len(n_channels);
    let n_blocks = stream.n_times.div_ceil(len);
    let at_once = cx.par.threads() as u64;
    let mut next = 0;
    while next < n_blocks {
        cx.cancel.check()?;
        let n = at_once.min(n_blocks - next);
        let blocks = cx.par.map(n as usize, |index| {
            let start = (next + index as u64) * len;
            let stop = (start + len).min(stream.n_times);
            held.read_block(start, stop).map(|data| Block { start, data })
        });
        for block in blocks {
            f(block?)?;
        }
        next += n;
        cx.report(begun + part * next as f64 / n_blocks as f64, what);
    }
    Ok::<(), Error>(())
}
