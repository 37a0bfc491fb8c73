//! Power spectra and covariance.

use super::data::{CovarianceData, RunReport};
use super::svg::Plot;
use super::units::shown;
use std::fmt::Write;

/// Stages, their colours and names.
const STAGES: [(&str, &str, &str); 3] =
    [("raw", "#667085", "raw"), ("sss", "#a15c07", "Maxwell filtered"), ("filtered", "#1d4ed8", "filtered")];

/// Amplitude spectral densities by sensor type, raw and filtered on the same axes, line frequencies marked.
pub(super) fn spectra(out: &mut String, run: &RunReport) {
    let mut types: Vec<&str> = Vec::new();
    for spectrum in &run.spectra {
        if !types.contains(&spectrum.ch_type.as_str()) {
            types.push(&spectrum.ch_type);
        }
    }
    out.push_str("<div class=\"plots\">");
    for ch_type in types {
        let unit = shown(ch_type);
        let of_type = || run.spectra.iter().filter(|spectrum| spectrum.ch_type == ch_type);
        let top = of_type().flat_map(|s| s.freqs.last()).fold(0.0, |most: f64, &f| most.max(f64::from(f))).min(160.0);
        let density = |x: f32| f64::from(x).max(0.0).sqrt() * unit.factor;
        let seen = |s: &super::data::SpectrumData, values: &[f32]| -> Vec<(f64, f64)> {
            s.freqs
                .iter()
                .zip(values)
                .map(|(&f, &x)| (f64::from(f), density(x)))
                .filter(|&(f, x)| f > 0.0 && f <= top && x > 0.0)
                .collect()
        };
        let raw = of_type().find(|s| s.stage == "raw").or_else(|| of_type().next());
        let Some(raw) = raw else { continue };
        // The raw spectrum sets the axis; a filter's stop band may fall off it.
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
        let legend: Vec<String> = STAGES
            .iter()
            .filter(|(stage, ..)| of_type().any(|s| s.stage == *stage))
            .map(|(_, colour, name)| format!("<span style=\"color:{colour}\">{name}</span>"))
            .collect();
        let _ = write!(
            out,
            "<div class=\"card\"><h3>{} · {} channels · {}</h3>{}</div>",
            unit.name,
            raw.n_channels,
            legend.join(", "),
            plot.finish("Hz", unit.density, &format!("Spectrum of {}", unit.name))
        );
    }
    out.push_str("</div>\n<p class=\"soft\">Median over good channels, shaded from the 5th to the 95th percentile; power line frequencies and notches dotted in red.</p>\n");
}

/// Eigenvalues of the noise covariance and the rank assumed.
pub(super) fn covariances(out: &mut String, covariances: &[CovarianceData]) {
    out.push_str("<div class=\"plots\">");
    for covariance in covariances {
        let unit = shown(&covariance.ch_type);
        let values: Vec<f64> = covariance.eigenvalues.iter().map(|x| x.max(0.0).sqrt() * unit.factor).collect();
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.6;
        let least = values.iter().copied().filter(|&x| x > 0.0).fold(most, f64::min).max(most * 1e-7) / 1.6;
        let mut plot = Plot::new((0.0, values.len() as f64), (least, most), true);
        plot.vertical(covariance.rank as f64, "#d92d20", "2 3");
        plot.line(values.iter().enumerate().map(|(i, &x)| (i as f64 + 1.0, x)), "#1d4ed8", 1.6, 1.0);
        let _ = write!(
            out,
            "<div class=\"card\"><h3>{} · rank {} of {}, {} samples</h3>{}</div>",
            unit.name,
            covariance.rank,
            values.len(),
            covariance.n_samples,
            plot.finish("eigenvalue", unit.unit, &format!("Covariance spectrum of {}", unit.name))
        );
    }
    out.push_str("</div>\n<p class=\"soft\">Square roots of the eigenvalues, largest first; the rank assumed is dotted in red.</p>\n");
}
