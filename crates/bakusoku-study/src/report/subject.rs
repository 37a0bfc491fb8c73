//! One subject's page.

use super::data::{DropData, RunReport, SubjectReport};
use super::evoked::{self, Scales, Topomaps};
use super::page::{self, Page, Section, bar, chip, code, name, note, table, tag, text, tiles};
use super::timeline::timeline;
use super::units::{bytes, format_number, seconds};
use super::{maxwell, spectra};
use maud::{Markup, html};

/// Reasons for drops that are shown.
const MOST_REASONS: usize = 30;

/// The page of one subject (and session).
pub(crate) fn subject_html(subject: &SubjectReport, study: &str, extra: Page) -> String {
    let up = "../".repeat(subject.page.matches('/').count());
    let head = html! {
        nav { a href={ (up) "report.html" } { "← " (study) } }
        h1 { (subject.label) " " (tag(subject.status)) }
        @if let Some(failure) = &subject.failure { (page::failure(failure, &text(""))) }
        (page::warnings(&subject.warnings))
        (tiles(&numbers(subject)))
    };
    let sections: Vec<Section> = [
        evokeds(subject),
        (!subject.runs.is_empty()).then(|| {
            Section::new("recordings", "Recordings", html! { @for run in &subject.runs { (recording(run)) } })
        }),
        subject.drops.as_ref().map(|drops| Section::new("epochs", "Epochs", epochs(drops))),
        (!subject.covariances.is_empty())
            .then(|| Section::new("covariance", "Noise covariance", spectra::covariances(&subject.covariances))),
    ]
    .into_iter()
    .flatten()
    .chain(extra.into_sections())
    .chain(processing(subject))
    .collect();
    page::page(&format!("{} · {}", subject.label, study), &head, &sections)
}

fn numbers(subject: &SubjectReport) -> Vec<(String, &'static str)> {
    let length: f64 = subject.runs.iter().map(|run| run.duration_s).sum();
    let n = subject.runs.len();
    let mut out = vec![(n.to_string(), if n == 1 { "recording" } else { "recordings" }), (seconds(length), "recorded")];
    if let Some(drops) = &subject.drops {
        out.push((format!("{} of {}", drops.n_kept, drops.n_before), "epochs kept"));
    }
    let n_bads: usize = subject.runs.iter().map(|run| run.bads.len()).max().unwrap_or(0);
    out.push((n_bads.to_string(), if n_bads == 1 { "bad channel" } else { "bad channels" }));
    out.push((seconds(subject.wall_s), "processing time"));
    out.push((bytes(subject.peak_memory), "peak memory of the process"));
    out
}

fn evokeds(subject: &SubjectReport) -> Option<Section> {
    if subject.evokeds.is_empty() {
        return None;
    }
    let scales = Scales::of(subject.evokeds.iter());
    let mut topomaps = Topomaps::default();
    let body = html! {
        @for response in &subject.evokeds {
            (evoked::heading(response))
            (evoked::evoked(response, &scales, &mut topomaps))
        }
    };
    Some(Section::new("evoked", "Evoked responses", body))
}

fn recording(run: &RunReport) -> Markup {
    let types: Vec<String> = run.n_channels.iter().map(|(ch_type, n)| format!("{n} {ch_type}")).collect();
    let rate = if run.sfreq.0 == run.sfreq.1 {
        format_number(run.sfreq.0)
    } else {
        format!("{} → {}", format_number(run.sfreq.0), format_number(run.sfreq.1))
    };
    html! {
        div.card {
            b { (run.label) } " " span.soft { (run.path) }
            p { (seconds(run.duration_s)) " at " (rate) " Hz · " (types.join(", ")) }
            @if run.bads.is_empty() {
                (note("No channel is marked as bad."))
            } @else {
                p { "Bad channels: " @for (name, source) in &run.bads { (chip(name, source)) } }
            }
            @for filter in &run.filters { (note(filter)) }
            @for (start, stop, description) in &run.marked {
                (chip(description, &format!("{} – {} s", format_number(*start), format_number(*stop))))
            }
        }
        @if let Some(found) = &run.found_bads { (maxwell::found_bads(found)) }
        @if let Some(filter) = &run.maxwell { (maxwell::filtered(filter)) }
        @if !run.events.is_empty() {
            h3 { "Events " span.soft { "from " (run.events_source) } }
            (timeline(run))
        }
        @if !run.spectra.is_empty() {
            h3 { "Spectra" }
            (spectra::spectra(run))
        }
    }
}

fn epochs(drops: &DropData) -> Markup {
    let kept: Vec<Vec<Markup>> = drops
        .by_condition
        .iter()
        .map(|(condition, before, kept)| {
            vec![name(condition), text(before), text(kept), bar(*kept as f64, *before as f64)]
        })
        .collect();
    let most = drops.by_reason.iter().map(|reason| reason.1).max().unwrap_or(1) as f64;
    let reasons: Vec<Vec<Markup>> = drops
        .by_reason
        .iter()
        .take(MOST_REASONS)
        .map(|(reason, n)| vec![name(reason), text(n), bar(*n as f64, most)])
        .collect();
    html! {
        (table(&["condition", "epochs", "kept", ""], &kept))
        @if reasons.is_empty() {
            (note("No epoch was dropped."))
        } @else {
            h3 { "Drop log " span.soft { "an epoch may have several reasons" } }
            (table(&["reason", "epochs", ""], &reasons))
            @if drops.by_reason.len() > MOST_REASONS {
                (note(&format!("{} rarer reasons are left out.", drops.by_reason.len() - MOST_REASONS)))
            }
        }
    }
}

/// How long what took, and the files that came of it.
fn processing(subject: &SubjectReport) -> Option<Section> {
    if subject.timing.is_empty() && subject.outputs.is_empty() {
        return None;
    }
    let longest = subject.timing.iter().map(|timing| timing.wall_s).fold(0.0, f64::max);
    let times: Vec<Vec<Markup>> = subject
        .timing
        .iter()
        .map(|timing| {
            let run = timing.run.as_deref().unwrap_or("");
            vec![text(&timing.step), name(run), text(seconds(timing.wall_s)), bar(timing.wall_s, longest)]
        })
        .collect();
    let files: Vec<Vec<Markup>> = subject
        .outputs
        .iter()
        .map(|output| vec![code(&output.path), text(&output.step), text(bytes(output.bytes))])
        .collect();
    let body = html! {
        @if !times.is_empty() { (table(&["step", "recording", "time", ""], &times)) }
        (note(&format!(
            "Memory reserved: {}; peak of the process while this subject was processed: {}.",
            bytes(subject.planned_memory),
            bytes(subject.peak_memory)
        )))
        @if !files.is_empty() { (table(&["file", "step", "size"], &files)) }
    };
    Some(Section::new("processing", "Processing", body))
}
