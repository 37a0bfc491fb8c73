//! The study's first page.

use super::data::{ConfigEntry, Failure, GroupReport, Status, StudyReport, SubjectReport, grouped_warnings};
use super::page::{self, Section, code, failure, name, names, table, tag, text, tiles};
use super::units::{bytes, seconds};
use maud::{Markup, PreEscaped, html};

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
        groups(study),
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
    // Columns that steps fill, in the order of the steps.
    let mut headings: Vec<&str> = Vec::new();
    for cell in study.subjects.iter().flat_map(|subject| &subject.cells) {
        if !headings.contains(&cell.heading.as_str()) {
            headings.push(&cell.heading);
        }
    }
    let rows: Vec<Vec<Markup>> = study.subjects.iter().map(|subject| row(subject, &headings)).collect();
    let head: Vec<&str> = ["subject", "status", "recordings", "bad channels"]
        .into_iter()
        .chain(headings)
        .chain(["time", "warnings"])
        .collect();
    table(&head, &rows)
}

/// A subject's row: traffic light and numbers.
fn row(subject: &SubjectReport, headings: &[&str]) -> Vec<Markup> {
    let is_read = subject.n_recordings > 0;
    let recordings =
        if is_read { format!("{} · {}", subject.n_recordings, seconds(subject.recorded_s)) } else { String::new() };
    let bads: Vec<&str> = subject.bads.iter().map(String::as_str).collect();
    let warnings = subject.warnings.len();
    let cell = |heading: &&str| {
        html! { @for item in subject.cell(heading).unwrap_or_default() { div { (name(item)) } } }
    };
    let mut out = vec![
        link(subject),
        tag(subject.status),
        text(recordings),
        if is_read && bads.is_empty() { text("none") } else { names(&bads) },
    ];
    out.extend(headings.iter().map(cell));
    out.push(if subject.wall_s > 0.0 { text(seconds(subject.wall_s)) } else { text("") });
    out.push(html! { @if warnings > 0 { a href="#warnings" { (warnings) } } });
    out
}

/// What was made of all subjects, by session and task; what could not be made, and who is missing.
fn groups(study: &StudyReport) -> Option<Section> {
    if study.groups.iter().all(|group| group.sections.is_empty() && group.failure.is_none()) {
        return None;
    }
    let named = study.groups.len() > 1;
    let body = html! {
        @for group in &study.groups {
            @if named { h3 { (group.label) } }
            @if let Some(error) = &group.failure { (failure(error, &text(""))) }
            @if !group.missing.is_empty() { (missing(study, group)) }
            (page::warnings(&group.warnings))
            @for (title, body) in &group.sections { h3 { (title) } (PreEscaped(body)) }
        }
    };
    Some(Section::new("group", "Group", body))
}

/// Who is not in it, and why, where that is not said among the failures.
fn missing(study: &StudyReport, group: &GroupReport) -> Markup {
    let failed = |label: &str| study.subjects.iter().any(|subject| subject.label == label && subject.failure.is_some());
    html! {
        div.card.warn {
            "Not in the group:"
            ul {
                @for (label, why) in &group.missing {
                    li { (label) @if failed(label) { ", " a href="#failures" { "failed" } } @else { ": " (why) } }
                }
            }
        }
    }
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
