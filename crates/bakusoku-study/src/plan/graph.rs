//! What a unit (or group) does, as declared by the steps: a tree of signals per recording, the taps on it, functions
//! between passes, and files.

use super::product::{AnyValue, Values};
use super::work::Work;
use crate::Result;
use crate::input::Input;
use crate::keys::Keys;
use crate::output::Output;
use crate::step::About;
use crate::unit::Run;
use bakusoku_core::{Bytes, Method, Need, Sink, Stream};
use bakusoku_fiff::FileId;
use bakusoku_methods::epochs::{EpochOperator, EpochSink, EpochsPlan};
use std::path::Path;

/// A recording of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rec(pub(crate) usize);

/// A stream of one recording at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(pub(crate) usize);

/// Epochs of one recording, cut once and seen by many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochsAt(pub(crate) usize);

/// A recording, its place in the unit, and the end of its main line.
pub(crate) struct RecordingNode {
    pub(crate) run: Run,
    pub(crate) label: String,
    pub(crate) is_room: bool,
    pub(crate) input: Input,
    pub(crate) tip: Option<Signal>,
}

/// Makes a value of what exists when it is its turn.
pub(crate) type With<T> = Box<dyn Fn(&Values, &Stream) -> Result<T> + Send + Sync>;

/// How a signal comes from its parent.
pub(crate) enum Change {
    /// The recording as it was opened.
    Source,
    /// Only the header changes.
    Header(With<Stream>),
    /// A method.
    Method {
        /// What is known of it when the unit is planned.
        expected: Box<dyn Method>,
        /// What it is made of when products exist; `None`: it is the expected one.
        later: Option<Box<dyn Fn(&Values) -> Result<Box<dyn Method>> + Send + Sync>>,
    },
}

pub(crate) struct SignalNode {
    pub(crate) step: &'static About,
    pub(crate) rec: Rec,
    pub(crate) parent: Option<Signal>,
    pub(crate) place: &'static str,
    pub(crate) change: Change,
    pub(crate) waits: Vec<usize>,
    /// As expected from headers.
    pub(crate) stream: Stream,
    pub(crate) keys: Keys,
}

/// Epochs of a recording.
pub(crate) struct EpochsNode {
    pub(crate) step: &'static About,
    pub(crate) rec: Rec,
    pub(crate) at: Signal,
    pub(crate) waits: Vec<usize>,
    pub(crate) plan: With<EpochsPlan>,
    pub(crate) before: Vec<With<Box<dyn EpochOperator>>>,
    pub(crate) after: Vec<With<Box<dyn EpochOperator>>>,
    pub(crate) operators: Vec<&'static About>,
    pub(crate) keys: Keys,
    pub(crate) need: Need,
}

/// A tap of any type.
pub(crate) trait AnyTap: Sink {
    fn finish_any(self: Box<Self>) -> Result<AnyValue>;
}

/// Something that takes epochs, of any type.
pub(crate) trait AnyCollector: EpochSink {
    fn finish_any(self: Box<Self>) -> Result<AnyValue>;
}

pub(crate) type JoinFn = Box<dyn FnOnce(&Values, &Work<'_>) -> Result<AnyValue> + Send>;

/// How a product comes to be.
pub(crate) enum Make {
    Tap {
        at: Signal,
        waits: Vec<usize>,
        /// `None` where there is nothing to look at: then the product is `empty`.
        make: With<Option<Box<dyn AnyTap>>>,
        empty: AnyValue,
        memory: Bytes,
    },
    Collect {
        epochs: Vec<EpochsAt>,
        make: Option<Box<dyn FnOnce(&Values, &Work<'_>) -> Result<Box<dyn AnyCollector>> + Send>>,
        need: Need,
    },
    Join {
        inputs: Vec<usize>,
        /// Signals that it reads by itself: headers along the line from the source.
        reads: Vec<Signal>,
        run: Option<JoinFn>,
        need: Need,
    },
}

pub(crate) type ReadFn = Box<dyn Fn(&Path) -> Result<AnyValue> + Send + Sync>;

pub(crate) struct ProductNode {
    pub(crate) step: &'static About,
    pub(crate) rec: Option<Rec>,
    pub(crate) make: Make,
    pub(crate) keys: Keys,
    /// Reads it from its file, when that is current.
    pub(crate) cached: Option<(usize, ReadFn)>,
}

pub(crate) type WriteFn = Box<dyn FnOnce(&Values, &Path, FileId) -> Result<()> + Send>;
pub(crate) type WriterFn = Box<dyn FnOnce(&Path, &Stream, FileId) -> Result<Box<dyn Sink>> + Send>;

/// How a file comes to be.
pub(crate) enum Fill {
    /// From products.
    From { inputs: Vec<usize>, write: Option<WriteFn> },
    /// While samples pass.
    Stream { at: Signal, writer: Option<WriterFn> },
}

pub(crate) struct FileNode {
    pub(crate) step: &'static About,
    pub(crate) rec: Option<Rec>,
    pub(crate) output: Output,
    pub(crate) fill: Fill,
    /// About how large it becomes.
    pub(crate) bytes: u64,
}

/// What a step has to show: a value of its own type, serialised.
pub(crate) struct FactNode {
    pub(crate) step: &'static str,
    pub(crate) run: Option<String>,
    pub(crate) product: usize,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) recordings: Vec<RecordingNode>,
    pub(crate) signals: Vec<SignalNode>,
    pub(crate) epochs: Vec<EpochsNode>,
    pub(crate) products: Vec<ProductNode>,
    pub(crate) files: Vec<FileNode>,
    pub(crate) facts: Vec<FactNode>,
}

impl Graph {
    /// Whether a product is read from its file instead of computed.
    pub(crate) fn is_cached(&self, id: usize) -> bool {
        let cached = self.products[id].cached.as_ref();
        cached.is_some_and(|(file, _)| !self.files[*file].output.is_due())
    }
    /// The name of a recording, for messages.
    pub(crate) fn run_label(&self, rec: Option<Rec>) -> Option<String> {
        rec.map(|rec| self.recordings[rec.0].label.clone())
    }
    /// The signals from the recording to `signal`, both included.
    pub(crate) fn line(&self, signal: Signal) -> Vec<Signal> {
        let mut line = vec![signal];
        while let Some(parent) = self.signals[line[line.len() - 1].0].parent {
            line.push(parent);
        }
        line.reverse();
        line
    }
    /// Whether nothing but the header differs from the recording.
    pub(crate) fn is_header_only(&self, signal: Signal) -> bool {
        self.line(signal).iter().all(|&signal| !matches!(self.signals[signal.0].change, Change::Method { .. }))
    }
}
