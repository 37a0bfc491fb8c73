//! Averages over subjects.

use super::data::{GroupEvoked, GroupReport, StudyReport};
use super::evoked::{self, Scales, TYPES, Topomaps};
use super::page::{Section, card, failure, plots, text};
use super::plot::Plot;
use super::units::display_unit;
use maud::{Markup, html};

/// The groups' section of the index, if there is a group average, or should be one.
pub(super) fn section(study: &StudyReport) -> Option<Section> {
    if study.groups.iter().all(|group| group.evokeds.is_empty() && group.failure.is_none()) {
        return None;
    }
    let body = html! { @for group in &study.groups { (one(study, group, study.groups.len() > 1)) } };
    Some(Section::new("group", "Group average", body))
}

/// One session and task.
fn one(study: &StudyReport, group: &GroupReport, named: bool) -> Markup {
    let scales = Scales::of(group.evokeds.iter().map(|group| &group.evoked));
    let mut topomaps = Topomaps::default();
    html! {
        @if named { h3 { (group.label) } }
        @if let Some(error) = &group.failure { (failure(error, &text(""))) }
        @if !group.missing.is_empty() { (missing(study, group)) }
        @for warning in &group.warnings { div.card.warn { (warning) } }
        @for mean in &group.evokeds {
            h3 { (mean.evoked.name) " " span.soft { "mean of " (mean.singles.len()) " subjects" } }
            (evoked::evoked(&mean.evoked, &scales, &mut topomaps))
            (singles(mean))
        }
    }
}

/// Who is not in the average, and why, where that is not said among the failures.
fn missing(study: &StudyReport, group: &GroupReport) -> Markup {
    let failed = |label: &str| study.subjects.iter().any(|subject| subject.label == label && subject.failure.is_some());
    html! {
        div.card.warn {
            "Not in the average:"
            ul {
                @for (label, why) in &group.missing {
                    li { (label) @if failed(label) { ", " a href="#failures" { "failed" } } @else { ": " (why) } }
                }
            }
        }
    }
}

/// GFP of every subject behind that of the mean.
fn singles(group: &GroupEvoked) -> Markup {
    let times: Vec<f64> = group.evoked.times.iter().map(|&t| f64::from(t)).collect();
    let cards: Vec<Markup> = TYPES.into_iter().filter_map(|ch_type| singles_of(group, &times, ch_type)).collect();
    html! {
        @if !cards.is_empty() { details { summary { "GFP of single subjects" } (plots(&cards)) } }
    }
}

fn singles_of(group: &GroupEvoked, times: &[f64], ch_type: &str) -> Option<Markup> {
    let unit = display_unit(ch_type);
    let curves: Vec<&Vec<f32>> = group
        .singles
        .iter()
        .flat_map(|(_, by_type)| by_type.iter().filter(|(t, _)| t == ch_type).map(|(_, values)| values))
        .collect();
    if curves.is_empty() {
        return None;
    }
    let most = curves.iter().flat_map(|values| values.iter()).fold(0.0, |most: f64, &x| most.max(f64::from(x)));
    let mut plot = Plot::new((*times.first()?, *times.last()?), (0.0, most * unit.factor * 1.05), false);
    plot.vertical(0.0, "#98a2b3", "4 3");
    for values in &curves {
        let points = times.iter().copied().zip(values.iter().map(|&x| f64::from(x) * unit.factor));
        plot.line(points, "#1d4ed8", 1.0, 0.4);
    }
    let mean = evoked::gfp(&group.evoked, ch_type);
    plot.line(times.iter().copied().zip(mean.iter().map(|x| x * unit.factor)), "#101828", 2.0, 1.0);
    let heading = html! { (unit.name) " · " (curves.len()) " subjects, GFP of the mean in black" };
    Some(card(&heading, &plot.finish("Time (s)", unit.unit, &format!("GFP of subjects, {}", unit.name))))
}
