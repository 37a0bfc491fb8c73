//! The study's first page.

use super::data::{Status, StudyReport, SubjectReport};
use super::group;
use super::html::{self, escape};
use super::units::{bytes, seconds};
use crate::Result;
use std::fmt::Write;

/// The first page: every subject with how it ended and why, averages over subjects, what ran and how.
///
/// # Errors
/// Never at present; drawing may come to need what can fail.
pub fn index_html(study: &StudyReport) -> Result<String> {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<h1>{}</h1><p class=\"soft\">bakusoku {} · {} · {}</p>",
        escape(&study.title),
        escape(&study.version),
        escape(&study.finished),
        escape(&study.host)
    );
    html::warnings(&mut out, &study.warnings);
    let count = |status: Status| study.subjects.iter().filter(|subject| subject.status == status).count();
    let (done, up_to_date, failed, cancelled) =
        (count(Status::Done), count(Status::UpToDate), count(Status::Failed), count(Status::Cancelled));
    let mut facts = vec![(format!("{} of {}", done + up_to_date, study.subjects.len()), "subjects complete")];
    if failed > 0 {
        facts.push((failed.to_string(), "failed"));
    }
    if cancelled > 0 {
        facts.push((cancelled.to_string(), "not finished"));
    }
    facts.push((seconds(study.wall_s), "wall time"));
    facts.push((bytes(study.peak_memory), "peak memory of the process"));
    facts.push((study.n_cores.to_string(), "cores"));
    html::facts(&mut out, &facts);

    html::heading(&mut out, "subjects", "Subjects");
    let rows: Vec<Vec<String>> = study.subjects.iter().map(row).collect();
    html::table(
        &mut out,
        &["subject", "", "recordings", "bad channels", "epochs kept", "averaged", "time", "remarks"],
        &rows,
    );

    group::group(&mut out, study);

    html::heading(&mut out, "methods", "Methods");
    let _ = writeln!(out, "<p>{}</p>", escape(&study.methods_text));
    html::heading(&mut out, "configuration", "Configuration");
    let rows = |is_default: bool| -> Vec<Vec<String>> {
        study
            .config
            .iter()
            .filter(|entry| entry.is_default == is_default)
            .map(|entry| {
                vec![format!("<code>{}</code>", escape(&entry.key)), format!("<code>{}</code>", escape(&entry.value))]
            })
            .collect()
    };
    html::table(&mut out, &["key", "value"], &rows(false));
    out.push_str("<details><summary>Defaults</summary>");
    html::table(&mut out, &["key", "value"], &rows(true));
    out.push_str("</details>\n");
    Ok(html::page(&study.title, &out))
}

/// A subject's row: traffic light, numbers, reasons.
fn row(subject: &SubjectReport) -> Vec<String> {
    let length: f64 = subject.runs.iter().map(|run| run.duration_s).sum();
    let mut bads: Vec<&str> = subject.runs.iter().flat_map(|run| run.bads.iter().map(|bad| bad.0.as_str())).collect();
    bads.sort_unstable();
    bads.dedup();
    let kept = subject.drops.as_ref().map_or(String::new(), |drops| format!("{} of {}", drops.n_kept, drops.n_before));
    let averaged: Vec<String> = subject
        .evokeds
        .iter()
        .filter(|evoked| !evoked.is_contrast)
        .map(|evoked| format!("{} {}", escape(&evoked.name), evoked.nave))
        .collect();
    let mut remarks: Vec<String> = subject
        .failure
        .iter()
        .map(|failure| {
            let place = failure.run.as_deref().map(|run| format!("{run}: ")).unwrap_or_default();
            format!("<b>{}</b> {}{}", escape(&failure.step), escape(&place), escape(&failure.messages.join(": ")))
        })
        .collect();
    remarks.extend(subject.warnings.iter().map(|warning| escape(warning)));
    vec![
        format!("<a href=\"{}\">{}</a>", escape(&subject.page), escape(&subject.label)),
        html::tag(subject.status).to_owned(),
        format!("{} · {}", subject.runs.len(), seconds(length)),
        if bads.is_empty() { "none".into() } else { escape(&bads.join(", ")) },
        kept,
        averaged.join("<br>"),
        seconds(subject.wall_s),
        remarks.join("<br>"),
    ]
}
