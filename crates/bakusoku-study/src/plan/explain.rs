//! A plan in words: passes, taps, functions between them, files.

use super::graph::{Fill, Graph, Make};
use super::passes::{Schedule, product_rank};
use std::fmt::Write;

impl Schedule {
    /// What will happen, in order.
    pub(crate) fn explain(&self, graph: &Graph) -> String {
        let mut out = String::new();
        let last = self.passes.iter().map(|pass| pass.rank + 1).max().unwrap_or(0);
        for rank in 0..=last {
            for &id in &self.products {
                let product = &graph.products[id];
                let Make::Join { reads, .. } = &product.make else { continue };
                if product_rank(graph, id) != rank || reads.is_empty() || graph.is_cached(id) {
                    continue;
                }
                let run = graph.run_label(product.rec).unwrap_or_default();
                let _ = writeln!(out, "  before pass {}  {}  {run}", rank + 1, product.step.name);
            }
            for pass in self.passes.iter().filter(|pass| pass.rank == rank) {
                let _ = writeln!(out, "  pass {}  {}", rank + 1, graph.recordings[pass.rec.0].label);
                let root = graph.signals[pass.root.0].place;
                self.explain_at(graph, pass, pass.root.0, root, &mut out);
                for &signal in &pass.signals {
                    let node = &graph.signals[signal.0];
                    let from = node.parent.map_or("", |parent| graph.signals[parent.0].place);
                    let place = format!("{from} > {} ({})", node.place, node.step.name);
                    self.explain_at(graph, pass, signal.0, &place, &mut out);
                }
            }
        }
        let cached: Vec<&str> = self
            .products
            .iter()
            .filter_map(|id| {
                let (file, _) = graph.products[*id].cached.as_ref().filter(|_| graph.is_cached(*id))?;
                graph.files[*file].output.path.file_name()?.to_str()
            })
            .collect();
        if !cached.is_empty() {
            let _ = writeln!(out, "  read     {}", cached.join(", "));
        }
        out
    }

    fn explain_at(&self, graph: &Graph, pass: &super::Pass, signal: usize, place: &str, out: &mut String) {
        let mut taps: Vec<String> = Vec::new();
        for &id in &pass.taps {
            if let Make::Tap { at, .. } = &graph.products[id].make
                && at.0 == signal
            {
                taps.push(graph.products[id].step.name.to_owned());
            }
        }
        for &index in &pass.files {
            if let Fill::Stream { at, .. } = &graph.files[index].fill
                && at.0 == signal
            {
                taps.push(graph.files[index].step.name.to_owned());
            }
        }
        for &index in pass.epochs.iter().filter(|index| graph.epochs[**index].at.0 == signal) {
            let node = &graph.epochs[index];
            let operators = node.operators.iter().map(|step| format!(" > {}", step.name)).collect::<String>();
            let into: Vec<&str> = self
                .products
                .iter()
                .filter(|id| match &graph.products[**id].make {
                    Make::Collect { epochs, .. } => epochs.iter().any(|at| at.0 == index),
                    _ => false,
                })
                .map(|id| graph.products[*id].step.name)
                .collect();
            let mut into = into;
            into.dedup();
            taps.push(format!("{}{operators} [{}]", node.step.name, into.join(", ")));
        }
        let keep = pass.keep.iter().any(|kept| kept.0 == signal);
        let taps = if taps.is_empty() { String::new() } else { format!(": {}", taps.join(", ")) };
        let keep = if keep { " (kept)" } else { "" };
        let _ = writeln!(out, "    {place}{keep}{taps}");
    }
}
