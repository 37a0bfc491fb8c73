//! Power spectra and covariance.

use super::data::{CovarianceData, RunReport, SpectrumData};
use super::page::{card, note, plots};
use super::plot::Plot;
use super::units::{display_unit, type_order};
use maud::{Markup, html};

/// Stages, their colours and names.
const STAGES: [(&str, &str, &str); 3] =
    [("raw", "#667085", "raw"), ("sss", "#a15c07", "Maxwell filtered"), ("filtered", "#1d4ed8", "filtered")];

/// Amplitude spectral densities by sensor type: all stages on the same axes, line frequencies marked.
pub(super) fn spectra(run: &RunReport) -> Markup {
    let mut types: Vec<&str> = run.spectra.iter().map(|spectrum| spectrum.ch_type.as_str()).collect();
    types.sort_by_key(|ch_type| type_order(ch_type));
    types.dedup();
    let cards: Vec<Markup> = types.into_iter().filter_map(|ch_type| of_type(run, ch_type)).collect();
    html! {
        (plots(&cards))
        (note("Amplitude spectral density: median over good channels, shaded from the 5th to the 95th percentile. \
               Power line frequencies and notches are dotted in red."))
    }
}

fn of_type(run: &RunReport, ch_type: &str) -> Option<Markup> {
    let unit = display_unit(ch_type);
    let of_type = || run.spectra.iter().filter(|spectrum| spectrum.ch_type == ch_type);
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
    for &line in &run.line_freqs {
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

/// Eigenvalues of the noise covariance and its rank.
pub(super) fn covariances(covariances: &[CovarianceData]) -> Markup {
    let mut ordered: Vec<&CovarianceData> = covariances.iter().collect();
    ordered.sort_by_key(|covariance| type_order(&covariance.ch_type));
    let cards: Vec<Markup> = ordered.into_iter().map(covariance).collect();
    html! {
        (plots(&cards))
        (note("Square roots of the eigenvalues, largest first. The estimated rank is dotted in red."))
    }
}

fn covariance(covariance: &CovarianceData) -> Markup {
    let unit = display_unit(&covariance.ch_type);
    let values: Vec<f64> = covariance.eigenvalues.iter().map(|x| x.max(0.0).sqrt() * unit.factor).collect();
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.6;
    let least = values.iter().copied().filter(|&x| x > 0.0).fold(most, f64::min).max(most * 1e-7) / 1.6;
    let mut plot = Plot::new((0.0, values.len() as f64), (least, most), true);
    plot.vertical(covariance.rank as f64, "#d92d20", "2 3");
    let points = values.iter().enumerate().filter(|(_, x)| **x > 0.0).map(|(i, &x)| (i as f64 + 1.0, x));
    plot.line(points, "#1d4ed8", 1.6, 1.0);
    let heading = html! {
        (unit.name) " · rank " (covariance.rank) " of " (values.len()) ", " (covariance.n_samples) " samples"
    };
    let drawn = plot.finish("Number of the eigenvalue", unit.unit, &format!("Covariance spectrum of {}", unit.name));
    card(&heading, &drawn)
}
