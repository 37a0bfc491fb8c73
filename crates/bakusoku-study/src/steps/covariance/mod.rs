//! Noise covariance from a stretch of the epochs, or from the empty room.

mod page;

use self::page::CovarianceData;
use crate::Result;
use crate::config::keys::{Key, NONE, RESULTS, SPAN, key};
use crate::config::{Checks, Config, Kind, Value};
use crate::plan::{EpochTap, Planner, Work};
use crate::report::Page;
use crate::report::facts::Facts;
use crate::step::{About, MethodsText, Script, Step, number};
use crate::steps::epochs::UnitEpochs;
use bakusoku_core::containers::Covariance;
use bakusoku_core::{Bytes, ChannelType, Info, Need, Par};
use bakusoku_io::fif;
use bakusoku_math::linalg;
use bakusoku_methods::covariance::{
    CovarianceParams, CovarianceSink, Estimator, Rank, RawCovarianceParams, RawCovarianceSink, info_rank,
    raw_covariance_plan,
};
use bakusoku_methods::epochs::{DropLog, Epoch, EpochSink, EpochsHeader};
use ndarray::Array2;
use std::sync::Arc;

const KEYS: &[Key] = &[
    key(
        RESULTS,
        "noise_cov",
        Kind::Either(&[SPAN, Kind::Word(&["none", "emptyroom", "rest", "ad-hoc"])]),
        "[\"none\", 0]",
        "Noise covariance from this stretch of the epochs (s), or from the \"emptyroom\"; \"none\": none.",
    )
    .but(&["\"rest\"", "\"ad-hoc\""], "write a stretch of the epochs, as [\"none\", 0], or \"emptyroom\", or \"none\""),
    key(
        RESULTS,
        "noise_cov_method",
        Kind::Word(&[
            "shrunk",
            "empirical",
            "ledoit_wolf",
            "oas",
            "diagonal_fixed",
            "shrinkage",
            "auto",
            "factor_analysis",
            "pca",
        ]),
        "\"shrunk\"",
        "How the covariance is estimated.",
    )
    .but(&["\"auto\"", "\"factor_analysis\"", "\"pca\""], "write \"shrunk\", \"ledoit_wolf\" or \"empirical\""),
    key(
        RESULTS,
        "cov_rank",
        Kind::Either(&[NONE, Kind::Word(&["info", "full"]), Kind::Map(&Kind::Int(1))]),
        "\"info\"",
        "Where the rank of the covariance comes from: \"info\"; \"full\"; \"none\": the data; or { meg = 60 }.",
    ),
];

const ABOUT: &About = &About {
    name: "covariance",
    revision: 2,
    keys: &["noise_cov", "noise_cov_method", "cov_rank"],
    doc: "Noise covariance from a stretch of the epochs, or from the empty room (_cov.fif).",
};

/// See the module.
pub(crate) struct NoiseCovariance;

fn is_wanted(config: &Config) -> bool {
    let of_epochs = crate::steps::epochs::is_wanted(config) && config.pair("noise_cov").is_some();
    of_epochs || crate::steps::empty_room::gives_covariance(config)
}

impl Step for NoiseCovariance {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let config = checks.config;
        checks.inside_epochs("noise_cov");
        if !crate::steps::empty_room::gives_covariance(config) {
            return;
        }
        if !config.flag("process_empty_room") {
            let hint = Some("write process_empty_room = true");
            let message = "noise_cov = \"emptyroom\" needs the empty room";
            checks.add(&["noise_cov", "process_empty_room"], message, "comes from it", hint);
        }
        if config.get("ch_types").texts().iter().any(|ch_type| ch_type == "eeg") {
            let hint = Some("take a stretch of the epochs, as noise_cov = [\"none\", 0]");
            let message = "an empty room says nothing about EEG, which `ch_types` asks for";
            checks.add(&["noise_cov"], message, "without EEG", hint);
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let params = params(unit.config());
        // Samples that are kept until their number is known lie in temporary files.
        let kept = |bytes: u64| Bytes(if params.keeps_samples() { bytes } else { 0 });
        let (path, noise) = if crate::steps::empty_room::gives_covariance(unit.config()) {
            let Some(room) = unit.empty_room() else { return Ok(()) };
            let at = unit.tip(room);
            let stream = unit.stream(at);
            let n = stream.n_channels() as u64;
            let need = Need { memory: Bytes(8 * n * n * 8), disk: kept(n * stream.n_times * 8) };
            let plan = |(), stream: &_| Ok(raw_covariance_plan(stream, &RawCovarianceParams::default())?);
            let epochs = unit.epochs(at, (), Need::default(), plan);
            let path = unit.run_file(room, None, "cov", ".fif");
            let sink = move |work: &Work<'_>| {
                Ok(FromRoom { sink: RawCovarianceSink::with(params, Some(work.spill))?, info: None })
            };
            (path, unit.collect(vec![epochs], need, sink))
        } else {
            let Some(epochs) = unit.find::<UnitEpochs>("epochs") else { return Ok(()) };
            let n = unit.runs().first().map_or(0, |rec| unit.stream(unit.tip(*rec)).n_channels() as u64);
            let need = Need { memory: Bytes(8 * n * n * 8 + 4 * epochs.bytes), disk: kept(epochs.most * epochs.bytes) };
            let path = unit.unit_file("cov", ".fif");
            let sink = move |work: &Work<'_>| {
                Ok(FromEpochs { sink: CovarianceSink::new(params).with_spill(work.spill), info: None })
            };
            (path, unit.collect(epochs.at, need, sink))
        };
        let noise = unit.join(None, noise, |noise, work| noise.compute(work.par));
        unit.file(noise, path, |(cov, _), path, id| Ok(fif::write_covariance(path, cov, id)?));
        let shown = unit
            .join(None, noise, |(cov, info), work| Ok(by_type(cov, info, &crate::input::wanted_types(work.config))));
        unit.facts(shown);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        let shown: Vec<CovarianceData> = facts.get(ABOUT.name, None).unwrap_or_default();
        if !shown.is_empty() {
            page.section("covariance", "Noise covariance", page::drawn(&shown));
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let from = match config.pair("noise_cov") {
            Some((start, stop)) => {
                let edge =
                    |time: Option<f64>, edge: &str| time.map_or_else(|| edge.to_owned(), |time| format!("{time} s"));
                format!("epochs from {} to {}", edge(start, "their start"), edge(stop, "their end"))
            }
            None => "the empty-room recordings".into(),
        };
        let method = config.text("noise_cov_method").unwrap_or("empirical");
        text.say(format!("Noise covariance was estimated from {from} ({})", method.replace('_', " ")));
        match method {
            "shrunk" => _ = text.cite("Engemann & Gramfort (2015) NeuroImage 108:328-342"),
            "ledoit_wolf" => _ = text.cite("Ledoit & Wolf (2004) J. Multivar. Anal. 88:365-411"),
            "oas" => _ = text.cite("Chen et al. (2010) IEEE Trans. Signal Process. 58:5016-5029"),
            _ => {}
        }
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let Some((tmin, tmax)) = config.pair("noise_cov") else {
            script.line("noise_cov = mne.compute_raw_covariance(raw_empty_room)");
            return;
        };
        let method = config.text("noise_cov_method").unwrap_or("empirical");
        script.line(format!(
            "noise_cov = mne.compute_covariance(epochs, tmin={}, tmax={}, method=\"{method}\", rank=\"info\")",
            number(tmin),
            number(tmax)
        ));
    }
}

/// What the study asks for.
fn params(config: &Config) -> CovarianceParams {
    let (tmin, tmax) = config.pair("noise_cov").unwrap_or((None, None));
    let rank = match config.get("cov_rank") {
        Value::Table(ranks) => {
            let given = ranks.iter().filter_map(|(name, rank)| Some((name.clone(), rank.as_i64()? as usize)));
            Rank::Given(given.collect())
        }
        value if value.is_none() => Rank::Estimate,
        value if value.as_str() == Some("full") => Rank::Full,
        _ => Rank::Info,
    };
    let method = config.text("noise_cov_method").and_then(|name| Estimator::from_name(name).ok()).unwrap_or_default();
    CovarianceParams { tmin, tmax, method: vec![method], rank, ..CovarianceParams::default() }
}

/// Takes the study's epochs.
struct FromEpochs {
    sink: CovarianceSink,
    info: Option<Arc<Info>>,
}

/// Takes the empty room.
struct FromRoom {
    sink: RawCovarianceSink,
    info: Option<Arc<Info>>,
}

/// A covariance that waits to be computed, once.
struct Noise {
    compute: std::sync::Mutex<Option<Compute>>,
    info: Arc<Info>,
}

type Compute = Box<dyn FnOnce(&Par) -> bakusoku_core::Result<Covariance> + Send>;

impl Noise {
    fn new(compute: Compute, info: Option<Arc<Info>>) -> Result<Self> {
        let info = info.ok_or_else(|| bakusoku_core::Error::data("no epochs came, expected the end of a stream"))?;
        Ok(Self { compute: std::sync::Mutex::new(Some(compute)), info })
    }
    fn compute(&self, par: &Par) -> Result<(Covariance, Arc<Info>)> {
        let compute = self.compute.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let compute = compute.ok_or_else(|| bakusoku_core::Error::data("the covariance was computed before"))?;
        Ok((compute(par)?, self.info.clone()))
    }
}

macro_rules! epoch_tap {
    ($name:ident) => {
        impl EpochSink for $name {
            fn begin(&mut self, header: &EpochsHeader) -> bakusoku_core::Result<()> {
                self.info.get_or_insert_with(|| header.info.clone());
                self.sink.begin(header)
            }
            fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> bakusoku_core::Result<()> {
                self.sink.push(epoch, par)
            }
            fn end(&mut self, drop_log: &DropLog, par: &Par) -> bakusoku_core::Result<()> {
                self.sink.end(drop_log, par)
            }
        }
        impl EpochTap for $name {
            type Out = Noise;
            fn finish(self) -> Result<Noise> {
                let sink = self.sink;
                Noise::new(Box::new(move |par| sink.into_covariance(par)), self.info)
            }
        }
    };
}
epoch_tap!(FromEpochs);
epoch_tap!(FromRoom);

/// Eigenvalues by channel type, for the report.
fn by_type(cov: &Covariance, info: &Info, types: &[ChannelType]) -> Vec<CovarianceData> {
    let ranks = info_rank(info, false).unwrap_or_default();
    let mut out = Vec::new();
    for ch_type in types {
        let rows: Vec<usize> = (0..cov.names.len())
            .filter(|&row| info.index_of(&cov.names[row]).is_some_and(|ch| info.chs[ch].ch_type() == *ch_type))
            .collect();
        if rows.is_empty() {
            continue;
        }
        // Scaled to about one, so that the decomposition is as accurate as it can be.
        let scale = rows.iter().map(|&row| cov.data[[row, row]]).fold(0.0, f64::max);
        if scale.is_nan() || scale <= 0.0 {
            continue;
        }
        let part = Array2::from_shape_fn((rows.len(), rows.len()), |(i, j)| cov.data[[rows[i], rows[j]]] / scale);
        let Ok((values, _)) = linalg::eigh(part.view()) else { continue };
        let mut eigenvalues: Vec<f64> = values.iter().map(|value| value * scale).collect();
        eigenvalues.sort_by(|a, b| b.total_cmp(a));
        let named = |name: &str| ranks.iter().find(|(other, _)| other == name).map(|(_, rank)| *rank);
        let rank = named(ch_type.name()).or_else(|| named("meg")).unwrap_or(rows.len()).min(rows.len());
        out.push(CovarianceData {
            ch_type: ch_type.name().into(),
            eigenvalues,
            rank,
            n_samples: (cov.nfree + 1).max(0) as u64,
        });
    }
    out
}
