//! Bad channels: from `channels.tsv`, else the recording, and `study.toml`; those of all runs are united.

use crate::config::Config;
use crate::config::Kind;
use crate::config::keys::{DATA, Key, key};
use crate::keys::Keys;
use crate::plan::Planner;
use crate::step::{About, MethodsText, Script, Step};
use crate::{Result, input};
use bakusoku_core::Recording;
use serde_json::json;

const KEYS: &[Key] = &[key(
    DATA,
    "annotations",
    Kind::Word(&["keep", "bids"]),
    "\"keep\"",
    "\"keep\": BAD_ annotations of the recording stay. \"bids\": events.tsv replaces all but BAD_ACQ_SKIP, as mne-bids does.",
)];

pub(crate) const ABOUT: &About = &About {
    name: "bads",
    revision: 1,
    keys: &["annotations"],
    doc: "Takes bad channels from channels.tsv (else the recording) and study.toml; unites those of all runs.",
};

/// See the module.
pub(crate) struct Bads;

impl Step for Bads {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let (config, source, runs) = (unit.config(), unit.context.source, &unit.unit().runs);
        let inputs = input::open(config, source, unit.unit())?;
        for (run, input) in runs.iter().zip(inputs) {
            let keys = recording_keys(unit, run, &input)?;
            let warnings = input.warnings.clone();
            let rec = unit.add_recording(run.clone(), input, false, keys);
            warnings.into_iter().for_each(|text| unit.warn(Some(rec), text));
        }
        Ok(())
    }
    fn methods(&self, _config: &Config, text: &mut MethodsText) {
        let version = env!("CARGO_PKG_VERSION");
        text.say(format!(
            "Data were analysed with bakusoku {version}, which computes MNE-Python's numbers (Gramfort et al., 2013)"
        ));
        text.cite("Gramfort et al. (2013) Front. Neurosci. 7:267");
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.import("import mne").line("raw = mne.io.read_raw_fif(raw_fname, preload=True)");
        script.line("raw.info[\"bads\"] = bads");
    }
}

/// The keys of a recording with the bad channels and marked stretches that are known of it.
///
/// # Errors
/// When a file can't be read.
pub(crate) fn recording_keys(unit: &Planner<'_>, run: &crate::unit::Run, input: &input::Input) -> Result<Keys> {
    let context = unit.context;
    let mut keys = vec![context.inputs.keys(&context.source.relative(&run.found.path), &input.files)?];
    if let Some(channels) = &run.channels {
        keys.push(unit.file_keys(channels)?);
    }
    for path in run.electrodes.iter().flat_map(|(electrodes, system)| std::iter::once(electrodes).chain(system)) {
        keys.push(unit.file_keys(path)?);
    }
    // Only stretches marked as bad reach the recording itself; all else in `events.tsv` is the events step's.
    let stream = input.stream();
    let marked: Vec<_> =
        stream.annotations.items.iter().map(|item| json!([item.onset, item.duration, item.description])).collect();
    let own = json!({"bads": stream.info.bads, "annotations": marked, "config": unit.config().own(ABOUT.keys)});
    Ok(Keys::of(ABOUT, &own, &keys.iter().collect::<Vec<_>>()))
}
