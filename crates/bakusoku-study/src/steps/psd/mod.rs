//! Power spectra (Welch): of the filtered recording as `_psd.h5`, and by channel type for the report, raw and filtered.

mod page;

use self::page::SpectrumData;
use crate::Result;
use crate::config::keys::{Key, NONE, POSITIVE_OR_NONE, RESULTS, key};
use crate::config::{Config, Value};
use crate::config::{Field, Kind};
use crate::input::wanted_types;
use crate::plan::{Planner, Product, Rec, Tap};
use crate::report::Page;
use crate::report::facts::Facts;
use crate::step::{About, Script, Step};
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Block, ChannelType, Cx, RowSink, Scratch, Sink, Span, Stream};
use bakusoku_methods::psd::{WelchParams, WelchSink};
use ndarray::s;

/// Entries of `psd`.
const PSD: &[Field] = &[
    Field { name: "fmin", kind: Kind::NotNegative, doc: "Lowest frequency (Hz); 0 by default." },
    Field { name: "fmax", kind: POSITIVE_OR_NONE, doc: "Highest frequency (Hz); the Nyquist frequency by default." },
    Field { name: "n_fft", kind: Kind::Int(1), doc: "Length of the transform (samples); 2048 by default." },
    Field { name: "n_overlap", kind: Kind::Int(0), doc: "Overlap of windows (samples); 0 by default." },
    Field {
        name: "n_per_seg",
        kind: Kind::Either(&[NONE, Kind::Int(1)]),
        doc: "Length of windows (samples); `n_fft` by default.",
    },
];

const KEYS: &[Key] = &[key(
    RESULTS,
    "psd",
    Kind::Either(&[NONE, Kind::Table(PSD)]),
    "{}",
    "Welch spectra of the filtered recording, written as _psd.h5; \"none\": none.",
)];

const ABOUT: &About = &About {
    name: "psd",
    revision: 1,
    keys: &["psd"],
    doc: "Welch spectra of the filtered recording's data channels (_psd.h5).",
};

/// See the module.
pub(crate) struct Psd;

impl Step for Psd {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let params = params(unit.config());
        let types = wanted_types(unit.config());
        let writes = !unit.config().get("psd").is_none();
        for rec in unit.recordings() {
            let mut stages: Vec<(&str, Product<Option<Spectrum>>)> = Vec::new();
            for (stage, place) in [("raw", Some(unit.unfiltered(rec))), ("sss", unit.place(rec, "sss"))] {
                if let Some(place) = place {
                    let types = types.clone();
                    stages.push((stage, unit.tap(place, move |stream| Ok(PsdPreview::new(&types, stream)))));
                }
            }
            let params = params.clone();
            let filtered = unit.tap(unit.tip(rec), move |stream| match WelchSink::new(&params, stream) {
                Ok(sink) => Ok(Some(sink)),
                // Without a file asked for, a recording too short for a spectrum is none of the study's business.
                Err(_) if !writes => Ok(None),
                Err(error) => Err(error.into()),
            });
            stages.push(("filtered", filtered));
            if writes {
                let path = unit.run_file(rec, None, "psd", ".h5");
                unit.file(filtered, path, |spectrum, path, _| match spectrum {
                    Some(spectrum) => Ok(bakusoku_io::h5io::write_spectrum(path, spectrum)?),
                    None => Ok(()),
                });
                // Double precision.
                let n_freqs =
                    unit.config().get("psd").get("n_fft").and_then(Value::as_i64).unwrap_or(2048) as u64 / 2 + 1;
                unit.file_size(8 * n_freqs * unit.stream(unit.tip(rec)).n_channels() as u64);
            }
            show(unit, rec, stages, types.clone());
        }
        Ok(())
    }
    fn is_wanted(&self, _config: &Config) -> bool {
        true
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        for run in facts.runs() {
            if let Some(shown) = facts.get::<Vec<SpectrumData>>(ABOUT.name, Some(run))
                && !shown.is_empty()
            {
                page.recording(run, page::drawn(&shown, &facts.recording(run).line_freqs));
            }
        }
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.line("spectrum = raw.compute_psd(method=\"welch\")");
    }
}

/// Shows the spectra of a recording's stages.
fn show(
    unit: &mut Planner<'_>,
    rec: Rec,
    stages: Vec<(&'static str, Product<Option<Spectrum>>)>,
    types: Vec<ChannelType>,
) {
    let (names, products): (Vec<_>, Vec<_>) = stages.into_iter().unzip();
    let shown = unit.join(Some(rec), products, move |spectra, _| {
        let there = names.iter().zip(spectra).filter_map(|(stage, spectrum)| Some((*stage, spectrum.as_ref()?)));
        Ok(there.flat_map(|(stage, spectrum)| by_type(stage, spectrum, &types)).collect::<Vec<SpectrumData>>())
    });
    unit.facts(shown);
}

impl Tap for WelchSink {
    type Out = Spectrum;
    fn finish(self) -> Result<Spectrum> {
        Ok(WelchSink::finish(self))
    }
}

impl Tap for PsdPreview {
    type Out = Spectrum;
    fn finish(self) -> Result<Spectrum> {
        Ok(self.sink.finish())
    }
}

/// The parameters of the file.
fn params(config: &Config) -> WelchParams {
    let table = config.get("psd");
    let whole = |name: &str| table.get(name).and_then(Value::as_i64).map(|n| n as usize);
    WelchParams {
        fmin: table.get("fmin").and_then(Value::as_f64).unwrap_or(0.0),
        fmax: table.get("fmax").and_then(Value::as_f64),
        n_fft: whole("n_fft"),
        n_overlap: whole("n_overlap").unwrap_or(0),
        n_per_seg: whole("n_per_seg"),
        ..WelchParams::default()
    }
}

/// Seconds of the raw recording that the report's spectrum is made from.
const PREVIEW_SECONDS: f64 = 60.0;

/// A look at the raw recording's spectrum: a minute from its middle.
pub(crate) struct PsdPreview {
    sink: WelchSink,
    span: Span,
}

impl PsdPreview {
    /// Makes ready; `None` where that stretch has nothing good in it.
    fn new(types: &[ChannelType], stream: &Stream) -> Option<Self> {
        let n = ((PREVIEW_SECONDS * stream.sfreq()) as u64).min(stream.n_times);
        let start = (stream.n_times - n) / 2;
        let span = Span::new(start, start + n);
        let types: Vec<String> = types.iter().map(|t| t.name().to_owned()).collect();
        let there: Vec<String> =
            types.into_iter().filter(|name| stream.info.chs.iter().any(|ch| ch.ch_type().name() == name)).collect();
        let part = Stream { n_times: n, gaps: Vec::new(), annotations: Default::default(), ..stream.clone() };
        let params = WelchParams { picks: Some(there), reject_by_annotation: false, ..WelchParams::default() };
        WelchSink::new(&params, &part).ok().map(|sink| Self { sink, span })
    }
}

impl RowSink for PsdPreview {
    fn wants(&self, ch: usize) -> bool {
        self.sink.wants(ch)
    }
    fn push_row(&self, ch: usize, row: &[f64], scratch: &mut Scratch) -> bakusoku_core::Result<()> {
        self.sink.push_row(ch, &row[self.span.range()], scratch)
    }
    fn scratch_bytes(&self) -> u64 {
        self.sink.scratch_bytes()
    }
}

impl Sink for PsdPreview {
    fn looks_at(&self, span: Span) -> bool {
        self.span.intersect(span).is_some()
    }
    fn push(&mut self, block: &Block, cx: &Cx) -> bakusoku_core::Result<()> {
        let Some(part) = self.span.intersect(block.span()) else { return Ok(()) };
        let columns = (part.start - block.start) as usize..(part.stop - block.start) as usize;
        self.sink.push_samples(part.start - self.span.start, block.data.slice(s![.., columns]), cx);
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        Sink::held_bytes(&self.sink)
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        Some(self)
    }
}

/// Medians and percentiles over good channels, by type.
pub(crate) fn by_type(stage: &str, spectrum: &Spectrum, types: &[ChannelType]) -> Vec<SpectrumData> {
    let info = &spectrum.info;
    let mut out = Vec::new();
    for ch_type in types {
        let rows: Vec<usize> =
            (0..info.n_channels()).filter(|&ch| info.chs[ch].ch_type() == *ch_type && !info.is_bad(ch)).collect();
        if rows.is_empty() {
            continue;
        }
        let mut data = SpectrumData {
            stage: stage.into(),
            ch_type: ch_type.name().into(),
            freqs: spectrum.freqs.iter().map(|&freq| freq as f32).collect(),
            n_channels: rows.len(),
            ..SpectrumData::default()
        };
        for k in 0..spectrum.freqs.len() {
            let mut column: Vec<f64> = rows.iter().map(|&row| spectrum.data[[row, k]]).collect();
            column.sort_by(f64::total_cmp);
            let at = |share: f64| column[((column.len() - 1) as f64 * share).round() as usize] as f32;
            data.median.push(at(0.5));
            data.low.push(at(0.05));
            data.high.push(at(0.95));
        }
        out.push(data);
    }
    out
}
