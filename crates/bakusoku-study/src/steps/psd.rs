//! Power spectra (Welch): of the filtered recording as `_psd.h5`, and by channel type for the report, raw and filtered.

use super::Step;
use crate::config::{Config, Value};
use crate::input::wanted_types;
use crate::report::data::SpectrumData;
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Block, ChannelType, Cx, RowSink, Scratch, Sink, Span, Stream};
use bakusoku_methods::psd::{WelchParams, WelchSink};
use ndarray::s;

pub(crate) const STEP: Step = Step {
    name: "psd",
    revision: 1,
    keys: &["psd"],
    doc: "Welch spectra of the filtered recording's data channels (_psd.h5).",
};

/// The parameters of the file.
pub(crate) fn params(config: &Config) -> WelchParams {
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
const GLANCE: f64 = 60.0;

/// A look at the raw recording's spectrum: a minute from its middle.
pub(crate) struct Glance {
    sink: WelchSink,
    span: Span,
}

impl Glance {
    /// Makes ready; `None` where that stretch has nothing good in it.
    pub(crate) fn new(config: &Config, stream: &Stream) -> Option<Self> {
        let n = ((GLANCE * stream.sfreq()) as u64).min(stream.n_times);
        let start = (stream.n_times - n) / 2;
        let span = Span::new(start, start + n);
        let types: Vec<String> = wanted_types(config).iter().map(|t| t.name().to_owned()).collect();
        let there: Vec<String> =
            types.into_iter().filter(|name| stream.info.chs.iter().any(|ch| ch.ch_type().name() == name)).collect();
        let part = Stream { n_times: n, gaps: Vec::new(), annotations: Default::default(), ..stream.clone() };
        let params = WelchParams { picks: Some(there), reject_by_annotation: false, ..WelchParams::default() };
        WelchSink::new(&params, &part).ok().map(|sink| Self { sink, span })
    }
    /// The spectra.
    pub(crate) fn finish(self) -> Spectrum {
        self.sink.finish()
    }
}

impl RowSink for Glance {
    fn wants(&self, ch: usize) -> bool {
        self.sink.wants(ch)
    }
    fn push_row(&self, ch: usize, row: &[f64], scratch: &mut Scratch) -> bakusoku_core::Result<()> {
        self.sink.push_row(ch, &row[self.span.range()], scratch)
    }
    fn held_bytes(&self) -> u64 {
        RowSink::held_bytes(&self.sink)
    }
    fn scratch_bytes(&self) -> u64 {
        self.sink.scratch_bytes()
    }
}

impl Sink for Glance {
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
