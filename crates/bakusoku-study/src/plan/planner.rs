//! What steps call to declare what they do.

use super::graph::{
    AnyCollector, AnyTap, Change, EpochsAt, EpochsNode, FactNode, FileNode, Fill, Graph, Make, ProductNode, ReadFn,
    Rec, RecordingNode, Signal, SignalNode,
};
use super::product::{AnyValue, Inputs, Product, Values};
use super::work::Work;
use super::{Context, Members, Scope};
use crate::config::Config;
use crate::input::Input;
use crate::keys::Keys;
use crate::output::Output;
use crate::report::facts::to_value;
use crate::resume::Validity;
use crate::step::About;
use crate::unit::{Run, Unit};
use crate::{Error, Result};
use bakusoku_bids::Entities;
use bakusoku_core::{Block, Bytes, Cx, Method, Need, RowSink, Sink, Span, Stream};
use bakusoku_fiff::FileId;
use bakusoku_methods::epochs::{EpochOperator, EpochSink, EpochsPlan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of which nothing is known: a header, a table.
const SMALL: u64 = 256 << 10;
/// A record, or a page with its pictures.
const PAGE: u64 = 2 << 20;

/// Looks at samples as they pass, and has a result in the end.
pub trait Tap: Sink + Sized + 'static {
    /// The result.
    type Out: Send + Sync + 'static;
    /// The samples are through.
    ///
    /// # Errors
    /// When there is no result.
    fn finish(self) -> Result<Self::Out>;
}

impl<T: Tap> AnyTap for T {
    fn finish_any(self: Box<Self>) -> Result<AnyValue> {
        Ok(Arc::new((*self).finish()?))
    }
}

/// Takes epochs of one or several recordings, and has a result in the end.
pub trait EpochTap: EpochSink + Sized + 'static {
    /// The result.
    type Out: Send + Sync + 'static;
    /// The epochs are through.
    ///
    /// # Errors
    /// When there is no result.
    fn finish(self) -> Result<Self::Out>;
}

impl<T: EpochTap> AnyCollector for T {
    fn finish_any(self: Box<Self>) -> Result<AnyValue> {
        Ok(Arc::new((*self).finish()?))
    }
}

/// A method that may wait for products.
pub struct Later {
    expected: Box<dyn Method>,
    later: Option<Box<dyn Fn(&Values) -> Result<Box<dyn Method>> + Send + Sync>>,
    waits: Vec<usize>,
    settings: Option<Value>,
    inputs: Vec<Keys>,
}

impl Later {
    /// A method that is known now.
    pub fn now(method: impl Method + 'static) -> Self {
        Self { expected: Box::new(method), later: None, waits: Vec::new(), settings: None, inputs: Vec::new() }
    }
    /// A method that is made of products; until they are there the unit is planned with `expected`, whose output must have
    /// the same shape.
    pub fn after<I: Inputs>(
        inputs: I,
        expected: impl Method + 'static,
        make: impl Fn(I::Values<'_>) -> Result<Box<dyn Method>> + Send + Sync + 'static,
    ) -> Self {
        let waits = inputs.ids();
        Self { later: Some(Box::new(move |values| make(inputs.get(values)))), waits, ..Self::boxed(Box::new(expected)) }
    }
    fn boxed(expected: Box<dyn Method>) -> Self {
        Self { expected, later: None, waits: Vec::new(), settings: None, inputs: Vec::new() }
    }
    /// Settings on which the result depends, instead of the step's keys.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = Some(settings);
        self
    }
    /// Files on which the result depends.
    pub(crate) fn inputs(mut self, inputs: Vec<Keys>) -> Self {
        self.inputs = inputs;
        self
    }
}

/// What steps call to declare what they do in a unit, or in a group of units.
pub struct Planner<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) scope: &'a Scope,
    pub(crate) step: &'static About,
    pub(crate) graph: Graph,
    pub(crate) published: HashMap<&'static str, Box<dyn Any>>,
    pub(crate) shared: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    pub(crate) warnings: Vec<crate::report::data::Warning>,
    /// Files of members that the step reads.
    pub(crate) read: Vec<String>,
}

impl<'a> Planner<'a> {
    /// The study's configuration.
    pub fn config(&self) -> &'a Config {
        self.context.config
    }
    /// The values of some keys, as a type of the step's own. `"none"` reads as `None`.
    ///
    /// # Errors
    /// When the type does not fit the keys.
    pub fn keys<K: DeserializeOwned>(&self) -> Result<K> {
        self.config().read(self.step.keys)
    }
    /// The unit that is planned.
    pub(crate) fn unit(&self) -> &'a Unit {
        match self.scope {
            Scope::Unit(unit) => unit,
            Scope::Group { .. } => panic!("a group has no unit"),
        }
    }

    // Recordings and signals.

    pub(crate) fn add_recording(&mut self, run: Run, input: Input, is_room: bool, keys: Keys) -> Rec {
        let rec = Rec(self.graph.recordings.len());
        let (stream, label) = (bakusoku_core::Recording::stream(&input).clone(), run.label());
        self.graph.recordings.push(RecordingNode { run, label, is_room, input, tip: None });
        let node = SignalNode {
            step: self.step,
            rec,
            parent: None,
            place: "source",
            change: Change::Source,
            waits: Vec::new(),
            stream,
            keys,
        };
        self.push(node);
        rec
    }
    fn push(&mut self, node: SignalNode) -> Signal {
        let (rec, signal) = (node.rec, Signal(self.graph.signals.len()));
        self.graph.signals.push(node);
        self.graph.recordings[rec.0].tip = Some(signal);
        signal
    }
    /// All recordings: the subject's in order, then the empty room.
    pub fn recordings(&self) -> Vec<Rec> {
        (0..self.graph.recordings.len()).map(Rec).collect()
    }
    /// The subject's own recordings, in order.
    pub fn runs(&self) -> Vec<Rec> {
        self.recordings().into_iter().filter(|rec| !self.graph.recordings[rec.0].is_room).collect()
    }
    /// The empty room that belongs to the unit.
    pub fn empty_room(&self) -> Option<Rec> {
        self.recordings().into_iter().find(|rec| self.graph.recordings[rec.0].is_room)
    }
    /// The name of a recording, for messages.
    pub fn label(&self, rec: Rec) -> &str {
        &self.graph.recordings[rec.0].label
    }
    pub(crate) fn run(&self, rec: Rec) -> &Run {
        &self.graph.recordings[rec.0].run
    }
    pub(crate) fn input(&self, rec: Rec) -> &Input {
        &self.graph.recordings[rec.0].input
    }
    /// The end of a recording's main line.
    pub fn tip(&self, rec: Rec) -> Signal {
        self.graph.recordings[rec.0].tip.expect("a recording has a source")
    }
    /// The signal of the main line at a place, if there is one.
    pub fn place(&self, rec: Rec, place: &str) -> Option<Signal> {
        let line = self.graph.line(self.tip(rec));
        line.into_iter().find(|signal| self.graph.signals[signal.0].place == place)
    }
    /// The recording as its header is known in the end, before any method.
    pub fn unfiltered(&self, rec: Rec) -> Signal {
        let line = self.graph.line(self.tip(rec));
        line.into_iter().rfind(|signal| self.graph.is_header_only(*signal)).expect("a line begins with its source")
    }
    /// What is known of a signal from headers.
    pub fn stream(&self, signal: Signal) -> &Stream {
        &self.graph.signals[signal.0].stream
    }
    pub(crate) fn signal_keys(&self, signal: Signal) -> &Keys {
        &self.graph.signals[signal.0].keys
    }

    /// The main line goes on with another header.
    ///
    /// # Errors
    /// When a method lies before it: headers change before samples do.
    pub fn amend<I: Inputs>(
        &mut self,
        rec: Rec,
        place: &'static str,
        inputs: I,
        change: impl Fn(I::Values<'_>, &Stream) -> Result<Stream> + Send + Sync + 'static,
    ) -> Result<Signal> {
        let parent = self.tip(rec);
        if !self.graph.is_header_only(parent) {
            return Err(Error::data(format!("`{place}` changes a header behind a method"), "change it before"));
        }
        let keys = self.derive(&self.own(), &[&self.signal_keys(parent).clone()], &inputs.ids());
        let stream = self.stream(parent).clone();
        let waits = inputs.ids();
        let change: super::graph::With<Stream> = Box::new(move |values, stream| change(inputs.get(values), stream));
        let (step, change) = (self.step, Change::Header(change));
        Ok(self.push(SignalNode { step, rec, parent: Some(parent), place, change, waits, stream, keys }))
    }
    /// The main line goes on with a method.
    ///
    /// # Errors
    /// When the method does not fit the stream.
    pub fn extend(&mut self, rec: Rec, place: &'static str, method: Later) -> Result<Signal> {
        let parent = self.tip(rec);
        let node = self.method(parent, place, method)?;
        Ok(self.push(node))
    }
    /// A side line begins with a method; the main line stays where it is.
    ///
    /// # Errors
    /// When the method does not fit the stream.
    pub fn branch(&mut self, from: Signal, place: &'static str, method: Later) -> Result<Signal> {
        let node = self.method(from, place, method)?;
        self.graph.signals.push(node);
        Ok(Signal(self.graph.signals.len() - 1))
    }
    fn method(&self, parent: Signal, place: &'static str, method: Later) -> Result<SignalNode> {
        let rec = self.graph.signals[parent.0].rec;
        let stream = method.expected.output(self.stream(parent)).map_err(|error| self.fail(Some(rec), error.into()))?;
        let settings = method.settings.clone().unwrap_or_else(|| self.own());
        let mut inputs = vec![self.signal_keys(parent)];
        inputs.extend(&method.inputs);
        let keys = self.derive(&settings, &inputs, &method.waits);
        let change = Change::Method { expected: method.expected, later: method.later };
        Ok(SignalNode { step: self.step, rec, parent: Some(parent), place, change, waits: method.waits, stream, keys })
    }

    // Products.

    fn product<T>(&mut self, rec: Option<Rec>, make: Make, keys: Keys) -> Product<T> {
        self.graph.products.push(ProductNode { step: self.step, rec, make, keys, cached: None });
        Product::new(self.graph.products.len() - 1)
    }
    /// Looks at samples as they pass. `make` is called when the pass begins, with the stream as it is then; `None`: there is
    /// nothing to look at.
    pub fn tap<T: Tap>(
        &mut self,
        at: Signal,
        make: impl Fn(&Stream) -> Result<Option<T>> + Send + Sync + 'static,
    ) -> Product<Option<T::Out>> {
        let keys = self.derive(&self.own(), &[self.signal_keys(at)], &[]);
        let rec = self.graph.signals[at.0].rec;
        let memory = make(self.stream(at)).ok().flatten().map_or(0, |tap| tap.held_bytes());
        let make: super::graph::With<Option<Box<dyn AnyTap>>> =
            Box::new(move |_, stream| Ok(make(stream)?.map(|tap| Box::new(Optional(tap)) as Box<dyn AnyTap>)));
        let empty: AnyValue = Arc::new(None::<T::Out>);
        self.product(Some(rec), Make::Tap { at, waits: Vec::new(), make, empty, memory: Bytes(memory) }, keys)
    }
    /// Cuts epochs once, to be seen by many; `one` and `all` are the bytes of an epoch and of those that may come.
    pub fn epochs<I: Inputs>(
        &mut self,
        at: Signal,
        inputs: I,
        need: Need,
        plan: impl Fn(I::Values<'_>, &Stream) -> Result<EpochsPlan> + Send + Sync + 'static,
    ) -> EpochsAt {
        let keys = self.derive(&self.own(), &[self.signal_keys(at)], &inputs.ids());
        let rec = self.graph.signals[at.0].rec;
        let waits = inputs.ids();
        let plan: super::graph::With<EpochsPlan> = Box::new(move |values, stream| plan(inputs.get(values), stream));
        let (before, after, operators) = (Vec::new(), Vec::new(), Vec::new());
        let step = self.step;
        self.graph.epochs.push(EpochsNode { step, rec, at, waits, plan, before, after, operators, keys, need });
        EpochsAt(self.graph.epochs.len() - 1)
    }
    /// Puts an operator between cutting and rejection.
    ///
    /// # Errors
    /// When somebody takes the epochs already.
    pub fn before_rejection<I: Inputs>(
        &mut self,
        epochs: EpochsAt,
        inputs: I,
        make: impl Fn(I::Values<'_>) -> Result<Box<dyn EpochOperator>> + Send + Sync + 'static,
    ) -> Result<()> {
        let waits = self.operate(epochs, &inputs)?;
        let node = &mut self.graph.epochs[epochs.0];
        node.waits.extend(waits);
        node.before.push(Box::new(move |values, _| make(inputs.get(values))));
        Ok(())
    }
    /// Puts an operator between rejection and those that take the epochs.
    ///
    /// # Errors
    /// When somebody takes the epochs already.
    pub fn after_rejection<I: Inputs>(
        &mut self,
        epochs: EpochsAt,
        inputs: I,
        make: impl Fn(I::Values<'_>) -> Result<Box<dyn EpochOperator>> + Send + Sync + 'static,
    ) -> Result<()> {
        let waits = self.operate(epochs, &inputs)?;
        let node = &mut self.graph.epochs[epochs.0];
        node.waits.extend(waits);
        node.after.push(Box::new(move |values, _| make(inputs.get(values))));
        Ok(())
    }
    fn operate(&mut self, epochs: EpochsAt, inputs: &impl Inputs) -> Result<Vec<usize>> {
        let taken = |make: &Make| matches!(make, Make::Collect { epochs: all, .. } if all.contains(&epochs));
        if self.graph.products.iter().any(|product| taken(&product.make)) {
            let message = format!("`{}` changes epochs that were taken before", self.step.name);
            return Err(Error::data(message, "put the step behind `cut` and before `epochs`"));
        }
        let keys = self.derive(&self.own(), &[&self.graph.epochs[epochs.0].keys], &inputs.ids());
        let node = &mut self.graph.epochs[epochs.0];
        node.keys = keys;
        node.operators.push(self.step);
        Ok(inputs.ids())
    }
    /// Takes epochs of one or several recordings, one after the other.
    pub fn collect<T: EpochTap>(
        &mut self,
        epochs: Vec<EpochsAt>,
        need: Need,
        make: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Product<T::Out> {
        let inputs: Vec<&Keys> = epochs.iter().map(|at| &self.graph.epochs[at.0].keys).collect();
        let keys = self.derive(&self.own(), &inputs, &[]);
        let rec = match epochs[..] {
            [only] => Some(self.graph.epochs[only.0].rec),
            _ => None,
        };
        let make = Box::new(move |_: &Values, work: &Work<'_>| Ok(Box::new(make(work)?) as Box<dyn AnyCollector>));
        self.product(rec, Make::Collect { epochs, make: Some(make), need }, keys)
    }
    /// A plain function of products, between passes.
    pub fn join<I: Inputs, T: Send + Sync + 'static>(
        &mut self,
        rec: Option<Rec>,
        inputs: I,
        run: impl FnOnce(I::Values<'_>, &Work<'_>) -> Result<T> + Send + 'static,
    ) -> Product<T> {
        self.join_reading(rec, inputs, Vec::new(), Vec::new(), Need::default(), run)
    }
    /// The same for one that reads recordings by itself, with headers as they are at `reads`, or depends on `files`.
    pub(crate) fn join_reading<I: Inputs, T: Send + Sync + 'static>(
        &mut self,
        rec: Option<Rec>,
        inputs: I,
        reads: Vec<Signal>,
        files: Vec<Keys>,
        need: Need,
        run: impl FnOnce(I::Values<'_>, &Work<'_>) -> Result<T> + Send + 'static,
    ) -> Product<T> {
        let mut parts: Vec<&Keys> = reads.iter().map(|signal| self.signal_keys(*signal)).collect();
        parts.extend(&files);
        let ids = inputs.ids();
        let keys = self.derive(&self.own(), &parts, &ids);
        let run =
            Box::new(move |values: &Values, work: &Work<'_>| Ok(Arc::new(run(inputs.get(values), work)?) as AnyValue));
        self.product(rec, Make::Join { inputs: ids, reads, run: Some(run), need }, keys)
    }
    /// A value that is known already.
    pub fn value<T: Send + Sync + 'static>(&mut self, rec: Option<Rec>, value: T) -> Product<T> {
        self.join(rec, (), |(), _| Ok(value))
    }
    /// Others find it by this name.
    pub fn publish<T: 'static>(&mut self, name: &'static str, value: T) {
        self.published.insert(name, Box::new(value));
    }
    /// What a step before published, if it did.
    pub fn find<T: Clone + 'static>(&self, name: &str) -> Option<T> {
        self.published.get(name)?.downcast_ref::<T>().cloned()
    }
    /// A value that several steps share while they plan; the first one makes it.
    ///
    /// # Errors
    /// What `make` says.
    pub(crate) fn shared<T: Send + Sync + 'static>(&mut self, make: impl FnOnce(&Self) -> Result<T>) -> Result<Arc<T>> {
        if let Some(value) = self.shared.get(&TypeId::of::<T>()) {
            return Ok(value.clone().downcast().expect("values are kept by their type"));
        }
        let value = Arc::new(make(self)?);
        self.shared.insert(TypeId::of::<T>(), value.clone());
        Ok(value)
    }

    // Files and facts.

    /// The name of a file of one recording.
    pub fn run_file(&self, rec: Rec, processing: Option<&str>, suffix: &str, extension: &str) -> PathBuf {
        let run = self.run(rec);
        let mut entities = run.found.entities.clone();
        entities.processing = processing.map(Into::into);
        self.context.results.path(&entities, self.scope.data_type(), suffix, extension)
    }
    /// The name of a file of the unit (or group).
    pub fn unit_file(&self, suffix: &str, extension: &str) -> PathBuf {
        self.context.results.path(&self.entities(), self.scope.data_type(), suffix, extension)
    }
    pub(crate) fn entities(&self) -> Entities {
        self.scope.entities()
    }
    fn sources(&self, rec: Option<Rec>) -> Vec<String> {
        match rec {
            Some(rec) => vec![self.context.source.relative(&self.run(rec).found.path)],
            None => self.runs().into_iter().flat_map(|rec| self.sources(Some(rec))).collect(),
        }
    }
    /// The file that a step made of each member that has one: label, path, keys. The group's files depend on them.
    pub(crate) fn files_of(&mut self, members: &Members, step: &str) -> Vec<(String, PathBuf, Keys)> {
        let root = self.context.results.root();
        let mut out = Vec::new();
        for member in &members.done {
            if let Some(file) = member.file(step) {
                self.read.push(file.path.strip_prefix(root).unwrap_or(&file.path).to_string_lossy().into_owned());
                out.push((member.label.clone(), file.path.clone(), file.keys.clone()));
            }
        }
        out
    }
    /// Writes a product to a file.
    pub fn file<T: 'static>(
        &mut self,
        product: Product<T>,
        path: PathBuf,
        write: impl FnOnce(&T, &Path, FileId) -> Result<()> + Send + 'static,
    ) {
        let ProductNode { keys, rec, .. } = &self.graph.products[product.id];
        let (keys, rec) = (keys.clone(), *rec);
        self.file_from(rec, path, keys, product, write);
    }
    /// Writes several products to a file.
    pub(crate) fn file_from<I: Inputs>(
        &mut self,
        rec: Option<Rec>,
        path: PathBuf,
        keys: Keys,
        inputs: I,
        write: impl FnOnce(I::Values<'_>, &Path, FileId) -> Result<()> + Send + 'static,
    ) -> usize {
        let ids = inputs.ids();
        let write = Box::new(move |values: &Values, path: &Path, id: FileId| write(inputs.get(values), path, id));
        let output = self.output(rec, path, keys);
        let fill = Fill::From { inputs: ids, write: Some(write) };
        self.graph.files.push(FileNode { step: self.step, rec, output, fill, bytes: SMALL });
        self.graph.files.len() - 1
    }
    /// A file that is made when all else is done, of facts.
    pub(crate) fn report_file(&mut self, path: PathBuf, keys: Keys, facts: Vec<Product<ciborium::Value>>) -> usize {
        let output = self.output(None, path, keys);
        let fill = Fill::From { inputs: facts.ids(), write: None };
        self.graph.files.push(FileNode { step: self.step, rec: None, output, fill, bytes: PAGE });
        self.graph.files.len() - 1
    }
    fn output(&self, rec: Option<Rec>, path: PathBuf, keys: Keys) -> Output {
        let sources = if self.scope.is_group() { self.read.clone() } else { self.sources(rec) };
        Output::new(path, self.step, self.own(), keys, sources, self.context.study_id.clone())
    }
    /// Writes a product to a file, from which it is read when that is current. With `as_written` the product is what the
    /// file says even when it was just computed.
    pub fn cached_file<T: Send + Sync + 'static>(
        &mut self,
        product: Product<T>,
        path: PathBuf,
        as_written: bool,
        write: impl FnOnce(&T, &Path, FileId) -> Result<()> + Send + 'static,
        read: impl Fn(&Path) -> Result<T> + Clone + Send + Sync + 'static,
    ) -> Product<T> {
        self.file(product, path.clone(), write);
        let file = self.graph.files.len() - 1;
        let again = read.clone();
        let reader: ReadFn = Box::new(move |path| Ok(Arc::new(read(path)?) as AnyValue));
        if !as_written {
            self.graph.products[product.id].cached = Some((file, reader));
            return product;
        }
        // Stands behind the file: it is read when the file is there, old or new.
        let ProductNode { keys, rec, .. } = &self.graph.products[product.id];
        let (keys, rec) = (keys.clone(), *rec);
        let run: super::graph::JoinFn = Box::new(move |_, _| Ok(Arc::new(again(&path)?) as AnyValue));
        let make = Make::Join { inputs: vec![product.id], reads: Vec::new(), run: Some(run), need: Need::default() };
        let product = self.product(rec, make, keys);
        self.graph.products[product.id].cached = Some((file, reader));
        product
    }
    /// A file that is written while samples pass.
    pub fn stream_file(
        &mut self,
        at: Signal,
        path: PathBuf,
        writer: impl FnOnce(&Path, &Stream, FileId) -> Result<Box<dyn Sink>> + Send + 'static,
    ) {
        let rec = Some(self.graph.signals[at.0].rec);
        let keys = self.derive(&self.own(), &[self.signal_keys(at)], &[]);
        let output = self.output(rec, path, keys);
        let fill = Fill::Stream { at, writer: Some(Box::new(writer)) };
        let stream = self.stream(at);
        let bytes = SMALL + 4 * stream.n_channels() as u64 * stream.n_times;
        self.graph.files.push(FileNode { step: self.step, rec, output, fill, bytes });
    }
    /// About how large the file becomes that was declared last, where it is not small.
    pub fn file_size(&mut self, bytes: u64) {
        if let Some(file) = self.graph.files.last_mut() {
            file.bytes = SMALL + bytes;
        }
    }
    /// The file that was declared last stays as it is: somebody changed it, and that counts.
    pub(crate) fn keep_file(&mut self) {
        if let Some(file) = self.graph.files.last_mut() {
            file.output.validity = Validity::Current(file.bytes);
        }
    }
    /// What the step has to show, of its own type; its [`section`](crate::step::Step::section) finds it.
    pub fn facts<T: Serialize + Send + Sync + 'static>(&mut self, product: Product<T>) {
        let rec = self.graph.products[product.id].rec;
        let fact = self.join(rec, product, |value, _| to_value(value));
        let run = self.graph.run_label(rec);
        self.graph.facts.push(FactNode { step: self.step.name, run, product: fact.id });
    }
    /// Leaves a remark.
    pub fn warn(&mut self, rec: Option<Rec>, text: impl Into<String>) {
        let run = self.graph.run_label(rec);
        self.warnings.push(crate::report::data::Warning { step: self.step.name.into(), run, text: text.into() });
    }

    // Keys.

    /// The step's own settings.
    pub(crate) fn own(&self) -> Value {
        self.config().own(self.step.keys)
    }
    /// The keys of something that the step makes.
    pub(crate) fn derive(&self, settings: &Value, inputs: &[&Keys], waits: &[usize]) -> Keys {
        let waits = waits.iter().map(|id| &self.graph.products[*id].keys);
        Keys::of(self.step, settings, &inputs.iter().copied().chain(waits).collect::<Vec<_>>())
    }
    /// The keys of an input file.
    pub(crate) fn file_keys(&self, path: &Path) -> Result<Keys> {
        self.context.inputs.keys(&self.context.source.relative(path), &[path.to_owned()])
    }
    pub(crate) fn fail(&self, rec: Option<Rec>, error: Error) -> Error {
        match error {
            error @ Error::Step { .. } => error,
            error => Error::Step { step: self.step.name, run: self.graph.run_label(rec), source: Box::new(error) },
        }
    }
}

/// A tap whose result stands in an option, as that of one that may have nothing to look at.
struct Optional<T>(T);

impl<T: Tap> Sink for Optional<T> {
    fn looks_at(&self, span: Span) -> bool {
        self.0.looks_at(span)
    }
    fn push(&mut self, block: &Block, cx: &Cx) -> bakusoku_core::Result<()> {
        self.0.push(block, cx)
    }
    fn end(&mut self, cx: &Cx) -> bakusoku_core::Result<()> {
        self.0.end(cx)
    }
    fn held_bytes(&self) -> u64 {
        self.0.held_bytes()
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        self.0.rows()
    }
}

impl<T: Tap> Tap for Optional<T> {
    type Out = Option<T::Out>;
    fn finish(self) -> Result<Option<T::Out>> {
        self.0.finish().map(Some)
    }
}
