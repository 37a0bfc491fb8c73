//! Running a study: units in parallel under the budget, then what is made of all of them.

mod group;
mod index;
mod pass;
pub(crate) mod record;
mod task;
mod unit;

pub use record::Noted;
pub(crate) use task::{described, draw_failed};

use crate::plan::Member;
use crate::report::data::{Failure, Status, StudyReport, SubjectReport};
use crate::study::Study;
use crate::study_plan::{StudyPlan, UnitPlan};
use crate::{Error, Result};
use bakusoku_core::{Bytes, Cancel, Progress};
use bakusoku_pool::{Budget, Event, EventKind, Pool};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use task::{UnitOutcome, run_unit};
use unit::Resources;

/// Is told what happens to each subject: queued, started, how far it is, ended.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Only these subjects or units (`03`, `sub-03`, `sub-03/ses-b`); empty: all.
    pub only: Vec<String>,
    /// Only the i-th of n parts of the units (from 1), as array jobs take them.
    pub part: Option<(usize, usize)>,
    /// Whether to leave units alone and do only what is made of all of them.
    pub only_groups: bool,
    /// Whether to do nothing but the units asked for: others are not looked at, and neither groups nor the index are made.
    /// For array jobs, many of which run at once.
    pub only_units: bool,
    /// Whether plans are to be explained.
    pub explain: bool,
    /// Whether to make everything anew.
    pub force: bool,
    /// Whether to remove what an older configuration left behind.
    pub prune: bool,
    /// Cores; wins over the study file.
    pub n_jobs: Option<usize>,
    /// Memory; wins over the study file.
    pub memory: Option<Bytes>,
    /// Folder for large intermediate data; wins over the study file.
    pub tmpdir: Option<PathBuf>,
    /// Ends everything when it is set.
    pub cancel: Cancel,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Everything that the report shows.
    pub report: StudyReport,
    /// The report's first page.
    pub index: PathBuf,
    /// Files written now, relative to the folder of results.
    pub written: Vec<String>,
    /// What was removed by `prune`.
    pub pruned: Vec<PathBuf>,
    /// Whether somebody asked to stop.
    pub cancelled: bool,
}

impl Outcome {
    /// How many units ended so.
    pub fn count(&self, status: Status) -> usize {
        self.report.subjects.iter().filter(|subject| subject.status == status).count()
    }
    /// Whether nothing had to be done.
    pub fn is_up_to_date(&self) -> bool {
        !self.report.subjects.is_empty()
            && self.count(Status::UpToDate) == self.report.subjects.len()
            && self.written.is_empty()
            && self.report.groups.iter().all(|group| group.failure.is_none())
    }
    /// Exit status of a command line: 0 done, 1 something failed, 130 interrupted.
    pub fn exit_status(&self) -> u8 {
        match () {
            () if self.cancelled => 130,
            () if self.count(Status::Failed) > 0 => 1,
            () if self.report.groups.iter().any(|group| group.failure.is_some()) => 1,
            () => 0,
        }
    }
}

pub(crate) fn budget(study: &Study, options: &RunOptions) -> Result<Budget> {
    let table = study.config.get("run");
    let mut budget = Budget::detect()?;
    let n_jobs = options.n_jobs.or_else(|| table.get("n_jobs").and_then(|value| value.as_i64()).map(|n| n as usize));
    if let Some(n_jobs) = n_jobs {
        budget = budget.with_cores(n_jobs);
    }
    let said = table.get("memory").and_then(|value| value.as_str()).and_then(|text| text.parse::<Bytes>().ok());
    if let Some(memory) = options.memory.or(said) {
        budget = budget.with_memory(memory);
    }
    if let Some(folder) = table.get("tmpdir").and_then(|value| value.as_str()) {
        budget = budget.with_tmpdir(study.config.beside(folder));
    }
    if let Some(folder) = &options.tmpdir {
        budget = budget.with_tmpdir(folder.clone());
    }
    Ok(budget)
}

impl RunOptions {
    /// Whether a unit of a plan is among those that were asked for; `index` counts the plan's units.
    fn selects(&self, index: usize, unit: &crate::unit::Unit) -> bool {
        self.only_units || self.names(index, unit)
    }
    /// Whether a unit is among those that were asked for; `index` counts all units of the study.
    pub(crate) fn names(&self, index: usize, unit: &crate::unit::Unit) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|name| unit.is_named(name));
        named && self.part.is_none_or(|(part, n)| index % n == part - 1)
    }
    /// Whether all units were asked for.
    fn selects_all(&self) -> bool {
        self.only.is_empty() && self.part.is_none() && !self.only_units
    }
}

/// A page, relative to the index.
pub(crate) fn page(study: &Study, unit: &crate::unit::Unit) -> String {
    let path = study.results.path(&unit.entities(), unit.data_type(), "report", ".html");
    path.strip_prefix(study.results.root()).unwrap_or(&path).to_string_lossy().into_owned()
}

pub(crate) fn run(study: &Study, options: &RunOptions, observer: Observer) -> Result<Outcome> {
    let start = Instant::now();
    let budget = budget(study, options)?;
    let (cores, spill) = (budget.cores, budget.spill_dir(Some(study.results.root()))?);
    let pool = Pool::new(budget)?;
    let plan = study.plan_with(options, &pool, cores)?;
    study.results.describe(&study.title(), env!("CARGO_PKG_VERSION"))?;
    let mut outcome = Outcome { index: study.results.root().join("report.html"), ..Outcome::default() };
    let abort = study.config.get("run").get("on_error").and_then(|value| value.as_str()) == Some("abort");
    let stop = options.cancel.child();
    let title = study.title();
    let due: Vec<&UnitPlan> = plan
        .units
        .iter()
        .enumerate()
        .filter(|(index, unit)| unit.is_due() && !options.only_groups && options.selects(*index, &unit.unit))
        .map(|(_, unit)| unit)
        .collect();
    let outcomes = pool
        .tasks(due.iter().copied())
        .label(|unit| unit.unit.label())
        .need(|unit| unit.need)
        .cancel(&stop)
        .observe({
            let observer = observer.clone();
            move |event: &Event<'_>| observer(event)
        })
        .outcomes(|cx, unit| {
            let context = study.context(cx.par().threads());
            let progress = progress(&observer, cx.index(), unit.unit.label());
            let (par, cancel) = (cx.par(), cx.cancel());
            let resources = Resources { config: &study.config, par, cancel, spill: &spill, progress };
            let page = page(study, &unit.unit);
            let done = run_unit(&context, &resources, &unit.unit, &page, &title, options.force);
            if abort && done.report.status == Status::Failed {
                stop.cancel();
            }
            done
        });
    let mut done = outcomes.into_iter();
    let mut members: Vec<Option<Member>> = Vec::new();
    let mut due = due.into_iter().peekable();
    for (index, unit) in plan.units.iter().enumerate() {
        let is_due = due.next_if(|next| std::ptr::eq(*next, unit)).is_some();
        let ended = if is_due { ended(unit, done.next(), study) } else { not_run(unit, index, options, study) };
        outcome.cancelled |= ended.cancelled && options.cancel.is_cancelled();
        let written = ended.report.outputs.iter().filter(|output| output.written).map(|output| output.path.clone());
        outcome.written.extend(written);
        outcome.report.subjects.push(ended.report);
        members.push(ended.member);
    }
    outcome.cancelled |= options.cancel.is_cancelled();
    if !outcome.cancelled && options.selects_all() {
        let resources = group::Shared { study, options, pool: &pool, spill: &spill, observer: &observer };
        group::run(&resources, &plan, &members, &mut outcome)?;
    }
    if options.prune && !outcome.cancelled && !options.only_units {
        prune(study, &plan, &mut outcome)?;
    }
    index::fill(study, &plan, &mut outcome, start, cores);
    if !options.only_units {
        index::write(study, &outcome)?;
    }
    Ok(outcome)
}

fn progress(observer: &Observer, index: usize, label: String) -> Progress {
    let observer = observer.clone();
    Arc::new(move |fraction, what| {
        observer(&Event { batch: 0, index, label: &label, kind: EventKind::Progress { fraction, what } });
    })
}

/// What became of a unit that was to run.
fn ended(
    unit: &UnitPlan,
    outcome: Option<Result<UnitOutcome, bakusoku_pool::TaskError>>,
    study: &Study,
) -> UnitOutcome {
    let mut report =
        SubjectReport { page: page(study, &unit.unit), ..SubjectReport::empty(&unit.unit, Status::Cancelled) };
    match outcome {
        Some(Ok(mut done)) => {
            done.report.warnings.extend(unit.remark.clone());
            return done;
        }
        Some(Err(error)) if !error.is_cancelled() => {
            report.status = Status::Failed;
            let hint = Some("this is a fault of bakusoku: please report it".to_owned());
            report.failure = Some(Failure { step: "run".into(), run: None, messages: vec![error.to_string()], hint });
        }
        _ => {}
    }
    UnitOutcome { report, member: None, cancelled: false }
}

/// What is known of a unit that did not run now.
fn not_run(unit: &UnitPlan, index: usize, options: &RunOptions, study: &Study) -> UnitOutcome {
    let blank = |status| SubjectReport { page: page(study, &unit.unit), ..SubjectReport::empty(&unit.unit, status) };
    let record = study.context(1).record_path(&unit.unit.entities());
    let report = match (&unit.recorded, &unit.failure) {
        (Some(report), _) => (**report).clone(),
        (None, Some(failure)) if options.selects(index, &unit.unit) => {
            let report = SubjectReport { failure: Some(failure.clone()), ..blank(Status::Failed) };
            record::note_failure(&record, &report);
            draw_failed(&study.context(1), &report, &study.title());
            report
        }
        // Perhaps another process tried it.
        (None, _) if options.only_groups => record::noted_failure(&record).unwrap_or_else(|| blank(Status::Cancelled)),
        _ => blank(Status::Cancelled),
    };
    UnitOutcome { report, member: unit.member.clone(), cancelled: false }
}

/// Removes what this study made and does not make any more.
fn prune(study: &Study, plan: &StudyPlan, outcome: &mut Outcome) -> Result<()> {
    for stale in study.stale(plan)? {
        remove(&stale.path)?;
        outcome.pruned.push(stale.path);
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs_err::remove_dir_all(path) } else { fs_err::remove_file(path) };
    Ok(removed?)
}

/// Whether names given by hand mean anything.
pub(crate) fn check_only(options: &RunOptions, units: &[crate::unit::Unit]) -> Result<()> {
    for name in &options.only {
        if !units.iter().any(|unit| unit.is_named(name)) {
            let labels: Vec<String> = units.iter().map(crate::unit::Unit::label).collect();
            return Err(Error::Empty {
                message: format!("`{name}` is none of the study's subjects"),
                hint: Some(format!("there are: {}", labels.join(", "))),
            });
        }
    }
    Ok(())
}
