//! One unit (or group): its passes in order, the functions between them, its files.

use super::pass;
use crate::config::Config;
use crate::plan::{AnyCollector, Fill, Graph, Make, Pass, Prepared, Schedule, Values, Work, product_rank};
use crate::report::data::{Timing, Warning};
use crate::report::facts::{Fact, Facts};
use crate::resume::remove_abandoned;
use crate::step::About;
use crate::{Error, Result};
use bakusoku_core::run::Store;
use bakusoku_core::{Cancel, Par, Progress, SpillDir};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What a unit's work needs from outside.
pub(crate) struct Resources<'a> {
    pub(crate) config: &'a Config,
    pub(crate) par: &'a Par,
    pub(crate) cancel: &'a Cancel,
    pub(crate) spill: &'a SpillDir,
    pub(crate) progress: Progress,
}

/// What came of a unit's work, however it ended.
pub(crate) struct Executed {
    pub(crate) result: Result<()>,
    pub(crate) timing: Vec<Timing>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) facts: Facts,
}

/// Names the step (and recording) in which something went wrong.
pub(crate) fn in_step<T, E: Into<Error>>(step: &'static str, run: Option<&String>, result: Result<T, E>) -> Result<T> {
    result.map_err(|error| match error.into() {
        error @ Error::Step { .. } => error,
        error => Error::Step { step, run: run.cloned(), source: Box::new(error) },
    })
}

/// The state of a unit while it runs.
pub(super) struct UnitRun<'a> {
    pub(super) resources: &'a Resources<'a>,
    pub(super) graph: &'a mut Graph,
    pub(super) values: Values,
    pub(super) collectors: HashMap<usize, Box<dyn AnyCollector>>,
    /// Epochs that have passed.
    pub(super) seen: BTreeSet<usize>,
    pub(super) stores: HashMap<usize, Store>,
    pub(super) timing: Vec<Timing>,
    pub(super) warnings: Mutex<Vec<Warning>>,
    pub(super) range: (f64, f64),
}

/// Does what is due.
pub(crate) fn execute(resources: &Resources<'_>, prepared: &mut Prepared) -> Executed {
    let schedule = Schedule::new(&prepared.graph);
    let mut run = UnitRun {
        resources,
        graph: &mut prepared.graph,
        values: Values::default(),
        collectors: HashMap::new(),
        seen: BTreeSet::new(),
        stores: HashMap::new(),
        timing: Vec::new(),
        warnings: Mutex::new(prepared.warnings.clone()),
        range: (0.0, 0.0),
    };
    let result = run.all(&schedule);
    let facts = run.facts();
    let warnings = run.warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
    Executed { result, timing: run.timing, warnings, facts }
}

impl UnitRun<'_> {
    fn all(&mut self, schedule: &Schedule) -> Result<()> {
        let folders: BTreeSet<&Path> = self.graph.files.iter().filter_map(|file| file.output.path.parent()).collect();
        for folder in folders {
            remove_abandoned(folder)?;
        }
        // Functions that read a recording by themselves weigh like a light pass.
        let heavy = |id: &usize| match &self.graph.products[*id].make {
            Make::Join { reads, need, .. } => !reads.is_empty() && need.memory.0 > 0 && !self.graph.is_cached(*id),
            _ => false,
        };
        let joins: f64 = schedule.products.iter().filter(|id| heavy(id)).count() as f64 * 0.5;
        let total = (schedule.passes.iter().map(|pass| self.cost(pass)).sum::<f64>() + joins).max(1e-9);
        self.range.1 = if joins > 0.0 { 0.95 * 0.5 / total } else { 0.0 };
        let mut rank = 0;
        self.ready(schedule, rank)?;
        for pass in &schedule.passes {
            if pass.rank != rank {
                rank = pass.rank;
                self.ready(schedule, rank)?;
            }
            let part = 0.95 * self.cost(pass) / total;
            let from = self.range.0;
            pass::run(self, pass, schedule, (from, part))?;
            self.range.0 = from + part;
            self.ready(schedule, rank + 1)?;
            // What no later pass starts from is not needed any more.
            let later = schedule.passes.iter().skip_while(|other| *other != pass).skip(1);
            let roots: BTreeSet<usize> = later.map(|pass| pass.root.0).collect();
            self.stores.retain(|signal, _| roots.contains(signal));
        }
        self.ready(schedule, usize::MAX)
    }

    /// What the steps have to show, as far as it was made.
    fn facts(&self) -> Facts {
        let value = |id| self.values.any(id).and_then(|value| value.downcast_ref::<ciborium::Value>()).cloned();
        let items = self.graph.facts.iter().filter_map(|fact| {
            Some(Fact { step: fact.step.to_owned(), run: fact.run.clone(), value: value(fact.product)? })
        });
        Facts { items: items.collect() }
    }

    fn cost(&self, pass: &Pass) -> f64 {
        let stream = &self.graph.signals[pass.root.0].stream;
        stream.n_channels() as f64 * stream.n_times as f64 * (1 + pass.signals.len()) as f64 + 1.0
    }

    /// Runs the functions whose inputs are there, in order, and writes the files whose products are.
    fn ready(&mut self, schedule: &Schedule, rank: usize) -> Result<()> {
        for &id in &schedule.products {
            if self.values.has(id) {
                continue;
            }
            self.resources.cancel.check().map_err(bakusoku_core::Error::from)?;
            let node = &self.graph.products[id];
            if self.graph.is_cached(id) {
                let (step, run) = (node.step.name, self.graph.run_label(node.rec));
                let Some((file, read)) = &node.cached else { continue };
                let read = read(&self.graph.files[*file].output.path);
                let value = in_step(step, run.as_ref(), read)?;
                self.values.set(id, value);
                continue;
            }
            let Make::Join { inputs, .. } = &node.make else { continue };
            if !inputs.iter().all(|id| self.values.has(*id)) || product_rank(self.graph, id) > rank {
                continue;
            }
            self.join(id)?;
            self.write_files()?;
        }
        self.write_files()
    }

    fn join(&mut self, id: usize) -> Result<()> {
        let node = &mut self.graph.products[id];
        let (step, rec) = (node.step, node.rec);
        let Make::Join { run, need, reads, .. } = &mut node.make else { return Ok(()) };
        let heavy = !reads.is_empty() && need.memory.0 > 0;
        let Some(f) = run.take() else { return Ok(()) };
        let start = Instant::now();
        let label = self.graph.run_label(rec);
        let value = {
            let range = (self.range.0, if heavy { self.range.1 } else { 0.0 });
            let work = self.work(step, label.clone(), range);
            in_step(step.name, label.as_ref(), f(&self.values, &work))?
        };
        if heavy {
            self.range.0 += self.range.1;
        }
        self.values.set(id, value);
        self.time(step, label, start);
        Ok(())
    }

    fn write_files(&mut self) -> Result<()> {
        for index in 0..self.graph.files.len() {
            let file = &mut self.graph.files[index];
            if !file.output.is_due() {
                continue;
            }
            let Fill::From { inputs, write } = &mut file.fill else { continue };
            if !inputs.iter().all(|id| self.values.has(*id)) {
                continue;
            }
            let Some(write) = write.take() else { continue };
            let (step, rec, start) = (file.step, file.rec, Instant::now());
            let id = file.output.file_id();
            let values = &self.values;
            let written = file.output.write(|path| write(values, path, id));
            let label = self.graph.run_label(rec);
            in_step(step.name, label.as_ref(), written)?;
            self.time(step, label, start);
        }
        Ok(())
    }

    pub(super) fn work(&self, step: &'static About, run: Option<String>, range: (f64, f64)) -> Work<'_> {
        Work {
            config: self.resources.config,
            par: self.resources.par,
            cancel: self.resources.cancel,
            spill: self.resources.spill,
            progress: self.resources.progress.clone(),
            graph: Some(self.graph),
            values: Some(&self.values),
            range,
            warnings: &self.warnings,
            step: step.name,
            run,
        }
    }

    fn time(&mut self, step: &About, run: Option<String>, start: Instant) {
        self.add_time(step.name, run, start.elapsed().as_secs_f64());
    }

    pub(super) fn add_time(&mut self, step: &str, run: Option<String>, wall_s: f64) {
        match self.timing.iter_mut().find(|timing| timing.step == step && timing.run == run) {
            Some(timing) => timing.wall_s += wall_s,
            None => self.timing.push(Timing { step: step.into(), run, wall_s }),
        }
    }
}
