//! The study itself.

use crate::Result;
use crate::config::{Config, ConfigError};
use crate::execute::recorded;
use crate::plan::{StudyPlan, UnitPlan};
use crate::prepare::prepare;
use crate::resume::{Stale, left_behind};
use crate::run::{self, Observer, Outcome, RunOptions, check_only};
use crate::steps::STEPS;
use crate::unit::{Source, discover};
use bakusoku_bids::{Dataset, Derivatives};
use bakusoku_core::{Need, Recording};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A study: its configuration, where its recordings are, and where results go.
#[derive(Clone, Debug)]
pub struct Study {
    pub(crate) config: Config,
    pub(crate) source: Source,
    pub(crate) results: Derivatives,
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

    /// A study with this configuration.
    pub fn of(config: Config) -> Self {
        let source = Source::new(&config).expect("patterns were checked with the configuration");
        let results = match config.text("deriv_root") {
            Some(path) => config.beside(path),
            None => source.default_results(),
        };
        Self { results: Derivatives::new(results), source, config }
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

    /// What would run, from headers only.
    ///
    /// # Errors
    /// When there is nothing to analyse; what is wrong with one subject stands in its plan.
    pub fn plan(&self, options: &RunOptions) -> Result<StudyPlan> {
        self.plan_with(options, run::budget(self, options)?.cores)
    }

    pub(crate) fn plan_with(&self, options: &RunOptions, threads: usize) -> Result<StudyPlan> {
        crate::unit::check_results(&self.source, self.results.root())?;
        let (units, remarks) = discover(&self.config, &self.source)?;
        let mut plan = StudyPlan { units: Vec::new(), average: None, remarks, steps: self.active_steps() };
        for unit in units {
            options.cancel.check().map_err(bakusoku_core::Error::from)?;
            let mut made = UnitPlan {
                outputs: Vec::new(),
                need: Need::default(),
                duration_s: 0.0,
                empty_room: false,
                failure: None,
                recorded: None,
                unit,
            };
            match prepare(&self.config, &self.source, &self.results, &made.unit, threads) {
                Ok(mut prepared) => {
                    if options.force {
                        prepared.forget();
                    }
                    made.empty_room = prepared.room.is_some();
                    made.duration_s = prepared
                        .runs
                        .iter()
                        .take(made.unit.runs.len())
                        .map(|run| run.input.stream().n_times as f64 / run.input.stream().sfreq())
                        .sum();
                    made.recorded = recorded(&prepared, &self.results).map(Box::new);
                    made.need = prepared.need;
                    made.outputs = prepared.outputs().into_iter().cloned().collect();
                }
                Err(failure) => made.failure = Some(failure),
            }
            plan.units.push(made);
        }
        if !plan.units.iter().any(|unit| unit.empty_room) {
            plan.steps.retain(|(name, _)| *name != crate::steps::empty_room::STEP.name);
        }
        check_only(options, &plan)?;
        let averaged = plan.units.iter().filter(|unit| unit.outputs.iter().any(|output| output.step == "evoked"));
        if averaged.count() > 1 {
            plan.average = plan.units.iter().find(|unit| unit.failure.is_none()).map(|unit| {
                let mut entities = bakusoku_bids::Entities { session: None, ..unit.unit.entities() };
                entities.subject = Some("average".into());
                self.results.path(&entities, unit.unit.data_type(), "ave", ".fif")
            });
        }
        if !crate::steps::epochs::wanted(&self.config) {
            let of_room = crate::steps::empty_room::gives_covariance(&self.config);
            let (before, after) = if of_room { (" or", "") } else { (",", " or covariance") };
            plan.remarks.push(format!("no `conditions`: no epochs{before} evoked responses{after}"));
        }
        Ok(plan)
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

    /// What lies among the results though the study does not make it. Results of subjects that can't be read now are
    /// left alone.
    pub(crate) fn stale(&self, plan: &StudyPlan) -> Result<Vec<Stale>> {
        let mut expected: HashSet<PathBuf> =
            plan.units.iter().flat_map(|unit| unit.outputs.iter().map(|output| output.path.clone())).collect();
        expected.extend(plan.average.clone());
        let failed: Vec<PathBuf> =
            plan.failed().map(|unit| self.results.root().join(format!("sub-{}", unit.unit.subject))).collect();
        let stale = left_behind(self.results.root(), &expected)?;
        Ok(stale.into_iter().filter(|stale| !failed.iter().any(|folder| stale.path.starts_with(folder))).collect())
    }

    fn active_steps(&self) -> Vec<(&'static str, &'static str)> {
        let config = &self.config;
        let epochs = crate::steps::epochs::wanted(config);
        let of_room = crate::steps::empty_room::gives_covariance(config);
        STEPS
            .iter()
            .filter(|step| match step.name {
                "find_bads" => crate::steps::find_bads::wanted(config),
                "esss" => crate::steps::esss::wanted(config),
                "maxwell_filter" => crate::steps::maxwell::wanted(config),
                "notch_filter" => !config.numbers("notch_freq").is_empty(),
                "filter" => config.number("l_freq").is_some() || config.number("h_freq").is_some(),
                "resample" => config.number("raw_resample_sfreq").is_some(),
                "raw" => config.flag("save_filtered_raw"),
                "psd" => !config.get("psd").is_none(),
                "events" | "reference" | "epochs" | "evoked" | "average" => epochs,
                "covariance" => (epochs && config.pair("noise_cov").is_some()) || of_room,
                _ => true,
            })
            .map(|step| (step.name, step.doc))
            .collect()
    }

    /// What was done, as a paragraph for a paper.
    pub(crate) fn methods_text(&self) -> String {
        let config = &self.config;
        let mut out = format!(
            "Data were analysed with bakusoku {}, which computes MNE-Python's numbers (Gramfort et al., 2013).",
            env!("CARGO_PKG_VERSION")
        );
        let list = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let notches = config.numbers("notch_freq");
        if !notches.is_empty() {
            out += &format!(" Line noise was notch-filtered at {} Hz.", list(&notches));
        }
        match (config.number("l_freq"), config.number("h_freq")) {
            (Some(l), Some(h)) => out += &format!(" Recordings were band-pass filtered from {l} to {h} Hz"),
            (Some(l), None) => out += &format!(" Recordings were high-pass filtered at {l} Hz"),
            (None, Some(h)) => out += &format!(" Recordings were low-pass filtered at {h} Hz"),
            (None, None) => {}
        }
        if config.number("l_freq").is_some() || config.number("h_freq").is_some() {
            out += " (zero-phase FIR filter, Hamming window; Widmann et al., 2015).";
        }
        if let Some(sfreq) = config.number("raw_resample_sfreq") {
            out += &format!(" They were resampled to {sfreq} Hz.");
        }
        if crate::steps::epochs::wanted(config) {
            let (tmin, tmax) =
                (config.number("epochs_tmin").unwrap_or(0.0), config.number("epochs_tmax").unwrap_or(0.0));
            out += &format!(" Epochs from {tmin} to {tmax} s around events");
            if let Some((start, stop)) = config.pair("baseline") {
                out += &format!(
                    " were corrected by the mean from {} to {} s",
                    start.unwrap_or(tmin),
                    stop.unwrap_or(tmax)
                );
            } else {
                out += " were cut";
            }
            let limits = config.limits("reject");
            if !limits.is_empty() {
                let limits: Vec<String> = limits.iter().map(|(name, value)| format!("{name} {value:e}")).collect();
                out += &format!(
                    "; those whose peak-to-peak amplitude exceeded limits ({}) were dropped",
                    limits.join(", ")
                );
            }
            out += ", and averaged by condition.";
        }
        out + " References: Gramfort et al. (2013) Front. Neurosci. 7:267; Widmann et al. (2015) J. Neurosci. Methods 250:34-46."
    }
}
