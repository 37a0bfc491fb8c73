//! Laws of the runner: pieces equal the whole, whatever the threads, the memory, and the walks.

mod trees;

use super::*;
use crate::containers::Raw;
use crate::*;
use ndarray::Array2;
use std::sync::Arc;
use std::sync::Mutex;

fn channel(index: usize) -> Channel {
    Channel::new(format!("EEG {index:03}"), ChannelType::Eeg)
}

fn recording(n_channels: usize, n_times: usize) -> Raw {
    let info = Info { sfreq: 100.0, chs: (0..n_channels).map(channel).collect(), ..Info::default() };
    let stream = Stream {
        info: Arc::new(info),
        first_samp: 0,
        n_times: n_times as u64,
        gaps: vec![],
        annotations: Annotations::default(),
    };
    let data = Array2::from_shape_fn((n_channels, n_times), |(ch, t)| ((ch * 31 + t * 17) % 101) as f64 - 50.0);
    Raw::new(stream, data).unwrap()
}

/// Row method: running sum; halves the length when asked.
struct Cumulate {
    halve: bool,
}
struct CumulateRow {
    n_out: usize,
    halve: bool,
}
impl Method for Cumulate {
    fn name(&self) -> &'static str {
        "cumulate"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(Stream { n_times: if self.halve { input.n_times / 2 } else { input.n_times }, ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let n_out = self.output(input)?.n_times as usize;
        Ok(Bound::Rows(Box::new(CumulateRow { n_out, halve: self.halve })))
    }
}
impl RowKernel for CumulateRow {
    fn n_out(&self) -> usize {
        self.n_out
    }
    fn passes(&self, ch: usize) -> bool {
        !self.halve && ch == 1
    }
    fn treats_alike(&self, channels: &[usize]) -> bool {
        channels.iter().all(|&ch| self.passes(ch) == self.passes(channels[0]))
    }
    fn run(&self, _ch: usize, row: &[f64], out: &mut [f64], _scratch: &mut Scratch) -> Result<()> {
        let step = if self.halve { 2 } else { 1 };
        let mut sum = 0.0;
        for (i, out) in out.iter_mut().enumerate() {
            sum += row[i * step];
            *out = sum;
        }
        Ok(())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Column method: delays by carrying a block's length; its result depends on the grain if the runner cuts wrongly.
struct Grainy {
    grain: u64,
    skip: Option<Span>,
}
struct GrainyOperator {
    segments: Vec<Segment>,
    grain: u64,
    carried: Option<Block>,
}
impl Method for Grainy {
    fn name(&self) -> &'static str {
        "grainy"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let skips: Vec<Span> = self.skip.into_iter().collect();
        let segments = Segment::cut(&skips, input.n_times);
        Ok(Bound::Columns(Box::new(GrainyOperator { segments, grain: self.grain, carried: None })))
    }
}
impl Operator for GrainyOperator {
    fn segments(&self) -> &[Segment] {
        &self.segments
    }
    fn grain(&self) -> Grain {
        Grain::Fixed(self.grain)
    }
    fn push(&mut self, mut block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let mean = block.data.mean().unwrap();
        block.data -= mean;
        if let Some(carried) = self.carried.replace(block) {
            out.emit(carried, cx)?;
        }
        Ok(())
    }
    fn end(&mut self, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        match self.carried.take() {
            Some(carried) => out.emit(carried, cx),
            None => Ok(()),
        }
    }
}

/// Matrix method: mixes channels 0 and 2, and may add something.
struct Mix(Option<[f64; 2]>);
const MIX: Mix = Mix(None);
impl Method for Mix {
    fn name(&self) -> &'static str {
        "mix"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let matrix = ndarray::arr2(&[[0.5, -0.25], [2.0, 1.0]]);
        Ok(Bound::Matrix(LinearMap {
            channels: vec![0, 2],
            matrix,
            offset: self.0.map(|offset| ndarray::arr1(&offset)),
            segments: Segment::cut(&[], input.n_times),
            finite: true,
        }))
    }
}

/// Column method that makes channels 0, 2 and 3 of one component, and may leave the making to others.
struct Spread {
    /// Refuses to do it all itself.
    only_factored: bool,
}
struct SumOperator([Segment; 1]);
const SPREAD: [f64; 3] = [0.5, -1.0, 2.0];
impl Method for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        if self.only_factored {
            return Err(Error::data("nobody does the rest"));
        }
        Ok(Bound::Matrix(LinearMap {
            channels: vec![0, 2, 3],
            matrix: Array2::from_shape_fn((3, 3), |(i, _)| SPREAD[i]),
            offset: None,
            segments: Segment::cut(&[], input.n_times),
            finite: false,
        }))
    }
    fn factor(&self, input: &Stream) -> Result<Option<Factored>> {
        let matrix = Array2::from_shape_fn((3, 1), |(i, _)| SPREAD[i]);
        let operator = Box::new(SumOperator([Segment::Process(Span::new(0, input.n_times))]));
        Ok(Some(Factored { operator, expansion: Expansion::new(vec![0, 2, 3], matrix, input.n_channels()) }))
    }
}
impl Operator for SumOperator {
    fn segments(&self) -> &[Segment] {
        &self.0
    }
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let x = &block.data;
        let rows = [(&x.row(0) + &x.row(2) + x.row(3)), x.row(1).to_owned(), x.row(4).to_owned()];
        let views: Vec<_> = rows.iter().map(|row| row.view()).collect();
        let data = ndarray::stack(ndarray::Axis(0), &views).unwrap();
        out.emit(Block { start: block.start, data }, cx)
    }
}

/// Adds up what it looks at.
struct Glance(Span, f64);
impl Sink for Glance {
    fn looks_at(&self, span: Span) -> bool {
        self.0.intersect(span).is_some()
    }
    fn push(&mut self, block: &Block, _cx: &Cx) -> Result<()> {
        for (t, column) in (block.start..).zip(block.data.columns()) {
            if self.0.contains(t) {
                self.1 += column.iter().enumerate().map(|(ch, x)| x * (ch + 1) as f64).sum::<f64>();
            }
        }
        Ok(())
    }
}

/// Keeps what it gets, and insists on order.
#[derive(Default)]
struct Keep {
    columns: Vec<f64>,
    n: u64,
    ended: bool,
}
impl Sink for Keep {
    fn push(&mut self, block: &Block, _cx: &Cx) -> Result<()> {
        assert_eq!(block.start, self.n);
        self.n += block.n_times() as u64;
        for column in block.data.columns() {
            self.columns.extend(column);
        }
        Ok(())
    }
    fn end(&mut self, _cx: &Cx) -> Result<()> {
        self.ended = true;
        Ok(())
    }
}
#[derive(Default)]
struct KeepRows(Mutex<Vec<(usize, Vec<f64>)>>);
impl RowSink for KeepRows {
    fn push_row(&self, ch: usize, row: &[f64], _scratch: &mut Scratch) -> Result<()> {
        self.0.lock().unwrap().push((ch, row.to_vec()));
        Ok(())
    }
}
impl KeepRows {
    fn sorted(self) -> Vec<(usize, Vec<f64>)> {
        let mut rows = self.0.into_inner().unwrap();
        rows.sort_by_key(|row| row.0);
        rows
    }
}

fn cx(threads: usize, memory: u64) -> Cx {
    let par = if threads == 1 { Par::serial() } else { Par::new(threads) };
    let mut cx = Cx::new(par, SpillDir::find(None).unwrap());
    cx.memory = Bytes(memory);
    cx
}

type Seen = Vec<(Vec<f64>, Vec<(usize, Vec<f64>)>)>;

/// What every node's taps get, when each has one of either kind.
fn through(methods: &[&dyn Method], raw: &Raw, cx: &Cx) -> Seen {
    let tree: Vec<(usize, &dyn Method)> = methods.iter().copied().enumerate().collect();
    seen(&tree, raw, cx)
}

/// The same for a tree of methods, each with the index of its parent (0: the source).
fn seen(tree: &[(usize, &dyn Method)], raw: &Raw, cx: &Cx) -> Seen {
    let n = tree.len() + 1;
    let mut keeps: Vec<Keep> = (0..n).map(|_| Keep::default()).collect();
    let rows: Vec<KeepRows> = (0..n).map(|_| KeepRows::default()).collect();
    let mut flow = Flow::new(raw.stream());
    for (parent, method) in tree {
        flow.add(NodeId(*parent), method.name(), *method).unwrap();
    }
    for ((node, keep), rows) in flow.nodes().zip(&mut keeps).zip(&rows) {
        flow.tap(node, "keep", keep).tap_rows(node, "rows", rows);
    }
    flow.run(raw, cx).unwrap();
    keeps
        .into_iter()
        .zip(rows)
        .map(|(keep, rows)| {
            assert!(keep.ended);
            (keep.columns, rows.sorted())
        })
        .collect()
}

#[test]
fn every_place_sees_the_same_whatever_threads_and_memory() {
    let raw = recording(5, 20_011);
    let grainy = Grainy { grain: 777, skip: Some(Span::new(5000, 5100)) };
    let (whole, half) = (Cumulate { halve: false }, Cumulate { halve: true });
    let chains: [&[&dyn Method]; 5] = [
        &[&whole, &half],
        &[&grainy, &whole, &half, &grainy],
        &[&MIX, &MIX, &whole],
        &[&whole, &MIX, &grainy, &half],
        &[],
    ];
    for chain in chains {
        let reference = through(chain, &raw, &cx(1, 1 << 30));
        for (columns, rows) in &reference {
            assert_eq!(rows.len(), 5);
            let n_times = columns.len() / 5;
            for (ch, row) in rows {
                assert!(row.iter().enumerate().all(|(t, &x)| columns[t * 5 + ch] == x));
                assert_eq!(row.len(), n_times);
            }
        }
        for (threads, memory) in [(1, 0), (2, 0), (2, 1 << 20), (3, 1 << 30)] {
            assert_eq!(through(chain, &raw, &cx(threads, memory)), reference, "{threads} threads, {memory} bytes");
        }
    }
}

#[test]
fn taps_in_the_middle_do_not_change_the_end() {
    let raw = recording(4, 5_000);
    let (whole, half) = (Cumulate { halve: false }, Cumulate { halve: true });
    let methods: [&dyn Method; 4] = [&MIX, &MIX, &whole, &half];
    let with_taps = through(&methods, &raw, &cx(2, 1 << 30));
    let mut keep = Keep::default();
    let mut flow = Flow::straight(raw.stream(), &methods).unwrap();
    flow.tap(flow.end(), "keep", &mut keep);
    flow.run(&raw, &cx(2, 1 << 30)).unwrap();
    assert_eq!(keep.columns, with_taps[4].0);
}

#[test]
fn a_matrix_waits_for_rows_that_may_go_before_it() {
    let raw = recording(5, 20_011);
    let (whole, half) = (Cumulate { halve: false }, Cumulate { halve: true });
    let grainy = Grainy { grain: 777, skip: None };
    // Only what can wait, and how long: `whole` leaves channel 1 alone, so it goes before matrices over others.
    let chains: [&[&dyn Method]; 4] = [&[&half], &[&whole, &half], &[&half, &MIX, &whole], &[&half, &grainy, &half]];
    for rest in chains {
        let with = |spread: &Spread, rows: bool, cx: &Cx| {
            let methods: Vec<&dyn Method> =
                [&MIX as &dyn Method, spread].into_iter().chain(rest.iter().copied()).collect();
            let (mut glance, mut keep, all) =
                (Glance(Span::new(3_000, 12_345), 0.0), Keep::default(), KeepRows::default());
            let at_end = KeepRows::default();
            let mut flow = Flow::straight(raw.stream(), &methods).unwrap();
            let (spread, end) = (flow.nodes().nth(2).unwrap(), flow.end());
            flow.tap(spread, "glance", &mut glance).tap(end, "keep", &mut keep).tap_rows(end, "rows", &at_end);
            if rows {
                // Whoever wants rows wants those of channels.
                flow.tap_rows(spread, "rows", &all);
            }
            flow.run(&raw, cx).unwrap();
            (glance.1, keep.columns, at_end.sorted())
        };
        let expected = with(&Spread { only_factored: false }, true, &cx(1, 1 << 30));
        for (threads, memory) in [(1, 1 << 30), (2, 0), (3, 1 << 20)] {
            // Sums of small halves are exact, in any order.
            assert_eq!(with(&Spread { only_factored: true }, false, &cx(threads, memory)), expected);
        }
    }
}

#[test]
fn a_cancelled_run_ends_with_that_error() {
    let raw = recording(4, 5_000);
    let cx = cx(2, 1 << 30);
    cx.cancel.cancel();
    let whole = Cumulate { halve: false };
    let flow = Flow::straight(raw.stream(), &[&whole]).unwrap();
    assert!(flow.run(&raw, &cx).err().unwrap().is_cancelled());
}

#[test]
fn a_matrix_that_wants_numbers_names_the_channel_and_the_time() {
    let (stream, mut data) = recording(4, 500).into_parts();
    data[[2, 123]] = f64::NAN;
    let raw = Raw::new(stream, data).unwrap();
    let flow = Flow::straight(raw.stream(), &[&MIX]).unwrap();
    let error = flow.run(&raw, &cx(2, 1 << 30)).err().unwrap();
    assert_eq!(error.node(), Some("mix"));
    let error = error.without_node().to_string();
    assert!(error.contains("`EEG 002`") && error.contains("1.230 s"), "{error}");
}
