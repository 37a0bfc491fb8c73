//! The study's first page.

use super::data::{ConfigEntry, Failure, Status, StudyReport, SubjectReport, grouped_warnings};
use super::group;
use super::page::{self, Section, code, failure, name, names, table, tag, text, tiles};
use super::units::{bytes, seconds};
use maud::{Markup, html};

/// Failures and subjects of a warning that are shown without asking.
const SHOWN: usize = 20;

/// The first page: what failed, every subject, averages over subjects, what was done and how.
pub fn index_html(study: &StudyReport) -> String {
    let head = html! {
        h1 { (study.title) }
        p.soft { "bakusoku " (study.version) " · " (study.finished) " · " (study.host) }
        (tiles(&numbers(study)))
        (page::warnings(&study.warnings))
    };
    let sections: Vec<Section> = [
        failures(study),
        Some(Section::new("subjects", "Subjects", subjects(study))),
        group::section(study),
        warnings(study),
        (!study.methods_text.is_empty())
            .then(|| Section::new("methods", "Methods", html! { p { (study.methods_text) } })),
        Some(Section::new("configuration", "Configuration", configuration(study))),
    ]
    .into_iter()
    .flatten()
    .collect();
    page::page(&study.title, &head, &sections)
}

fn numbers(study: &StudyReport) -> Vec<(String, &'static str)> {
    let count = |status: Status| study.subjects.iter().filter(|subject| subject.status == status).count();
    let complete = count(Status::Done) + count(Status::UpToDate);
    let mut people: Vec<&str> = study.subjects.iter().map(|subject| subject.subject.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let has_sessions = study.subjects.iter().any(|subject| subject.session.is_some());
    let mut out = vec![(
        format!("{complete} of {}", study.subjects.len()),
        if has_sessions { "sessions complete" } else { "subjects complete" },
    )];
    if has_sessions {
        out.push((people.len().to_string(), "subjects"));
    }
    for (n, what) in [(count(Status::Failed), "failed"), (count(Status::Cancelled), "not finished")] {
        if n > 0 {
            out.push((n.to_string(), what));
        }
    }
    out.push((seconds(study.wall_s), "wall time"));
    out.push((bytes(study.peak_memory), "peak memory of the process"));
    out.push((study.n_cores.to_string(), if study.n_cores == 1 { "core" } else { "cores" }));
    out
}

/// What went wrong, before anything else.
fn failures(study: &StudyReport) -> Option<Section> {
    let failed: Vec<(&SubjectReport, &Failure)> =
        study.subjects.iter().filter_map(|subject| subject.failure.as_ref().map(|error| (subject, error))).collect();
    if failed.is_empty() {
        return None;
    }
    let card = |(subject, error): &(&SubjectReport, &Failure)| failure(error, &html! { (link(subject)) " · " });
    let (first, rest) = failed.split_at(failed.len().min(SHOWN));
    let body = html! {
        @for one in first { (card(one)) }
        @if !rest.is_empty() {
            details { summary { (rest.len()) " more" } @for one in rest { (card(one)) } }
        }
    };
    Some(Section::new("failures", "Failures", body))
}

/// A subject's name, as a link where it has a page.
fn link(subject: &SubjectReport) -> Markup {
    html! {
        @if subject.status == Status::Cancelled { (name(&subject.label)) }
        @else { a href=(subject.page) { (name(&subject.label)) } }
    }
}

fn subjects(study: &StudyReport) -> Markup {
    let rows: Vec<Vec<Markup>> = study.subjects.iter().map(row).collect();
    table(&["subject", "status", "recordings", "bad channels", "epochs kept", "averaged", "time", "warnings"], &rows)
}

/// A subject's row: traffic light and numbers.
fn row(subject: &SubjectReport) -> Vec<Markup> {
    let length: f64 = subject.runs.iter().map(|run| run.duration_s).sum();
    let mut bads: Vec<&str> = subject.runs.iter().flat_map(|run| run.bads.iter().map(|bad| bad.0.as_str())).collect();
    bads.sort_unstable();
    bads.dedup();
    let is_read = !subject.runs.is_empty();
    let recordings = if is_read { format!("{} · {}", subject.runs.len(), seconds(length)) } else { String::new() };
    let kept = subject.drops.as_ref().map_or(String::new(), |drops| format!("{} of {}", drops.n_kept, drops.n_before));
    let conditions: Vec<_> = subject.evokeds.iter().filter(|evoked| !evoked.is_contrast).collect();
    let warnings = subject.all_warnings().len();
    vec![
        link(subject),
        tag(subject.status),
        text(recordings),
        if is_read && bads.is_empty() { text("none") } else { names(&bads) },
        text(kept),
        html! { @for evoked in conditions { div { (name(&evoked.name)) " " (evoked.nave) } } },
        if subject.wall_s > 0.0 { text(seconds(subject.wall_s)) } else { text("") },
        html! { @if warnings > 0 { a href="#warnings" { (warnings) } } },
    ]
}

/// Each warning once, with the subjects that it is about.
fn warnings(study: &StudyReport) -> Option<Section> {
    let grouped = grouped_warnings(&study.subjects);
    if grouped.is_empty() {
        return None;
    }
    let body = html! {
        @for (warning, subjects) in &grouped {
            div.card.warn {
                (warning)
                div.soft {
                    @for (i, subject) in subjects.iter().take(SHOWN).enumerate() { @if i > 0 { ", " } (link(subject)) }
                    @if subjects.len() > SHOWN { " and " (subjects.len() - SHOWN) " more" }
                }
            }
        }
    };
    Some(Section::new("warnings", "Warnings", body))
}

fn configuration(study: &StudyReport) -> Markup {
    let rows = |is_default: bool| -> Vec<Vec<Markup>> {
        let chosen = |entry: &&ConfigEntry| entry.is_default == is_default;
        study
            .config
            .iter()
            .filter(chosen)
            .map(|entry| vec![code(&entry.key), html! { div.lines { (code(&entry.value)) } }])
            .collect()
    };
    html! {
        (table(&["key", "value"], &rows(false)))
        details { summary { "Defaults" } (table(&["key", "value"], &rows(true))) }
    }
}
