//! One subject's page.

use super::curves::{self, Maps, Scales};
use super::data::{DropData, RunReport, StudyReport, SubjectReport};
use super::html::{self, escape};
use super::spectra;
use super::units::{bytes, seconds, short};
use crate::Result;
use std::fmt::Write;

/// The page of one subject (and session).
///
/// # Errors
/// Never at present; drawing may come to need what can fail.
pub fn subject_html(subject: &SubjectReport, study: &StudyReport) -> Result<String> {
    let mut out = String::new();
    let up = "../".repeat(subject.page.matches('/').count());
    let _ = writeln!(
        out,
        "<nav><a href=\"{up}report.html\">← {}</a></nav><h1>{} {}</h1>",
        escape(&study.title),
        escape(&subject.label),
        html::tag(subject.status)
    );
    if let Some(failure) = &subject.failure {
        html::failure(&mut out, failure);
    }
    html::warnings(&mut out, &subject.warnings);
    facts(&mut out, subject);
    let mut places = Vec::new();
    if !subject.evokeds.is_empty() {
        places.push(("evoked", "Evoked responses"));
    }
    places.extend([
        ("recordings", "Recordings"),
        ("epochs", "Epochs"),
        ("covariance", "Covariance"),
        ("run", "What ran"),
    ]);
    out.push_str("<nav>");
    for (id, text) in places {
        let _ = write!(out, "<a href=\"#{id}\">{text}</a>");
    }
    out.push_str("</nav>\n");
    if !subject.evokeds.is_empty() {
        html::heading(&mut out, "evoked", "Evoked responses");
        let scales = Scales::of(subject.evokeds.iter());
        let mut maps = Maps::default();
        for evoked in &subject.evokeds {
            let _ = writeln!(out, "<h3>{}</h3>", curves::name(evoked));
            curves::evoked(&mut out, evoked, &scales, &mut maps);
        }
    }
    html::heading(&mut out, "recordings", "Recordings");
    for run in &subject.runs {
        recording(&mut out, run);
    }
    if let Some(drops) = &subject.drops {
        html::heading(&mut out, "epochs", "Epochs");
        epochs(&mut out, drops);
    }
    if !subject.covariances.is_empty() {
        html::heading(&mut out, "covariance", "Noise covariance");
        spectra::covariances(&mut out, &subject.covariances);
    }
    html::heading(&mut out, "run", "What ran");
    what_ran(&mut out, subject);
    Ok(html::page(&format!("{} · {}", subject.label, study.title), &out))
}

fn facts(out: &mut String, subject: &SubjectReport) {
    let length: f64 = subject.runs.iter().map(|run| run.duration_s).sum();
    let mut facts = vec![(subject.runs.len().to_string(), "recordings"), (seconds(length), "recorded")];
    if let Some(drops) = &subject.drops {
        facts.push((format!("{} of {}", drops.n_kept, drops.n_before), "epochs kept"));
    }
    let n_bads: usize = subject.runs.iter().map(|run| run.bads.len()).max().unwrap_or(0);
    facts.push((n_bads.to_string(), "bad channels"));
    facts.push((seconds(subject.wall_s), "computing"));
    facts.push((bytes(subject.peak_memory), "peak memory of the process"));
    html::facts(out, &facts);
}

fn recording(out: &mut String, run: &RunReport) {
    let types: Vec<String> = run.n_channels.iter().map(|(ch_type, n)| format!("{n} {}", escape(ch_type))).collect();
    let rate = if run.sfreq.0 == run.sfreq.1 {
        short(run.sfreq.0)
    } else {
        format!("{} → {}", short(run.sfreq.0), short(run.sfreq.1))
    };
    let _ = write!(
        out,
        "<div class=\"card\"><b>{}</b> <span class=\"soft\">{}</span><p>{} at {rate} Hz · {}</p>",
        escape(&run.label),
        escape(&run.path),
        seconds(run.duration_s),
        types.join(", ")
    );
    if run.bads.is_empty() {
        out.push_str("<p class=\"soft\">No bad channels are known.</p>");
    } else {
        out.push_str("<p>Bad: ");
        for (name, source) in &run.bads {
            let _ = write!(
                out,
                "<span class=\"chip\">{} <span class=\"soft\">{}</span></span>",
                escape(name),
                escape(source)
            );
        }
        out.push_str("</p>");
    }
    for filter in &run.filters {
        let _ = write!(out, "<p class=\"soft\">{}</p>", escape(filter));
    }
    for (start, stop, description) in &run.marked {
        let _ = write!(out, "<span class=\"chip\">{} {}–{} s</span>", escape(description), short(*start), short(*stop));
    }
    out.push_str("</div>\n");
    if let Some(found) = &run.found_bads {
        super::maxwell::found_bads(out, found);
    }
    if let Some(maxwell) = &run.maxwell {
        super::maxwell::filtered(out, maxwell);
    }
    if !run.events.is_empty() {
        let _ = writeln!(out, "<h3>Events <span class=\"soft\">from {}</span></h3>", escape(&run.events_source));
        timeline(out, run);
    }
    if !run.spectra.is_empty() {
        out.push_str("<h3>Spectra</h3>\n");
        spectra::spectra(out, run);
    }
}

/// Every event as a stroke, one line per condition.
fn timeline(out: &mut String, run: &RunReport) {
    let (width, row) = (940.0, 20.0);
    let height = row * run.events.len() as f64 + 22.0;
    let x = |t: f64| 190.0 + t / run.duration_s.max(1e-9) * (width - 200.0);
    let _ = write!(out, "<div class=\"card\"><svg viewBox=\"0 0 {width} {height}\"><title>Events over time</title>");
    for (index, event) in run.events.iter().enumerate() {
        let y = row * index as f64;
        let colour = if event.used { "#1d4ed8" } else { "#98a2b3" };
        let mut d = String::new();
        for (t, _) in run.event_times.iter().filter(|(_, kind)| *kind == index) {
            let _ = write!(d, "M{:.1} {:.1}v13", x(*t), y + 3.0);
        }
        let note = if event.used { "" } else { ", not used" };
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{} (code {}): {}{note}</text><path d=\"{d}\" stroke=\"{colour}\" stroke-width=\"1\"/>",
            y + 14.0,
            escape(&event.name),
            event.code,
            event.n
        );
    }
    for t in super::svg::ticks(0.0, run.duration_s, 8) {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} s</text>",
            x(t),
            height - 4.0,
            short(t)
        );
    }
    out.push_str("</svg></div>\n");
}

fn epochs(out: &mut String, drops: &DropData) {
    let rows: Vec<Vec<String>> = drops
        .by_condition
        .iter()
        .map(|(name, before, kept)| vec![escape(name), before.to_string(), kept.to_string(), share(*kept, *before)])
        .collect();
    html::table(out, &["condition", "epochs", "kept", ""], &rows);
    if drops.by_reason.is_empty() {
        out.push_str("<p class=\"soft\">No epoch was dropped.</p>\n");
        return;
    }
    out.push_str("<h3>Reasons for dropping; an epoch may have several</h3>\n");
    let most = drops.by_reason.iter().map(|reason| reason.1).max().unwrap_or(1);
    let rows: Vec<Vec<String>> = drops
        .by_reason
        .iter()
        .take(30)
        .map(|(reason, n)| vec![escape(reason), n.to_string(), share(*n, most)])
        .collect();
    html::table(out, &["reason", "epochs", ""], &rows);
}

/// A bar for a share.
fn share(n: usize, of: usize) -> String {
    let percent = 100.0 * n as f64 / of.max(1) as f64;
    format!("<div class=\"bar\" style=\"width:{percent:.0}%;min-width:2px\"></div>")
}

fn what_ran(out: &mut String, subject: &SubjectReport) {
    if !subject.timing.is_empty() {
        let longest = subject.timing.iter().map(|timing| timing.wall_s).fold(1e-9, f64::max);
        let rows: Vec<Vec<String>> = subject
            .timing
            .iter()
            .map(|timing| {
                vec![
                    escape(&timing.step),
                    escape(timing.run.as_deref().unwrap_or("")),
                    seconds(timing.wall_s),
                    format!(
                        "<div class=\"bar\" style=\"width:{:.0}%;min-width:2px\"></div>",
                        100.0 * timing.wall_s / longest
                    ),
                ]
            })
            .collect();
        html::table(out, &["step", "recording", "time", ""], &rows);
    }
    let _ = writeln!(
        out,
        "<p class=\"soft\">Memory set aside: {}; peak of the process while this subject ran: {}.</p>",
        bytes(subject.planned_memory),
        bytes(subject.peak_memory)
    );
    let rows: Vec<Vec<String>> = subject
        .outputs
        .iter()
        .map(|output| {
            let written = if output.written { "written" } else { "up to date" };
            vec![
                format!("<code>{}</code>", escape(&output.path)),
                escape(&output.step),
                bytes(output.bytes),
                written.to_owned(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        html::table(out, &["file", "step", "size", ""], &rows);
    }
}
