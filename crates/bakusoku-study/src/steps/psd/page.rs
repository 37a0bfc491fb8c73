//! Power spectra on the page.

use crate::report::page::{card, note, plots};
use crate::report::plot::Plot;
use crate::report::units::{display_unit, type_order};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// Power spectral density of one channel type at one stage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SpectrumData {
    /// `raw`, `sss` (Maxwell filtered) or `filtered`.
    pub(crate) stage: String,
    /// Channel type (`mag`, `grad`, `eeg`).
    pub(crate) ch_type: String,
    /// Frequencies (Hz).
    pub(crate) freqs: Vec<f32>,
    /// Median over good channels (unit²/Hz).
    pub(crate) median: Vec<f32>,
    /// 5th and 95th percentile over good channels.
    pub(crate) low: Vec<f32>,
    /// See `low`.
    pub(crate) high: Vec<f32>,
    /// Channels behind it.
    pub(crate) n_channels: usize,
}

/// Stages, their colours and names.
const STAGES: [(&str, &str, &str); 3] =
    [("raw", "#667085", "raw"), ("sss", "#a15c07", "Maxwell filtered"), ("filtered", "#1d4ed8", "filtered")];

/// Amplitude spectral densities by sensor type: all stages on the same axes, line frequencies marked.
pub(super) fn drawn(spectra: &[SpectrumData], line_freqs: &[f64]) -> Markup {
    let mut types: Vec<&str> = spectra.iter().map(|spectrum| spectrum.ch_type.as_str()).collect();
    types.sort_by_key(|ch_type| type_order(ch_type));
    types.dedup();
    let cards: Vec<Markup> = types.into_iter().filter_map(|ch_type| of_type(spectra, line_freqs, ch_type)).collect();
    html! {
        h3 { "Spectra" }
        (plots(&cards))
        (note("Amplitude spectral density: median over good channels, shaded from the 5th to the 95th percentile. \
               Power line frequencies and notches are dotted in red."))
    }
}

fn of_type(spectra: &[SpectrumData], line_freqs: &[f64], ch_type: &str) -> Option<Markup> {
    let unit = display_unit(ch_type);
    let of_type = || spectra.iter().filter(|spectrum| spectrum.ch_type == ch_type);
    // The raw spectrum sets the axes; a filter's stop band may fall off them.
    let raw = of_type().find(|s| s.stage == "raw").or_else(|| of_type().next())?;
    let top = of_type().flat_map(|s| s.freqs.last()).fold(0.0, |most: f64, &f| most.max(f64::from(f))).min(160.0);
    let seen = |s: &SpectrumData, values: &[f32]| -> Vec<(f64, f64)> {
        s.freqs
            .iter()
            .zip(values)
            .map(|(&f, &x)| (f64::from(f), f64::from(x).max(0.0).sqrt() * unit.factor))
            .filter(|&(f, x)| f > 0.0 && f <= top && x > 0.0)
            .collect()
    };
    let values: Vec<f64> =
        seen(raw, &raw.median).into_iter().chain(seen(raw, &raw.high)).map(|point| point.1).collect();
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.6;
    let least = values.iter().copied().fold(most, f64::min).max(most * 1e-5) / 8.0;
    let mut plot = Plot::new((0.0, top), (least, most), true);
    for &line in line_freqs {
        plot.vertical(line, "#d92d20", "2 3");
    }
    for (stage, colour, _) in STAGES {
        for spectrum in of_type().filter(|s| s.stage == stage) {
            plot.band(&seen(spectrum, &spectrum.low), &seen(spectrum, &spectrum.high), colour, 0.14);
            plot.line(seen(spectrum, &spectrum.median).into_iter(), colour, 1.5, 1.0);
        }
    }
    let heading = html! {
        (unit.name) " · " (raw.n_channels) @if raw.n_channels == 1 { " channel" } @else { " channels" }
        @for (_, colour, name) in STAGES.iter().filter(|(stage, ..)| of_type().any(|s| s.stage == *stage)) {
            " · " span style={ "color:" (colour) } { (name) }
        }
    };
    let drawn = plot.finish("Frequency (Hz)", unit.density, &format!("Spectrum of {}", unit.name));
    Some(card(&heading, &drawn))
}
