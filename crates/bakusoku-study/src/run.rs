//! Running a study: subjects in parallel under the budget, then what needs all of them.

use crate::execute::{self, Work, blank, failed};
use crate::plan::{StudyPlan, UnitPlan};
use crate::prepare::prepare;
use crate::report::data::{Failure, GroupEvoked, Status, StudyReport};
use crate::steps::average::{self, Member};
use crate::study::Study;
use crate::unit::failure;
use crate::{Error, Result, resume, steps};
use bakusoku_core::{Bytes, Cancel, Progress};
use bakusoku_pool::{Budget, Event, EventKind, Pool};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Is told what happens to each subject: queued, started, how far it is, ended.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Only these subjects or units (`03`, `sub-03`, `sub-03/ses-b`); empty: all.
    pub only: Vec<String>,
    /// Whether to make everything anew.
    pub force: bool,
    /// Whether to remove what an older configuration left behind.
    pub prune: bool,
    /// Cores; wins over the study file.
    pub n_jobs: Option<usize>,
    /// Memory; wins over the study file.
    pub memory: Option<Bytes>,
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
            && self.report.group_failure.is_none()
    }
    /// Exit status of a command line: 0 done, 1 something failed, 130 interrupted.
    pub fn exit_status(&self) -> u8 {
        match () {
            () if self.cancelled => 130,
            () if self.count(Status::Failed) > 0 || self.report.group_failure.is_some() => 1,
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
    Ok(budget)
}

pub(crate) fn run(study: &Study, options: &RunOptions, observer: Observer) -> Result<Outcome> {
    let start = Instant::now();
    let budget = budget(study, options)?;
    let mut plan = study.plan_with(options, budget.cores)?;
    study.results.describe(&study.title(), env!("CARGO_PKG_VERSION"))?;
    // A subject whose folder can't be read or written leaves the others alone.
    let folders: BTreeSet<&Path> =
        plan.units.iter().flat_map(|unit| &unit.outputs).filter_map(|output| output.path.parent()).collect();
    let remarks: Vec<String> = folders
        .into_iter()
        .filter_map(|folder| resume::remove_abandoned(folder).err())
        .map(|error| format!("what a killed run left could not be removed: {}", error.chain().join(": ")))
        .collect();
    plan.remarks.extend(remarks);
    let (cores, spill) = (budget.cores, budget.spill_dir(Some(study.results.root()))?);
    let pool = Pool::new(budget)?;
    let abort = study.config.get("run").get("on_error").and_then(|value| value.as_str()) == Some("abort");
    let stop = options.cancel.child();

    let selected =
        |unit: &UnitPlan| options.only.is_empty() || options.only.iter().any(|name| unit.unit.is_named(name));
    let due: Vec<(usize, &UnitPlan)> =
        plan.units.iter().enumerate().filter(|(_, unit)| unit.is_due() && selected(unit)).collect();
    let outcomes = pool
        .tasks(due.iter().copied())
        .label(|(_, unit)| unit.unit.label())
        .need(|(_, unit)| unit.need)
        .cancel(&stop)
        .observe({
            let observer = observer.clone();
            move |event: &Event<'_>| observer(event)
        })
        .outcomes(|cx, (_, unit)| {
            let (observer, label, index) = (observer.clone(), unit.unit.label(), cx.index());
            let progress: Progress = Arc::new(move |fraction, what| {
                observer(&Event { batch: 0, index, label: &label, kind: EventKind::Progress { fraction, what } });
            });
            let work = Work {
                config: &study.config,
                results: &study.results,
                par: cx.par(),
                cancel: cx.cancel(),
                spill: &spill,
                progress,
            };
            let done = match prepare(&study.config, &study.source, &study.results, &unit.unit, cx.par().threads()) {
                Ok(mut prepared) => {
                    if options.force {
                        prepared.forget();
                    }
                    execute::execute(&work, &unit.unit, &mut prepared)
                }
                Err(failure) => execute::Done { report: failed(&unit.unit, failure), cancelled: false },
            };
            if abort && done.report.status == Status::Failed {
                stop.cancel();
            }
            done
        });

    let mut outcome = Outcome { index: study.results.root().join("report.html"), ..Outcome::default() };
    let mut done = due.iter().zip(outcomes);
    for (index, unit) in plan.units.iter().enumerate() {
        let is_due = due.iter().any(|(other, _)| *other == index);
        let mut report = if is_due {
            match done.next() {
                Some((_, Ok(done))) => {
                    outcome.cancelled |= done.cancelled && options.cancel.is_cancelled();
                    done.report
                }
                Some((_, Err(error))) if error.is_cancelled() => blank(&unit.unit),
                Some((_, Err(error))) => {
                    let hint = Some("this is a fault of bakusoku: please report it".to_owned());
                    failed(
                        &unit.unit,
                        Failure { step: "run".into(), run: None, messages: vec![error.to_string()], hint },
                    )
                }
                None => blank(&unit.unit),
            }
        } else {
            match (&unit.recorded, &unit.failure) {
                (Some(report), _) => (**report).clone(),
                (None, Some(failure)) if selected(unit) => failed(&unit.unit, failure.clone()),
                _ => blank(&unit.unit),
            }
        };
        report.page = page(study, unit);
        outcome.written.extend(report.outputs.iter().filter(|output| output.written).map(|output| output.path.clone()));
        outcome.report.subjects.push(report);
    }
    outcome.cancelled |= options.cancel.is_cancelled();
    if !outcome.cancelled && options.only.is_empty() {
        group(study, &plan, &mut outcome);
    }
    if options.prune && !outcome.cancelled {
        for stale in study.stale(&plan)? {
            let removed = if stale.path.is_dir() {
                fs_err::remove_dir_all(&stale.path)
            } else {
                fs_err::remove_file(&stale.path)
            };
            removed?;
            outcome.pruned.push(stale.path);
        }
    }
    finish(study, &plan, &mut outcome, start, cores)?;
    Ok(outcome)
}

/// A subject's page, relative to the index page.
fn page(study: &Study, unit: &UnitPlan) -> String {
    let path = study.results.path(&unit.unit.entities(), unit.unit.data_type(), "report", ".html");
    path.strip_prefix(study.results.root()).unwrap_or(&path).to_string_lossy().into_owned()
}

/// The average over subjects; without it the study is still what it is, so its failure is told and not raised.
fn group(study: &Study, plan: &StudyPlan, outcome: &mut Outcome) {
    let mut members = Vec::new();
    for (unit, report) in plan.units.iter().zip(&outcome.report.subjects) {
        let evoked = unit.outputs.iter().find(|output| output.step == steps::evoked::STEP.name);
        match (evoked, report.status) {
            (Some(output), Status::Done | Status::UpToDate) => members.push(Member {
                label: report.label.clone(),
                path: output.path.clone(),
                keys: output.keys.clone(),
                entities: unit.unit.entities(),
            }),
            (_, Status::Done | Status::UpToDate) => {}
            _ => {
                let why = report.failure.as_ref().and_then(|failure| failure.messages.last().cloned());
                outcome.report.missing.push((report.label.clone(), why.unwrap_or_else(|| "not computed".into())));
            }
        }
    }
    if members.len() < 2 {
        return;
    }
    let data_type = plan.units.first().map(|unit| unit.unit.data_type()).unwrap_or_default();
    let Some(output) = average::output(&study.config, &study.results, data_type, &members) else { return };
    let types = crate::input::wanted_types(&study.config);
    if let Some(folder) = output.path.parent()
        && let Err(error) = resume::remove_abandoned(folder)
    {
        outcome.report.group_failure = Some(failure(steps::average::STEP.name, &error));
        return;
    }
    let made: Result<Vec<GroupEvoked>> = average::average(&study.config, &output, &members, &types);
    match made {
        Ok(group) => {
            outcome.report.group = group;
            if output.is_due() {
                let path = output.path.strip_prefix(study.results.root()).unwrap_or(&output.path);
                outcome.written.push(path.to_string_lossy().into_owned());
            }
        }
        Err(error) => outcome.report.group_failure = Some(failure(steps::average::STEP.name, &error)),
    }
}

/// Fills what concerns the study as a whole, and writes the pages.
fn finish(study: &Study, plan: &StudyPlan, outcome: &mut Outcome, start: Instant, cores: usize) -> Result<()> {
    let report = &mut outcome.report;
    report.title = study.title();
    report.version = env!("CARGO_PKG_VERSION").into();
    report.config = study.config.entries();
    report.methods_text = study.methods_text();
    report.warnings = plan.remarks.clone();
    report.n_cores = cores;
    report.host = crate::system::host();
    report.peak_memory = crate::system::peak_memory();
    report.wall_s = start.elapsed().as_secs_f64();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    report.finished = crate::system::iso_time(now);
    let pages_missing = !outcome.index.exists()
        || report
            .subjects
            .iter()
            .any(|subject| subject.status == Status::UpToDate && !study.results.root().join(&subject.page).exists());
    if outcome.is_up_to_date() && !pages_missing {
        return Ok(());
    }
    let (report, mut unwritten) = (&outcome.report, Vec::new());
    for subject in report
        .subjects
        .iter()
        .filter(|subject| matches!(subject.status, Status::Done | Status::UpToDate | Status::Failed))
    {
        let path = study.results.root().join(&subject.page);
        let html = crate::report::subject_html(subject, report);
        if let Err(error) = bakusoku_files::write_text(&path, &html) {
            let error = failure("report", &error.into());
            unwritten.push(format!(
                "the page of {} could not be written: {}",
                subject.label,
                error.messages.join(": ")
            ));
        }
    }
    outcome.report.warnings.extend(unwritten);
    let html = crate::report::index_html(&outcome.report);
    bakusoku_files::write_text(&outcome.index, &html)?;
    Ok(())
}

/// Whether names given by hand mean anything.
pub(crate) fn check_only(options: &RunOptions, plan: &StudyPlan) -> Result<()> {
    for name in &options.only {
        if !plan.units.iter().any(|unit| unit.unit.is_named(name)) {
            let labels: Vec<String> = plan.units.iter().map(|unit| unit.unit.label()).collect();
            return Err(Error::Empty {
                message: format!("`{name}` is none of the study's subjects"),
                hint: Some(format!("there are: {}", labels.join(", "))),
            });
        }
    }
    Ok(())
}
