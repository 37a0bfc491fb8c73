//! Column stages: all channels, block after block.

use super::cut::Cutter;
use super::stage::{ColumnStep, ColumnWork, Nodes};
use super::store::{Held, Tiles};
use crate::{Block, Cx, Emit, Error, Expansion, Info, LinearMap, Result, Segment, Sink, Stream};
use bakusoku_math::linalg;
use ndarray::{Array2, s};
use std::sync::Arc;

/// What a block may weigh (bytes).
const BLOCK_BYTES: u64 = 6_000_000;

/// Samples in a block: the block weighs about [`BLOCK_BYTES`], whatever the number of channels.
fn block_len(n_channels: usize) -> u64 {
    (BLOCK_BYTES / (8 * n_channels.max(1) as u64)).clamp(256, 65_536)
}

/// One place along a column stage: who listens, where the matrix is turned round, and the work that leads on.
struct Place<'a> {
    sinks: Vec<&'a mut dyn Sink>,
    /// What makes the channels that sinks want of the rows that flow here.
    expansion: Option<Arc<Expansion>>,
    tiles: Option<Tiles>,
    next: Option<Work>,
}

impl Place<'_> {
    /// Serves those who listen.
    fn listen(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        let Some(expansion) = &self.expansion else {
            return self.sinks.iter_mut().try_for_each(|sink| sink.push(block, cx));
        };
        let span = block.span();
        if !self.sinks.iter().any(|sink| sink.looks_at(span)) {
            return Ok(());
        }
        let whole = Block { start: block.start, data: expansion.expand(&cx.par, block.data.view()) };
        self.sinks.iter_mut().filter(|sink| sink.looks_at(span)).try_for_each(|sink| sink.push(&whole, cx))
    }
}

/// Work on columns, ready to take blocks.
enum Work {
    Operator(Cutter),
    Matrix(LinearMap, Arc<Info>),
}

/// Runs a column stage; afterwards every tap up to its end has been served.
pub(super) fn run<'a>(
    held: Held<'a>,
    from: usize,
    steps: Vec<ColumnStep>,
    nodes: &mut Nodes<'a>,
    share: (f64, f64),
    cx: &Cx,
) -> Result<Held<'a>> {
    let last = steps[steps.len() - 1].to;
    let what = steps.iter().map(|step| nodes.names[step.to - 1]).collect::<Vec<_>>().join(" + ");
    // Rows of the first place come from what is held already.
    if nodes.wants_rows(from) {
        super::rows::walk(&held, from, nodes, share, cx)?;
    }
    let mut places = vec![Place { sinks: nodes.take_sinks(from), expansion: None, tiles: None, next: None }];
    let mut tos = vec![from];
    for step in steps {
        let before = &nodes.streams[tos[tos.len() - 1]];
        let work = match step.work {
            ColumnWork::Operator(operator) => Work::Operator(Cutter::new(operator)),
            ColumnWork::Matrix(map) => Work::Matrix(map, Arc::clone(&before.info)),
        };
        places.last_mut().expect("there is a first place").next = Some(work);
        let goes_on = step.to == last && step.to + 1 < nodes.streams.len();
        let turn = goes_on || nodes.wants_rows(step.to);
        let tiles = if turn { Some(Tiles::new(&nodes.streams[step.to], &cx.spill)?) } else { None };
        let expansion = nodes.expansion(step.to);
        places.push(Place { sinks: nodes.take_sinks(step.to), expansion, tiles, next: None });
        tos.push(step.to);
    }
    // Blocks may gain channels on their way.
    let most = tos.iter().map(|&place| nodes.streams[place].n_channels()).max().unwrap_or(0);
    each_block(&held, &nodes.streams[from], most, share, &what, cx, |block| Rest(&mut places).emit(block, cx))?;
    for place in &mut places {
        for sink in &mut place.sinks {
            sink.end(cx)?;
        }
    }
    drop(held);
    let mut end = Held::Nothing;
    for (place, to) in places.into_iter().zip(tos) {
        let Some(tiles) = place.tiles else { continue };
        let store = Held::Store(tiles.into_store());
        if nodes.wants_rows(to) {
            super::rows::walk(&store, to, nodes, share, cx)?;
        }
        if to == last {
            end = store;
        }
    }
    Ok(end)
}

/// Serves the column sinks of a place from what is held.
pub(super) fn walk<'a>(held: &Held<'a>, node: usize, nodes: &mut Nodes<'a>, share: (f64, f64), cx: &Cx) -> Result<()> {
    let mut sinks = nodes.take_sinks(node);
    let stream = &nodes.streams[node];
    each_block(held, stream, stream.n_channels(), share, "writing", cx, |block| {
        sinks.iter_mut().try_for_each(|sink| sink.push(&block, cx))
    })?;
    sinks.iter_mut().try_for_each(|sink| sink.end(cx))
}

/// The places that a block still has before it.
struct Rest<'p, 'a>(&'p mut [Place<'a>]);

impl Emit for Rest<'_, '_> {
    fn emit(&mut self, block: Block, cx: &Cx) -> Result<()> {
        let (here, rest) = self.0.split_first_mut().expect("a block has a place to go");
        here.listen(&block, cx)?;
        if let Some(tiles) = &mut here.tiles {
            tiles.push(block.data.view())?;
        }
        match &mut here.next {
            None => Ok(()),
            Some(Work::Operator(cutter)) => cutter.push(block, &mut Rest(rest), cx),
            Some(Work::Matrix(map, info)) => {
                let block = multiply(map, info, block, cx)?;
                Rest(rest).emit(block, cx)
            }
        }
    }
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
        let output = linalg::matmul(&cx.par, map.matrix.view(), input.view());
        for (i, &ch) in map.channels.iter().enumerate() {
            block.data.slice_mut(s![ch, a..b]).assign(&output.row(i));
        }
    }
    Ok(block)
}

/// Calls `f` with block after block; as many are read at once as there are threads.
fn each_block(
    held: &Held<'_>,
    stream: &Stream,
    n_channels: usize,
    share: (f64, f64),
    what: &str,
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
            held.read_block(stream, start, stop).map(|data| Block { start, data })
        });
        for block in blocks {
            f(block?)?;
        }
        next += n;
        cx.report(share.0 + share.1 * next as f64 / n_blocks as f64, what);
    }
    Ok::<(), Error>(())
}
