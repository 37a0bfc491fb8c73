//! What the report is made from, kept beside the results so that a study that is up to date can still be shown; and the
//! unit's page.

use crate::Result;
use crate::input::Input;
use crate::plan::{Planner, Product, Rec};
use crate::report::data::RecordingFacts;
use crate::step::{About, Step};
use crate::steps::find_bads::BadChannelScores;
use bakusoku_core::{Recording, Stream};

pub(crate) const ABOUT: &About = &About {
    name: "report",
    revision: 2,
    keys: &["conditions", "contrasts", "ch_types", "psd"],
    doc: "Keeps what the report shows of a subject, and draws its page.",
};

/// See the module.
pub(crate) struct Report;

impl Step for Report {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let found: Vec<Product<BadChannelScores>> = unit.find("bad_channels").unwrap_or_default();
        for (index, rec) in unit.recordings().into_iter().enumerate() {
            let facts = describe(unit, rec);
            let labels: Vec<String> = unit.recordings().into_iter().map(|rec| unit.label(rec).to_owned()).collect();
            let stream = unit.input(rec).stream().clone();
            let shown = unit.join(Some(rec), found.clone(), move |found, _| {
                let mut facts = facts;
                let order = std::iter::once(index).chain((0..found.len()).filter(|other| *other != index));
                for other in order.filter(|other| *other < found.len()) {
                    for (name, why) in found[other].reasons() {
                        if stream.info.index_of(&name).is_none() || facts.bads.iter().any(|(bad, _)| *bad == name) {
                            continue;
                        }
                        let why = if other == index { why } else { format!("{why} of {}", labels[other]) };
                        facts.bads.push((name, why));
                    }
                }
                Ok(facts)
            });
            unit.facts(shown);
        }
        Ok(())
    }
}

/// A recording as it is known from its header.
fn describe(unit: &Planner<'_>, rec: Rec) -> RecordingFacts {
    let (input, filtered): (&Input, &Stream) = (unit.input(rec), unit.stream(unit.tip(rec)));
    let source = input.stream();
    let mut n_channels: Vec<(String, usize)> = Vec::new();
    for ch in &source.info.chs {
        let name = ch.ch_type().name();
        match n_channels.iter_mut().find(|(other, _)| other == name) {
            Some((_, n)) => *n += 1,
            None => n_channels.push((name.into(), 1)),
        }
    }
    let mut line_freqs: Vec<f64> =
        source.info.line_freq.into_iter().chain(unit.config().numbers("notch_freq")).collect();
    line_freqs.sort_by(f64::total_cmp);
    line_freqs.dedup();
    RecordingFacts {
        path: unit.run(rec).name(),
        is_empty_room: unit.empty_room() == Some(rec),
        duration_s: source.n_times as f64 / source.sfreq(),
        sfreq: (source.sfreq(), filtered.sfreq()),
        n_channels,
        bads: input.bads.clone(),
        marked: marked(source),
        line_freqs,
    }
}

fn marked(stream: &Stream) -> Vec<(f64, f64, String)> {
    let sfreq = stream.sfreq();
    let skip = |description: &str| description.eq_ignore_ascii_case("bad_acq_skip");
    let gaps =
        stream.gaps.iter().map(|gap| (gap.start as f64 / sfreq, gap.stop as f64 / sfreq, "not acquired".to_owned()));
    let annotations = &stream.annotations;
    // Gaps are annotated as well.
    let bad = annotations.items.iter().enumerate().filter(|(_, item)| {
        item.description.to_lowercase().starts_with("bad") && (stream.gaps.is_empty() || !skip(&item.description))
    });
    gaps.chain(bad.map(|(index, item)| {
        let onset = annotations.onset_from_first_sample(index, stream.info.meas_date, stream.first_samp, sfreq);
        (onset, onset + item.duration, item.description.clone())
    }))
    .collect()
}

/// The files of the report: record (with its summary) and page. The record's place among the files, where there is
/// something to keep.
pub(crate) fn plan(unit: &mut Planner<'_>) -> Result<Option<usize>> {
    if unit.graph.facts.is_empty() {
        return Ok(None);
    }
    unit.step = ABOUT;
    let facts: Vec<usize> = unit.graph.facts.iter().map(|fact| fact.product).collect();
    let mut keys: Vec<crate::keys::Keys> = unit.graph.files.iter().map(|file| file.output.keys.clone()).collect();
    keys.extend(facts.iter().map(|id| unit.graph.products[*id].keys.clone()));
    let keys = unit.derive(&unit.own(), &keys.iter().collect::<Vec<_>>(), &[]);
    let path = unit.context.record_path(&unit.entities());
    let facts: Vec<Product<ciborium::Value>> = facts.into_iter().map(Product::new).collect();
    let record = unit.report_file(path, keys.clone(), facts);
    if !unit.scope.is_group() {
        let page = unit.unit_file("report", ".html");
        unit.report_file(page, keys, Vec::new());
    }
    Ok(Some(record))
}
