//! One pass over one recording: methods, taps, epochs and files of one rank, in one flow.

use super::unit::{UnitRun, in_step};
use crate::plan::{AnyCollector, AnyTap, Change, Fill, Make, Pass, Rec, Schedule, Signal, View, node_of};
use crate::resume::Replacement;
use crate::{Error, Result};
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{Method, Recording, Sink, Stream};
use bakusoku_methods::epochs::{EpochSink, EpochsPlan, EpochsSink};

/// Takes a recording through what is due.
pub(super) fn run(unit: &mut UnitRun<'_>, pass: &Pass, schedule: &Schedule, range: (f64, f64)) -> Result<()> {
    let label = unit.graph.run_label(Some(pass.rec));
    let methods = methods(unit, pass, label.as_ref())?;
    let store = unit.stores.remove(&pass.root.0);
    // The first flow tells the streams, with which taps are made; the second one runs.
    let streams = {
        let view = source(unit, pass.root)?;
        let stream = store.as_ref().map_or(view.stream(), |store| store.stream());
        let mut flow = Flow::new(stream);
        let nodes = nodes(unit, pass, &methods, &mut flow, label.as_ref())?;
        let all = std::iter::once(pass.root).chain(pass.signals.iter().copied());
        all.map(|signal| (signal, flow.stream(node_of(&nodes, Some(signal))).clone())).collect::<Vec<_>>()
    };
    let stream = |signal: Signal| -> &Stream {
        let found = streams.iter().find(|(other, _)| *other == signal);
        &found.expect("a pass has the signals that it taps").1
    };
    let mut taps: Vec<(usize, Signal, Box<dyn AnyTap>)> = Vec::new();
    for &id in &pass.taps {
        let node = &unit.graph.products[id];
        let Make::Tap { at, make, empty, .. } = &node.make else { continue };
        match in_step(node.step.name, label.as_ref(), make(&unit.values, stream(*at)))? {
            Some(tap) => taps.push((id, *at, tap)),
            None => {
                let empty = empty.clone();
                unit.values.set(id, empty);
            }
        }
    }
    let mut cuts: Vec<(usize, Signal, EpochsPlan)> = Vec::new();
    for &index in &pass.epochs {
        let node = &unit.graph.epochs[index];
        let at = stream(node.at);
        let plan = (|| {
            let plan = (node.plan)(&unit.values, at)?;
            let before = node.before.iter().map(|make| make(&unit.values, at)).collect::<Result<Vec<_>>>()?;
            let after = node.after.iter().map(|make| make(&unit.values, at)).collect::<Result<Vec<_>>>()?;
            Ok::<_, Error>(plan.with_operators(before, after)?)
        })();
        cuts.push((index, node.at, in_step(node.step.name, label.as_ref(), plan)?));
    }
    let mut files: Vec<(usize, Signal, Replacement, Box<dyn Sink>)> = Vec::new();
    for &index in &pass.files {
        let file = &mut unit.graph.files[index];
        let Fill::Stream { at, writer } = &mut file.fill else { continue };
        let (at, Some(writer)) = (*at, writer.take()) else { continue };
        let made = (|| {
            let place = Replacement::begin(&file.output.path)?;
            let sink = writer(&place.path(), stream(at), file.output.file_id())?;
            Ok::<_, Error>((place, sink))
        })();
        let (place, sink) = in_step(file.step.name, label.as_ref(), made)?;
        files.push((index, at, place, sink));
    }
    let mut collectors = collectors(unit, pass, schedule, label.as_ref())?;
    let (times, kept) = {
        let view = source(unit, pass.root)?;
        let recording: &dyn Recording = store.as_ref().map_or(&view as &dyn Recording, |store| store);
        let mut flow = Flow::new(recording.stream());
        let nodes = nodes(unit, pass, &methods, &mut flow, label.as_ref())?;
        let mut sinks: Vec<(&str, Signal, EpochsSink<'_>)> = Vec::new();
        let mut lent: Vec<(usize, &mut dyn EpochSink)> = Vec::new();
        for (_, epochs, collector) in &mut collectors {
            let collector: &mut dyn EpochSink = &mut **collector;
            lent.push((*epochs, collector));
        }
        for (index, at, plan) in cuts {
            let mut own: Vec<&mut dyn EpochSink> = Vec::new();
            let mut rest = Vec::new();
            for (epochs, collector) in lent {
                if epochs == index { own.push(collector) } else { rest.push((epochs, collector)) }
            }
            lent = rest;
            sinks.push((unit.graph.epochs[index].step.name, at, EpochsSink::new(plan, own)));
        }
        for (id, at, tap) in &mut taps {
            let sink: &mut dyn Sink = &mut **tap;
            flow.tap(node_of(&nodes, Some(*at)), unit.graph.products[*id].step.name, sink);
        }
        for (index, at, _, sink) in &mut files {
            flow.tap(node_of(&nodes, Some(*at)), unit.graph.files[*index].step.name, &mut **sink);
        }
        for (name, at, sink) in &mut sinks {
            flow.tap(node_of(&nodes, Some(*at)), *name, sink);
        }
        for signal in &pass.keep {
            flow.keep(node_of(&nodes, Some(*signal)));
        }
        let work = unit.work(unit.graph.signals[pass.root.0].step, label.clone(), range);
        let mut done = flow.run(recording, &work.cx()).map_err(|error| named(unit, pass, label.as_ref(), error))?;
        let kept: Vec<_> = pass
            .keep
            .iter()
            .filter_map(|signal| Some((signal.0, done.take(node_of(&nodes, Some(*signal)))?)))
            .collect();
        (done.times, kept)
    };
    for (name, time) in times {
        unit.add_time(&name, label.clone(), time.as_secs_f64());
    }
    unit.stores.extend(kept);
    if let Some(store) = store {
        unit.stores.insert(pass.root.0, store);
    }
    for (id, _, tap) in taps {
        let step = unit.graph.products[id].step.name;
        let value = in_step(step, label.as_ref(), tap.finish_any())?;
        unit.values.set(id, value);
    }
    for (index, _, place, sink) in files {
        drop(sink);
        let file = &mut unit.graph.files[index];
        in_step(file.step.name, label.as_ref(), file.output.commit(place))?;
    }
    unit.seen.extend(&pass.epochs);
    for (id, _, collector) in collectors {
        put_back(unit, id, collector)?;
    }
    Ok(())
}

/// A recording with the header that it has at the root of a pass.
fn source<'u>(unit: &'u UnitRun<'_>, root: Signal) -> Result<View<'u>> {
    View::new(unit.graph, &unit.values, root)
}

/// The methods of a pass, made of the products that they waited for.
fn methods(unit: &UnitRun<'_>, pass: &Pass, label: Option<&String>) -> Result<Vec<Option<Box<dyn Method>>>> {
    let mut out = Vec::new();
    for &signal in &pass.signals {
        let node = &unit.graph.signals[signal.0];
        let Change::Method { later: Some(make), .. } = &node.change else {
            out.push(None);
            continue;
        };
        out.push(Some(in_step(node.step.name, label, make(&unit.values))?));
    }
    Ok(out)
}

/// Adds a pass's methods to a flow.
fn nodes<'f, 'u: 'f>(
    unit: &'u UnitRun<'_>,
    pass: &Pass,
    methods: &'f [Option<Box<dyn Method>>],
    flow: &mut Flow<'f>,
    label: Option<&String>,
) -> Result<Vec<(Signal, NodeId)>> {
    let mut nodes = vec![(pass.root, NodeId::SOURCE)];
    for (&signal, method) in pass.signals.iter().zip(methods) {
        let node = &unit.graph.signals[signal.0];
        let Change::Method { expected, .. } = &node.change else { continue };
        let method: &'f dyn Method = method.as_deref().unwrap_or(&**expected);
        let added = flow.add(node_of(&nodes, node.parent), node.step.name, method);
        nodes.push((signal, in_step(node.step.name, label, added)?));
    }
    Ok(nodes)
}

/// The step in which a pass failed, by the name of the node.
fn named(unit: &UnitRun<'_>, pass: &Pass, label: Option<&String>, error: bakusoku_core::Error) -> Error {
    let signals = pass.signals.iter().map(|signal| unit.graph.signals[signal.0].step.name);
    let taps = pass.taps.iter().map(|id| unit.graph.products[*id].step.name);
    let epochs = pass.epochs.iter().map(|index| unit.graph.epochs[*index].step.name);
    let files = pass.files.iter().map(|index| unit.graph.files[*index].step.name);
    let mut names = signals.chain(taps).chain(epochs).chain(files);
    let node = error.node().map(str::to_owned);
    let step = names.find(|name| Some(*name) == node.as_deref()).unwrap_or("read");
    Error::Step { step, run: label.cloned(), source: Box::new(error.into()) }
}

type Lent = (usize, usize, Box<dyn AnyCollector>);

/// Those that take this pass's epochs: product, epochs, collector.
fn collectors(unit: &mut UnitRun<'_>, pass: &Pass, schedule: &Schedule, label: Option<&String>) -> Result<Vec<Lent>> {
    let mut out = Vec::new();
    for &index in &pass.epochs {
        for &id in &schedule.products {
            if unit.graph.is_cached(id) {
                continue;
            }
            let step = unit.graph.products[id].step;
            let Make::Collect { epochs, make, .. } = &mut unit.graph.products[id].make else { continue };
            if !epochs.iter().any(|at| at.0 == index) {
                continue;
            }
            let make = make.take();
            let collector = match (unit.collectors.remove(&id), make) {
                (Some(collector), _) => collector,
                (None, Some(make)) => {
                    let work = unit.work(step, label.cloned(), (0.0, 0.0));
                    in_step(step.name, label, make(&unit.values, &work))?
                }
                (None, None) => continue,
            };
            out.push((id, index, collector));
        }
    }
    Ok(out)
}

/// Keeps a collector for the next recording, or takes its result.
fn put_back(unit: &mut UnitRun<'_>, id: usize, collector: Box<dyn AnyCollector>) -> Result<()> {
    let node = &unit.graph.products[id];
    let Make::Collect { epochs, .. } = &node.make else { return Ok(()) };
    if !epochs.iter().all(|at| unit.seen.contains(&at.0)) {
        unit.collectors.insert(id, collector);
        return Ok(());
    }
    let rec: Option<Rec> = node.rec;
    let label = unit.graph.run_label(rec);
    let value = in_step(node.step.name, label.as_ref(), collector.finish_any())?;
    unit.values.set(id, value);
    Ok(())
}
