//! The planner: from what steps declare to passes, files and needs, headers only.
//!
//! ```text
//! steps ─ declare ─▶ Graph ─ what is due ─▶ ranks ─▶ passes ─▶ need, explanation, execution
//! ```
//!
//! A signal's rank is the number of passes that must be over before it can flow: that of its parent, or of the latest
//! product that its method waits for. A product that is tapped comes one rank later. Signals and taps of one rank and one
//! recording are one pass, and no plan with these dependencies has fewer. A file that is current and can be read stands for
//! its product: nothing behind it is computed.

mod explain;
mod graph;
mod passes;
mod planner;
mod product;
mod work;

pub use graph::{EpochsAt, Rec, Signal};
pub use planner::{EpochTap, Later, Planner, Tap};
pub use product::{Inputs, Product, Values};
pub use work::{View, Work};

pub(crate) use graph::{AnyCollector, AnyTap, Change, Fill, Graph, Make};
pub(crate) use passes::{Pass, Schedule, node_of, product_rank};
pub(crate) use work::PASS_BUFFER;

use crate::Result;
use crate::config::Config;
use crate::keys::{InputKeys, Keys};
use crate::output::Output;
use crate::report::data::{Failure, Warning};
use crate::step::Registry;
use crate::unit::{Source, Unit, failure};
use bakusoku_bids::{DataType, Derivatives, Entities};
use bakusoku_core::{Need, Recording};
use std::collections::HashMap;
use std::path::PathBuf;

/// What planning needs from outside.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    pub(crate) source: &'a Source,
    pub(crate) results: &'a Derivatives,
    pub(crate) registry: &'a Registry,
    pub(crate) inputs: &'a InputKeys,
    pub(crate) study_id: String,
    pub(crate) threads: usize,
}

impl Context<'_> {
    /// Where the report's data of a unit (or group) are kept.
    pub(crate) fn record_path(&self, entities: &Entities) -> PathBuf {
        self.results.root().join(".bakusoku").join(format!("{entities}.record"))
    }
}

/// A unit's part in a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// `sub-01` or `sub-01_ses-a`.
    pub label: String,
    pub(crate) files: Vec<MemberFile>,
}

/// A file of a member.
#[derive(Clone, Debug)]
pub(crate) struct MemberFile {
    pub(crate) step: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) keys: Keys,
}

impl Member {
    pub(crate) fn new(label: String, outputs: &[Output]) -> Self {
        let files = outputs.iter().filter(|output| output.step != "report");
        let file =
            |output: &Output| MemberFile { step: output.step, path: output.path.clone(), keys: output.keys.clone() };
        Self { label, files: files.map(file).collect() }
    }
    /// The first file that a step made of it.
    pub(crate) fn file(&self, step: &str) -> Option<&MemberFile> {
        self.files.iter().find(|file| file.step == step)
    }
}

/// The units of one session and task.
#[derive(Clone, Debug)]
pub struct Members {
    /// Those that are done.
    pub done: Vec<Member>,
    /// Those that are not: label and why.
    pub missing: Vec<(String, String)>,
}

/// What is planned.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    Unit(Unit),
    /// The units of one session and task.
    Group {
        entities: Entities,
        data_type: DataType,
    },
}

impl Scope {
    pub(crate) fn is_group(&self) -> bool {
        matches!(self, Self::Group { .. })
    }
    pub(crate) fn entities(&self) -> Entities {
        match self {
            Self::Unit(unit) => unit.entities(),
            Self::Group { entities, .. } => entities.clone(),
        }
    }
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Unit(unit) => unit.data_type(),
            Self::Group { data_type, .. } => *data_type,
        }
    }
}

/// A unit or group, planned.
pub(crate) struct Prepared {
    pub(crate) graph: Graph,
    /// Remarks made from headers.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) need: Need,
    /// Where facts, summary and page go: indices of files.
    pub(crate) record: Option<usize>,
    pub(crate) empty_room: bool,
    pub(crate) duration_s: f64,
}

impl Prepared {
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.graph.files.iter().map(|file| &file.output)
    }
    /// The plan in words: of what is due, or of all where nothing is.
    pub(crate) fn explain(&self) -> String {
        let all = !self.is_due();
        Schedule::of(&self.graph, |file| all || file.output.is_due()).explain(&self.graph)
    }
    pub(crate) fn is_due(&self) -> bool {
        self.outputs().any(Output::is_due)
    }
}

/// Plans a unit.
///
/// # Errors
/// When a recording can't be opened, or a parameter does not fit it.
pub(crate) fn plan_unit(context: &Context<'_>, unit: &Unit, force: bool) -> Result<Prepared, Failure> {
    if let Some(broken) = &unit.broken {
        return Err(broken.clone());
    }
    plan(context, &Scope::Unit(unit.clone()), None, force).map_err(|error| failure("plan", &error))
}

/// Plans the steps of a group.
///
/// # Errors
/// When the members do not allow what the study asks.
pub(crate) fn plan_group(
    context: &Context<'_>,
    scope: &Scope,
    members: &Members,
    force: bool,
) -> Result<Prepared, Failure> {
    plan(context, scope, Some(members), force).map_err(|error| failure("plan", &error))
}

fn plan(context: &Context<'_>, scope: &Scope, members: Option<&Members>, force: bool) -> Result<Prepared> {
    let graph = Graph::default();
    let mut planner = Planner {
        context,
        scope,
        step: crate::steps::report::ABOUT,
        graph,
        published: HashMap::new(),
        shared: HashMap::new(),
        warnings: Vec::new(),
        read: Vec::new(),
    };
    for step in context.registry.iter().filter(|step| step.is_wanted(context.config)) {
        planner.step = step.about();
        planner.read.clear();
        let planned = match members {
            None => step.plan(&mut planner),
            Some(members) => step.plan_group(&mut planner, members),
        };
        planned.map_err(|error| planner.fail(None, error))?;
    }
    let record = crate::steps::report::plan(&mut planner)?;
    let runs = planner.runs();
    let duration_s =
        runs.iter().map(|rec| planner.input(*rec).stream()).map(|s| s.n_times as f64 / s.sfreq()).sum::<f64>();
    let empty_room = planner.empty_room().is_some();
    let Planner { mut graph, warnings, .. } = planner;
    if force {
        graph.files.iter_mut().for_each(|file| file.output.invalidate());
    }
    let need = Schedule::new(&graph).need(&graph, context.threads)?;
    Ok(Prepared { graph, warnings, need, record, empty_room, duration_s })
}
