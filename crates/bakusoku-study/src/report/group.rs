//! Averages over subjects.

use super::curves::{self, Maps, Scales, TYPES};
use super::data::{GroupEvoked, StudyReport};
use super::html::{self, escape};
use super::svg::Plot;
use super::units::shown;
use std::fmt::Write;

/// The group's part of the first page.
pub(super) fn group(out: &mut String, study: &StudyReport) {
    if let Some(failure) = &study.group_failure {
        html::heading(out, "group", "Group average");
        html::failure(out, failure);
    }
    if study.group.is_empty() {
        return;
    }
    if study.group_failure.is_none() {
        html::heading(out, "group", "Group average");
    }
    for (label, why) in &study.missing {
        let _ =
            writeln!(out, "<div class=\"card warn\">{} is not in the average: {}</div>", escape(label), escape(why));
    }
    let scales = Scales::of(study.group.iter().map(|group| &group.evoked));
    let mut maps = Maps::default();
    for group in &study.group {
        let _ = writeln!(
            out,
            "<h3>{} <span class=\"soft\">mean of {} subjects</span></h3>",
            escape(&group.evoked.name),
            group.singles.len()
        );
        curves::evoked(out, &group.evoked, &scales, &mut maps);
        singles(out, group);
    }
}

/// Field power of every subject behind that of the mean.
fn singles(out: &mut String, group: &GroupEvoked) {
    let times: Vec<f64> = group.evoked.times.iter().map(|&t| f64::from(t)).collect();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return };
    out.push_str("<details><summary>Field power of the subjects behind it</summary><div class=\"plots\">");
    for ch_type in TYPES {
        let unit = shown(ch_type);
        let curves: Vec<(&str, &Vec<f32>)> = group
            .singles
            .iter()
            .flat_map(|(label, by_type)| {
                by_type.iter().filter(|(t, _)| t == ch_type).map(move |(_, values)| (label.as_str(), values))
            })
            .collect();
        if curves.is_empty() {
            continue;
        }
        let most =
            curves.iter().flat_map(|(_, values)| values.iter()).fold(0.0, |most: f64, &x| most.max(f64::from(x)));
        let mut plot = Plot::new((first, last), (0.0, most * unit.factor * 1.05), false);
        plot.vertical(0.0, "#98a2b3", "4 3");
        for (_, values) in &curves {
            plot.line(
                times.iter().copied().zip(values.iter().map(|&x| f64::from(x) * unit.factor)),
                "#1d4ed8",
                1.0,
                0.4,
            );
        }
        let mean = curves::field_power(&group.evoked, ch_type);
        plot.line(times.iter().copied().zip(mean.iter().map(|x| x * unit.factor)), "#101828", 2.0, 1.0);
        let _ = write!(
            out,
            "<div class=\"card\"><h3>{} · {} subjects, mean in black</h3>{}</div>",
            unit.name,
            curves.len(),
            plot.finish("s", unit.unit, &format!("Field power of subjects, {}", unit.name))
        );
    }
    out.push_str("</div></details>\n");
}
