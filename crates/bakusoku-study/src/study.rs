//! The study itself.

use crate::Result;
use crate::config::{Config, ConfigError};
use crate::keys::InputKeys;
use crate::output::Output;
use crate::plan::{Context, Member, Members, Prepared, Scope, plan_group, plan_unit};
use crate::report::data::{Failure, Status, SubjectReport};
use crate::resume::{Stale, left_behind};
use crate::run::record::{noted, read_summary};
use crate::run::{self, Noted, Observer, Outcome, RunOptions, check_only};
use crate::step::{MethodsText, Registry, Script};
use crate::study_plan::{GroupPlan, StudyPlan, UnitPlan};
use crate::unit::{Source, Unit, discover};
use bakusoku_bids::{Dataset, Derivatives, Entities};
use bakusoku_core::Need;
use bakusoku_pool::{Event, Pool};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A study: its configuration, where its recordings are, and where results go.
#[derive(Clone, Debug)]
pub struct Study {
    pub(crate) config: Config,
    pub(crate) source: Source,
    pub(crate) results: Derivatives,
    pub(crate) registry: Registry,
    inputs: Arc<InputKeys>,
}

/// What is there and what is not.
#[derive(Clone, Debug)]
pub struct StudyStatus {
    /// What would run.
    pub plan: StudyPlan,
    /// What an older configuration, or a run that was killed, left behind.
    pub stale: Vec<Stale>,
}

impl Study {
    /// Reads and checks a study file. Nothing else is opened.
    ///
    /// # Errors
    /// When it can't be read, or says something that can't be meant.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Ok(Self::of(Config::load(path.as_ref())?))
    }
    /// The same, with other steps than those that come with bakusoku: [`steps::builtin`](crate::steps::builtin) and more.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(path: impl AsRef<Path>, registry: Registry) -> Result<Self, ConfigError> {
        let config = Config::load_with(path.as_ref(), &registry)?;
        Ok(Self { registry, ..Self::of(config) })
    }

    /// A study with this configuration.
    pub fn of(config: Config) -> Self {
        let source = Source::new(&config).expect("patterns were checked with the configuration");
        let results = match config.text("deriv_root") {
            Some(path) => config.beside(path),
            None => source.default_results(),
        };
        let inputs = Arc::new(InputKeys::new(config.text("memory_file_method") == Some("hash")));
        Self { results: Derivatives::new(results), source, config, registry: crate::steps::builtin(), inputs }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }
    /// The folder of results.
    pub fn results(&self) -> &Path {
        self.results.root()
    }
    /// The study's name: the dataset's, else its folder's.
    pub fn title(&self) -> String {
        Dataset::open(&self.source.root).map_or_else(|_| "study".into(), |dataset| dataset.name())
    }

    /// The study's name among others with the same results: its file, relative to the data.
    pub(crate) fn id(&self) -> String {
        self.source.relative(self.config.path())
    }
    pub(crate) fn context(&self, threads: usize) -> Context<'_> {
        Context {
            config: &self.config,
            source: &self.source,
            results: &self.results,
            registry: &self.registry,
            inputs: &self.inputs,
            study_id: self.id(),
            threads,
        }
    }

    /// The units, in order, from names of files only.
    ///
    /// # Errors
    /// When there is nothing to analyse.
    pub fn units(&self) -> Result<Vec<Unit>> {
        Ok(discover(&self.config, &self.source)?.0)
    }

    /// What would run, from headers only.
    ///
    /// # Errors
    /// When there is nothing to analyse; what is wrong with one subject stands in its plan.
    pub fn plan(&self, options: &RunOptions) -> Result<StudyPlan> {
        let budget = run::budget(self, options)?;
        let cores = budget.cores;
        self.plan_with(options, &Pool::new(budget)?, cores)
    }

    pub(crate) fn plan_with(&self, options: &RunOptions, pool: &Pool, threads: usize) -> Result<StudyPlan> {
        crate::unit::check_results(&self.source, self.results.root())?;
        let (mut units, remarks) = discover(&self.config, &self.source)?;
        check_only(options, &units)?;
        if options.only_units {
            let mut index = 0..;
            units.retain(|unit| index.next().is_some_and(|index| options.names(index, unit)));
        }
        let units = pool
            .tasks(units)
            .label(Unit::label)
            .cancel(&options.cancel)
            .observe(|_: &Event<'_>| ())
            .map(|_, unit| self.plan_unit(unit, options, threads));
        let units = units.map_err(|error| match error.is_cancelled() {
            true => bakusoku_core::Error::from(bakusoku_pool::Cancelled).into(),
            false => crate::Error::data(error.to_string(), "this is a fault of bakusoku: please report it"),
        })?;
        let mut plan = StudyPlan { groups: Vec::new(), remarks, steps: self.active_steps(), units };
        if !plan.units.iter().any(|unit| unit.empty_room) {
            plan.steps.retain(|(name, _)| *name != crate::steps::empty_room::ABOUT.name);
        }
        if !options.only_units {
            plan.groups = self.groups(&plan, options, threads);
        }
        if !crate::steps::epochs::is_wanted(&self.config) {
            let of_room = crate::steps::empty_room::gives_covariance(&self.config);
            let (before, after) = if of_room { (" or", "") } else { (",", " or covariance") };
            plan.remarks.push(format!("no `conditions`: no epochs{before} evoked responses{after}"));
        }
        Ok(plan)
    }

    fn plan_unit(&self, unit: Unit, options: &RunOptions, threads: usize) -> UnitPlan {
        let context = self.context(threads);
        let mut made = UnitPlan {
            outputs: Vec::new(),
            need: Need::default(),
            duration_s: 0.0,
            empty_room: false,
            failure: None,
            explanation: None,
            remark: None,
            recorded: None,
            member: None,
            unit,
        };
        match plan_unit(&context, &made.unit, options.force) {
            Ok(prepared) => {
                made.empty_room = prepared.empty_room;
                made.duration_s = prepared.duration_s;
                made.need = prepared.need;
                if options.explain {
                    made.explanation = Some(prepared.explain());
                }
                match self.recorded(&made.unit, &prepared) {
                    None => {}
                    Some(Ok(report)) => made.recorded = Some(Box::new(report)),
                    Some(Err(error)) => made.remark = Some(error.chain().join(": ")),
                }
                made.outputs = prepared.outputs().map(Output::slim).collect();
                if made.recorded.is_some() {
                    made.member = Some(Member::new(made.unit.label(), &made.outputs));
                }
            }
            Err(failure) => made.failure = Some(failure),
        }
        made
    }

    /// The summary of a unit all of whose files are up to date.
    fn recorded(&self, unit: &Unit, prepared: &Prepared) -> Option<Result<SubjectReport>> {
        if prepared.is_due() {
            return None;
        }
        let record = &prepared.graph.files[prepared.record?].output;
        Some(read_summary(&record.path).map(|report| SubjectReport {
            status: Status::UpToDate,
            page: run::page(self, unit),
            outputs: run::described(prepared.outputs(), &self.results),
            ..report
        }))
    }

    /// Units that are analysed together: those of one session and task, in a study of several subjects.
    fn groups(&self, plan: &StudyPlan, options: &RunOptions, threads: usize) -> Vec<GroupPlan> {
        let mut groups: Vec<(Entities, Vec<usize>)> = Vec::new();
        let there = || plan.units.iter().enumerate().filter(|(_, unit)| !unit.unit.runs.is_empty());
        if there().map(|(_, unit)| &unit.unit.subject).collect::<HashSet<_>>().len() < 2 {
            return Vec::new();
        }
        for (index, unit) in there() {
            let entities = group_entities(&unit.unit);
            match groups.iter_mut().find(|(other, _)| *other == entities) {
                Some((_, units)) => units.push(index),
                None => groups.push((entities, vec![index])),
            }
        }
        let context = self.context(threads);
        let planned = groups.into_iter().map(|(entities, units)| {
            let could = units.iter().map(|index| &plan.units[*index]).filter(|unit| unit.failure.is_none());
            let done = could.map(|unit| Member::new(unit.unit.label(), &unit.outputs)).collect();
            let data_type = plan.units[units[0]].unit.data_type();
            let mut group = GroupPlan {
                label: entities.unit_label(),
                units,
                outputs: Vec::new(),
                need: Need::default(),
                explanation: None,
            };
            let members = Members { done, missing: Vec::new() };
            // What does not fit is said when the group is made.
            if let Ok(prepared) = plan_group(&context, &Scope::Group { entities, data_type }, &members, options.force) {
                group.outputs = prepared.outputs().map(Output::slim).collect();
                group.need = prepared.need;
                group.explanation = options.explain.then(|| prepared.explain());
            }
            group
        });
        planned.filter(|group| !group.outputs.is_empty()).collect()
    }

    /// Runs what is due. One subject that fails leaves the others alone; [`Outcome::exit_status`] tells.
    ///
    /// # Errors
    /// When there is nothing to analyse, or results can't be written at all.
    pub fn run(&self, options: &RunOptions, observer: Observer) -> Result<Outcome> {
        run::run(self, options, observer)
    }

    /// What is up to date, what is not and why, and what was left behind.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn status(&self, options: &RunOptions) -> Result<StudyStatus> {
        let plan = self.plan(options)?;
        let stale = self.stale(&plan)?;
        Ok(StudyStatus { plan, stale })
    }

    /// What lies among the results though the study does not make it any more. Results of subjects that can't be read now
    /// are left alone, and so are those of other studies.
    pub(crate) fn stale(&self, plan: &StudyPlan) -> Result<Vec<Stale>> {
        let mut expected: HashSet<PathBuf> =
            plan.units.iter().flat_map(|unit| unit.outputs.iter().map(|output| output.path.clone())).collect();
        for group in &plan.groups {
            expected.extend(group.outputs.iter().map(|output| output.path.clone()));
        }
        let failed: Vec<&str> = plan.failed().map(|unit| unit.unit.subject.as_str()).collect();
        let of_failed = |stale: &Stale| {
            let name = stale.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            failed.iter().any(|subject| {
                name.starts_with(&format!("sub-{subject}_")) || name.starts_with(&format!("sub-{subject}."))
            })
        };
        let stale = left_behind(self.results.root(), &expected, &self.id())?;
        Ok(stale.into_iter().filter(|stale| !of_failed(stale)).collect())
    }

    /// What is noted of a unit beside its results.
    pub fn noted(&self, unit: &Unit) -> Noted {
        noted(&self.context(1).record_path(&unit.entities()))
    }
    /// Notes that a unit failed outside of bakusoku (its job was killed, say), for the report.
    ///
    /// # Errors
    /// When the folder of results can't be written.
    pub fn note_failure(&self, unit: &Unit, failure: Failure) -> Result<()> {
        let context = self.context(1);
        let report = SubjectReport {
            failure: Some(failure),
            page: run::page(self, unit),
            ..SubjectReport::empty(unit, Status::Failed)
        };
        let path = context.record_path(&unit.entities());
        run::record::note_failure(&path, &report);
        run::draw_failed(&context, &report, &self.title());
        match run::record::noted_failure(&path) {
            Some(_) => Ok(()),
            None => Err(std::io::Error::other(format!("`{}` can't be written", path.display())).into()),
        }
    }

    fn active_steps(&self) -> Vec<(&'static str, &'static str)> {
        let wanted = self.registry.iter().filter(|step| step.is_wanted(&self.config));
        wanted.map(|step| (step.about().name, step.about().doc)).collect()
    }

    /// What was done, as a paragraph for a paper.
    pub fn methods_text(&self) -> String {
        let mut text = MethodsText::default();
        for step in self.registry.iter().filter(|step| step.is_wanted(&self.config)) {
            step.methods(&self.config, &mut text);
        }
        text.text()
    }

    /// An MNE-Python script that does the same to one recording.
    pub fn script(&self) -> String {
        let mut script = Script::default();
        for step in self.registry.iter().filter(|step| step.is_wanted(&self.config)) {
            step.script(&self.config, &mut script);
        }
        script.text()
    }
}

/// The name of a unit's group.
fn group_entities(unit: &Unit) -> Entities {
    Entities { subject: Some("average".into()), ..unit.entities() }
}

impl StudyPlan {
    pub(crate) fn group_entities(&self, group: &GroupPlan) -> Entities {
        group.units.first().map(|index| group_entities(&self.units[*index].unit)).unwrap_or_default()
    }
}
