//! One subject's page.

use super::data::{RecordingFacts, SubjectReport};
use super::facts::Facts;
use super::page::{self, Page, Section, bar, chip, code, name, note, table, tag, text, tiles};
use super::units::{bytes, format_number, seconds};
use maud::{Markup, html};

/// The page of one subject (and session): what is known of it, and what steps add.
pub(crate) fn subject_html(subject: &SubjectReport, study: &str, facts: &Facts, added: Page) -> String {
    let up = "../".repeat(subject.page.matches('/').count());
    let head = html! {
        nav { a href={ (up) "report.html" } { "← " (study) } }
        h1 { (subject.label) " " (tag(subject.status)) }
        @if let Some(failure) = &subject.failure { (page::failure(failure, &text(""))) }
        (page::warnings(&subject.warnings))
        (tiles(&numbers(subject, &added)))
    };
    let sections: Vec<Section> = added
        .first
        .into_iter()
        .chain(recordings(facts, &added.lines, &added.recordings))
        .chain(added.sections)
        .chain(processing(subject))
        .collect();
    page::page(&format!("{} · {}", subject.label, study), &head, &sections)
}

fn numbers(subject: &SubjectReport, added: &Page) -> Vec<(String, &'static str)> {
    let n = subject.n_recordings;
    let mut out = vec![
        (n.to_string(), if n == 1 { "recording" } else { "recordings" }),
        (seconds(subject.recorded_s), "recorded"),
    ];
    out.extend(added.tiles.iter().cloned());
    let n_bads = subject.bads.len();
    out.push((n_bads.to_string(), if n_bads == 1 { "bad channel" } else { "bad channels" }));
    out.push((seconds(subject.wall_s), "processing time"));
    out.push((bytes(subject.peak_memory), "peak memory of the process"));
    out
}

/// Every recording: a card with what its header says and steps did, then what steps show of it.
fn recordings(facts: &Facts, lines: &[(String, Markup)], parts: &[(String, Markup)]) -> Option<Section> {
    let runs = facts.runs();
    if runs.is_empty() {
        return None;
    }
    let body = html! {
        @for run in runs {
            (card(run, &facts.recording(run), lines))
            @for (_, part) in parts.iter().filter(|(of, _)| of == run) { (part) }
        }
    };
    Some(Section::new("recordings", "Recordings", body))
}

fn card(run: &str, facts: &RecordingFacts, lines: &[(String, Markup)]) -> Markup {
    let types: Vec<String> = facts.n_channels.iter().map(|(ch_type, n)| format!("{n} {ch_type}")).collect();
    let rate = if facts.sfreq.0 == facts.sfreq.1 {
        format_number(facts.sfreq.0)
    } else {
        format!("{} → {}", format_number(facts.sfreq.0), format_number(facts.sfreq.1))
    };
    html! {
        div.card {
            b { (run) } " " span.soft { (facts.path) }
            p { (seconds(facts.duration_s)) " at " (rate) " Hz · " (types.join(", ")) }
            @if facts.bads.is_empty() {
                (note("No channel is marked as bad."))
            } @else {
                p { "Bad channels: " @for (name, source) in &facts.bads { (chip(name, source)) } }
            }
            @for (_, line) in lines.iter().filter(|(of, _)| of == run) { (line) }
            @for (start, stop, description) in &facts.marked {
                (chip(description, &format!("{} – {} s", format_number(*start), format_number(*stop))))
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
