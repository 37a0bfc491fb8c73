//! A law of the runner: what it needs is no more than what it said, memory and disk, and disk within twice of that.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::disallowed_methods, clippy::unwrap_used)]

use bakusoku_core::containers::Raw;
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::*;
use ndarray::Array2;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is allocated.
struct Counting;
static NOW: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);
static DISK: AtomicU64 = AtomicU64::new(0);

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size() as u64, Ordering::Relaxed) + layout.size() as u64;
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of this process's unlinked files, of which there are no others in this test.
fn look_at_disk() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let size = |path: std::path::PathBuf| {
        let target = std::fs::read_link(&path).ok()?;
        let is_spill = target.to_string_lossy().ends_with("(deleted)");
        is_spill.then(|| std::fs::metadata(&path).ok().map(|meta| meta.len())).flatten()
    };
    let sum = entries.flatten().filter_map(|entry| size(entry.path())).sum();
    DISK.fetch_max(sum, Ordering::Relaxed);
}

/// A row method that halves the rate.
struct Halve;
struct HalveRow(usize);
impl Method for Halve {
    fn name(&self) -> &'static str {
        "halve"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(Stream { n_times: input.n_times / 2, ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        Ok(Bound::Rows(Box::new(HalveRow(input.n_times as usize / 2))))
    }
}
impl RowKernel for HalveRow {
    fn n_out(&self) -> usize {
        self.0
    }
    fn run(&self, _ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        let work = scratch.get::<Vec<f64>>();
        work.resize(row.len(), 0.0);
        work.copy_from_slice(row);
        out.iter_mut().zip(work.chunks(2)).for_each(|(out, pair)| *out = pair[0]);
        look_at_disk();
        Ok(())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        8 * 2 * (self.0 as u64 + 1)
    }
}

/// A column method with a carried block of a fixed length.
struct Delay(u64);
struct DelayOperator([Segment; 1], u64, Option<Block>, u64);
impl Method for Delay {
    fn name(&self) -> &'static str {
        "delay"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let whole = Segment::Process(Span::new(0, input.n_times));
        let held = 8 * input.n_channels() as u64 * self.0;
        Ok(Bound::Columns(Box::new(DelayOperator([whole], self.0, None, held))))
    }
}
impl Operator for DelayOperator {
    fn segments(&self) -> &[Segment] {
        &self.0
    }
    fn grain(&self) -> Grain {
        Grain::Fixed(self.1)
    }
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        look_at_disk();
        self.2.replace(block).map_or(Ok(()), |carried| out.emit(carried, cx))
    }
    fn end(&mut self, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        self.2.take().map_or(Ok(()), |carried| out.emit(carried, cx))
    }
    fn held_bytes(&self) -> u64 {
        self.3
    }
}

/// Holds all that it gets.
struct Hold(Vec<Array2<f64>>, u64);
impl Sink for Hold {
    fn push(&mut self, block: &Block, _cx: &Cx) -> Result<()> {
        look_at_disk();
        self.0.push(block.data.clone());
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.1
    }
}

fn recording(n_channels: usize, n_times: usize) -> Raw {
    let chs = (0..n_channels).map(|ch| Channel::new(format!("EEG {ch:03}"), ChannelType::Eeg)).collect();
    let info = Info { sfreq: 100.0, chs, ..Info::default() };
    let (gaps, annotations) = (Vec::new(), Annotations::default());
    let stream = Stream { info: Arc::new(info), first_samp: 0, n_times: n_times as u64, gaps, annotations };
    Raw::new(stream, Array2::zeros((n_channels, n_times))).unwrap()
}

#[test]
fn a_run_takes_no_more_than_it_said() {
    let mut state = 1_u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let (halve, delay, long) = (Halve, Delay(700), Delay(20_000));
    let methods: [&dyn Method; 3] = [&halve, &delay, &long];
    let spill = SpillDir::find(None).unwrap();
    for case in 0..40 {
        let (n_channels, n_times) = ([1, 9, 60][below(3)], [3_000, 60_000][below(2)]);
        let raw = recording(n_channels, n_times);
        let threads = 1 + below(3);
        let mut cx = Cx::new(if threads == 1 { Par::serial() } else { Par::new(threads) }, spill.clone());
        cx.memory = Bytes([0, 1 << 20, 1 << 26][below(3)]);
        let mut flow = Flow::new(raw.stream());
        for index in 0..below(7) {
            let parent = flow.nodes().nth(index - below(index.min(2) + 1)).unwrap_or(NodeId::SOURCE);
            let node = flow.add(parent, "node", methods[below(3)]).unwrap();
            if below(4) == 0 {
                flow.keep(node);
            }
        }
        let mut sinks: Vec<(NodeId, Hold)> = Vec::new();
        for node in flow.nodes() {
            if below(3) == 0 {
                let stream = flow.stream(node);
                sinks.push((node, Hold(Vec::new(), 8 * stream.n_channels() as u64 * stream.n_times)));
            }
        }
        for (node, sink) in &mut sinks {
            flow.tap(*node, "hold", sink);
        }
        let need = flow.need(threads, cx.memory).unwrap();
        DISK.store(0, Ordering::Relaxed);
        let before = NOW.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let done = flow.run(&raw, &cx).unwrap();
        look_at_disk();
        let (memory, disk) = (PEAK.load(Ordering::Relaxed) - before, DISK.load(Ordering::Relaxed));
        drop(done);
        // Names, plans and lists: not samples.
        let small = 200_000;
        assert!(memory <= need.memory.0 + small, "case {case}: {memory} bytes of memory, planned {}", need.memory.0);
        assert!(disk <= need.disk.0, "case {case}: {disk} bytes on disk, planned {}", need.disk.0);
        assert!(need.disk.0 <= 2 * disk, "case {case}: {disk} bytes on disk, planned {}", need.disk.0);
    }
}
