//! Maxwell filter: signal-space separation, in space and time, of every run to one head position.

mod checks;
pub(crate) mod keys;
mod page;

use crate::config::{Checks, Config, Value};
use crate::plan::{Later, Planner, Product, Tap};
use crate::report::Page;
use crate::report::facts::Facts;
use crate::step::{About, MethodsText, Script, Step, number};
use crate::unit::Unit;
use crate::{Error, Result};
use bakusoku_bids::{Entities, FilePattern, MaxfilterFiles};
use bakusoku_core::{
    Block, CoordFrame, CrossTalk, Cx, FineCalibration, HeadPositions, Projector, Recording, Sink, Span, Stream,
    Transform,
};
use bakusoku_io::maxfilter::{read_cross_talk, read_fine_calibration, read_head_pos};
use bakusoku_methods::maxwell::{
    BadCondition, CoilDefinitions, Destination, MagScale, MaxwellFilter, MaxwellParams, MaxwellReport, McInterp,
    Origin, Regularize, ReportSlot, average_dev_head_t,
};
use std::path::PathBuf;
use std::sync::Arc;

const ABOUT: &About = &About {
    name: "maxwell_filter",
    revision: 2,
    keys: &[
        "use_maxwell_filter",
        "mf_st_duration",
        "mf_st_correlation",
        "mf_head_origin",
        "mf_destination",
        "mf_reference_run",
        "mf_int_order",
        "mf_ext_order",
        "mf_cal_fname",
        "mf_ctc_fname",
        "mf_mc",
        "mf_extra_kws",
    ],
    doc: "Maxwell filters every run to one head position (SSS, tSSS, movement compensation); bad MEG channels come back.",
};

/// See the module.
pub(crate) struct Maxwell;

/// Whether the study asks for it.
pub(crate) fn is_wanted(config: &Config) -> bool {
    config.flag("use_maxwell_filter")
}

impl Step for Maxwell {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [crate::config::keys::Key] {
        keys::KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        checks::check(checks);
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let inputs = unit.shared(MaxwellInputs::read)?;
        for text in &inputs.warnings {
            unit.warn(None, text);
        }
        let runs = unit.runs();
        let reference = reference_run(unit.config(), unit.unit())?;
        let outer: Option<Product<Vec<Projector>>> = unit.find("esss");
        for rec in unit.recordings() {
            let place = runs.iter().position(|run| *run == rec).unwrap_or(reference);
            let params = inputs.params(unit.config(), place);
            let slot = ReportSlot::default();
            let make = {
                let (params, slot) = (params.clone(), slot.clone());
                move |outer: Option<&Vec<Projector>>| {
                    let extended_proj = outer.cloned().unwrap_or_default();
                    MaxwellFilter::new(MaxwellParams { extended_proj, ..params.clone() }).report_into(slot.clone())
                }
            };
            let expected = make(None);
            let method = match outer {
                None => Later::now(expected),
                Some(outer) => Later::after(outer, expected, move |outer| Ok(Box::new(make(Some(outer))))),
            };
            let files = inputs.files(place).into_iter().map(|path| unit.file_keys(path)).collect::<Result<Vec<_>>>()?;
            let settings = serde_json::json!({"config": unit.own(), "destination": inputs.destination_json()});
            let source = unit.tip(rec);
            let sss = unit.extend(rec, "sss", method.settings(settings).inputs(files))?;
            let report = unit.tap(sss, move |_| Ok(Some(ReportTap(slot.clone()))));
            let source = unit.stream(source).clone();
            let page = unit.join(Some(rec), (report, outer), move |(report, outer), work| {
                let report = report.clone().flatten().ok_or_else(|| {
                    Error::data("the Maxwell filter left no report", "this is a fault of bakusoku: please report it")
                })?;
                report.warnings.iter().for_each(|text| work.warn(text));
                let params = MaxwellParams { extended_proj: outer.cloned().unwrap_or_default(), ..params };
                Ok(page::shown(work.config, &params, &report, &source))
            });
            unit.facts(page);
        }
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        for run in facts.runs() {
            if let Some(shown) = facts.get::<page::MaxwellData>(ABOUT.name, Some(run)) {
                page.recording(run, page::drawn(&shown));
            }
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let mut what = "MEG recordings were Maxwell filtered (signal-space separation; Taulu & Kajola, 2005".to_owned();
        text.cite("Taulu & Kajola (2005) J. Appl. Phys. 97:124905");
        if let Some(duration) = config.number("mf_st_duration") {
            let correlation = number(config.number("mf_st_correlation"));
            what += &format!(
                "), with its temporal extension (windows of {duration} s, correlation limit {correlation}; Taulu & Simola, 2006"
            );
            text.cite("Taulu & Simola (2006) Phys. Med. Biol. 51:1759");
        }
        if config.flag("mf_mc") {
            what += ") and movement compensation (continuous head positions";
        }
        text.say(format!("{what}) to one head position"));
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let duration = number(config.number("mf_st_duration"));
        script.line(format!("raw = mne.preprocessing.maxwell_filter(raw, st_duration={duration})"));
    }
}

/// Takes what the filter has to tell once all samples are through; it looks at none.
struct ReportTap(ReportSlot);

impl Sink for ReportTap {
    fn looks_at(&self, _span: Span) -> bool {
        false
    }
    fn push(&mut self, _block: &Block, _cx: &Cx) -> bakusoku_core::Result<()> {
        Ok(())
    }
}

impl Tap for ReportTap {
    type Out = Option<MaxwellReport>;
    fn finish(self) -> Result<Option<MaxwellReport>> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take())
    }
}

/// Says that a study without MEG can't have it.
pub(crate) fn check_types(checks: &mut Checks<'_, '_>, keys: &'static [&'static str]) {
    let types = checks.config.get("ch_types").texts();
    if !types.is_empty() && types.iter().all(|ch_type| ch_type == "eeg") {
        let hint = Some("write ch_types = [\"meg\"], or leave it out");
        checks.add(keys, "a Maxwell filter needs MEG channels", "needs MEG", hint);
    }
}

/// A file that the filter needs, and what it holds.
pub(crate) struct Loaded<T> {
    pub(crate) path: PathBuf,
    pub(crate) content: Arc<T>,
}

/// What stands beside the recordings of a subject and session.
pub(crate) struct MaxwellInputs {
    pub(crate) calibration: Option<Loaded<FineCalibration>>,
    pub(crate) cross_talk: Option<Loaded<CrossTalk>>,
    /// Of each run; the empty room has those of the reference run.
    pub(crate) head_pos: Vec<Option<Loaded<HeadPositions>>>,
    destination: Destination,
    pub(crate) warnings: Vec<String>,
}

impl MaxwellInputs {
    /// Finds and reads what the study asks for.
    ///
    /// # Errors
    /// When something is missing that must be there, or is damaged.
    pub(crate) fn read(planner: &Planner<'_>) -> Result<Self> {
        let (config, source, unit) = (planner.config(), planner.context.source, planner.unit());
        let streams: Vec<&Stream> = planner.runs().into_iter().map(|rec| planner.input(rec).stream()).collect();
        let found = match source.pattern {
            Some(_) => MaxfilterFiles::default(),
            None => MaxfilterFiles::find(&source.root, &unit.subject, unit.session.as_deref()),
        };
        let entities = Entities::unit(&unit.subject, unit.session.as_deref());
        let mut warnings = Vec::new();
        let calibration = file(config, "mf_cal", "fine calibration", found.calibration, &entities, &mut warnings)?;
        let cross_talk = file(config, "mf_ctc", "cross-talk matrix", found.cross_talk, &entities, &mut warnings)?;
        let mut head_pos = Vec::with_capacity(unit.runs.len());
        for run in &unit.runs {
            let path = match config.text("mf_head_pos_fname") {
                Some(pattern) => Some(FilePattern::parse(pattern)?.fill(config.folder(), &run.found.entities)?),
                None => None,
            };
            head_pos.push(match path {
                Some(path) => Some(Loaded { content: Arc::new(read_head_pos(&path)?), path }),
                None => None,
            });
        }
        let calibration = match calibration {
            Some(path) => Some(Loaded { content: Arc::new(read_fine_calibration(&path)?), path }),
            None => None,
        };
        let cross_talk = match cross_talk {
            Some(path) => Some(Loaded { content: Arc::new(read_cross_talk(&path)?), path }),
            None => None,
        };
        let destination =
            if is_wanted(config) { destination(config, unit, &streams, &head_pos)? } else { Destination::None };
        Ok(Self { calibration, cross_talk, head_pos, destination, warnings })
    }

    /// Files about the sensors.
    pub(crate) fn shared_files(&self) -> Vec<&PathBuf> {
        let calibration = self.calibration.as_ref().map(|given| &given.path);
        calibration.into_iter().chain(self.cross_talk.as_ref().map(|given| &given.path)).collect()
    }
    /// All files that the filter of a run needs.
    pub(crate) fn files(&self, run: usize) -> Vec<&PathBuf> {
        let mut files = self.shared_files();
        files.extend(self.head_pos.get(run).and_then(Option::as_ref).map(|given| &given.path));
        files
    }
    /// Where the head is to appear, for keys.
    pub(crate) fn destination_json(&self) -> serde_json::Value {
        serde_json::to_value(self.destination).unwrap_or_default()
    }

    /// Parameters of the filter of one run.
    pub(crate) fn params(&self, config: &Config, run: usize) -> MaxwellParams {
        let moves = config.flag("mf_mc");
        let given = self.head_pos.get(run).and_then(Option::as_ref).filter(|_| moves);
        let extra = config.get("mf_extra_kws");
        let flag = |name: &str, default: bool| extra.get(name).and_then(Value::as_bool).unwrap_or(default);
        let mut params = MaxwellParams {
            int_order: as_usize(config.get("mf_int_order"), 8),
            ext_order: as_usize(config.get("mf_ext_order"), 3),
            st_duration: config.number("mf_st_duration"),
            st_correlation: config.number("mf_st_correlation").unwrap_or(0.98),
            destination: self.destination,
            head_pos: given.map(|given| given.content.clone()),
            st_fixed: flag("st_fixed", true),
            st_only: flag("st_only", false),
            st_overlap: flag("st_overlap", true),
            mc_interp: match extra.get("mc_interp").and_then(Value::as_str) {
                Some("linear") => McInterp::Linear,
                Some("zero") => McInterp::Zero,
                _ => McInterp::Hann,
            },
            ..self.common(config)
        };
        apply_extra(&mut params, extra);
        params
    }

    /// What the filter and the search for bad channels have in common.
    pub(crate) fn common(&self, config: &Config) -> MaxwellParams {
        MaxwellParams {
            origin: match numbers(config.get("mf_head_origin"))[..] {
                [x, y, z] => Origin::At([x, y, z]),
                _ => Origin::Auto,
            },
            calibration: self.calibration.as_ref().map(|given| given.content.clone()),
            cross_talk: self.cross_talk.as_ref().map(|given| given.content.clone()),
            ..MaxwellParams::default()
        }
    }
}

/// A whole number of the configuration.
pub(crate) fn as_usize(value: &Value, default: usize) -> usize {
    value.as_i64().map_or(default, |n| n as usize)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_list().unwrap_or(&[]).iter().filter_map(Value::as_f64).collect()
}

/// Options that the filter and the search for bad channels have in common.
pub(crate) fn apply_extra(params: &mut MaxwellParams, extra: &Value) {
    let word = |name: &str| extra.get(name).and_then(Value::as_str);
    match word("regularize") {
        Some("in_argmax") => params.regularize = Regularize::InArgmax,
        Some("none") => params.regularize = Regularize::None,
        _ => {}
    }
    match word("bad_condition") {
        Some("warning") => params.bad_condition = BadCondition::Warning,
        Some("ignore") => params.bad_condition = BadCondition::Ignore,
        Some("info") => params.bad_condition = BadCondition::Info,
        _ => {}
    }
    if word("coil_definitions") == Some("megin") {
        params.coil_definitions = CoilDefinitions::Megin;
    }
    match extra.get("mag_scale") {
        Some(Value::Str(_)) => params.mag_scale = MagScale::Auto,
        Some(value) => params.mag_scale = value.as_f64().map_or(params.mag_scale, MagScale::Factor),
        None => {}
    }
    if let Some(ignore) = extra.get("ignore_ref").and_then(Value::as_bool) {
        params.ignore_ref = ignore;
    }
    if let Some(skip) = extra.get("skip_by_annotation") {
        params.skip_by_annotation = skip.texts();
    }
}

/// The file that `{key}_fname` names, else the one that was found.
fn file(
    config: &Config,
    key: &'static str,
    what: &str,
    found: Option<PathBuf>,
    entities: &Entities,
    warnings: &mut Vec<String>,
) -> Result<Option<PathBuf>> {
    let named = match config.text(&format!("{key}_fname")) {
        Some(pattern) => Some(FilePattern::parse(pattern)?.fill(config.folder(), entities)?),
        None => None,
    };
    let path = named.clone().or(found);
    if let Some(path) = path.filter(|path| path.is_file()) {
        return Ok(Some(path));
    }
    let place = match named {
        Some(path) => format!("at `{}`", path.display()),
        None => format!("for {entities} in the dataset"),
    };
    let message = format!("there is no {what} {place}");
    match config.text(&format!("{key}_missing")) {
        Some("ignore") => Ok(None),
        Some("warn") => {
            warnings.push(format!("{message}: filtered without it"));
            Ok(None)
        }
        _ => Err(Error::data(
            message,
            format!("say where it is: {key}_fname = \"…\"; to go on without it: {key}_missing = \"warn\""),
        )),
    }
}

/// The run whose head position the others take, and which the empty room is made like.
///
/// # Errors
/// When the subject has none of that name.
pub(crate) fn reference_run(config: &Config, unit: &Unit) -> Result<usize> {
    let Some(wanted) = config.text("mf_reference_run") else { return Ok(0) };
    let there = |run: &crate::unit::Run| run.found.entities.run.clone();
    unit.runs.iter().position(|run| there(run).as_deref() == Some(wanted)).ok_or_else(|| {
        let runs: Vec<String> = unit.runs.iter().filter_map(there).collect();
        Error::data(
            format!("{} has no run `{wanted}`, which `mf_reference_run` names", unit.label()),
            format!("it has: {}", runs.join(", ")),
        )
    })
}

/// Where the head is to appear in all runs.
fn destination(
    config: &Config,
    unit: &Unit,
    streams: &[&Stream],
    head_pos: &[Option<Loaded<HeadPositions>>],
) -> Result<Destination> {
    let value = config.get("mf_destination");
    if let Some(rows) = value.as_list() {
        if let [x, y, z] = numbers(value)[..] {
            return Ok(Destination::Translation([x, y, z]));
        }
        let mut matrix = [[0.0; 4]; 4];
        for (to, from) in matrix.iter_mut().zip(rows) {
            to.iter_mut().zip(numbers(from)).for_each(|(to, from)| *to = from);
        }
        let (from, to) = (CoordFrame::DEVICE, CoordFrame::HEAD);
        return Ok(Destination::Transform(Transform { from, to, matrix }));
    }
    if value.as_str() == Some("twa") {
        let runs: Vec<_> = streams
            .iter()
            .zip(head_pos)
            .filter_map(|(stream, given)| Some((*stream, &*given.as_ref()?.content)))
            .collect();
        return Ok(Destination::Transform(average_dev_head_t(&runs)?));
    }
    let reference = reference_run(config, unit)?;
    match streams[reference].info.dev_head_t {
        Some(dev_head_t) => Ok(Destination::Transform(dev_head_t)),
        None => Err(Error::data(
            format!("`{}` says nothing about the position of the head", unit.runs[reference].name()),
            "say where the head is to appear: mf_destination = [0, 0, 0.04], and mf_reference_run",
        )),
    }
}
