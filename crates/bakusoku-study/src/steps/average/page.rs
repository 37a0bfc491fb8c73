//! Averages over subjects on the index page.

use crate::report::evoked::{self, EvokedData, Scales, TYPES, Topomaps};
use crate::report::page::{card, plots};
use crate::report::plot::Plot;
use crate::report::units::display_unit;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// An average over subjects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct GroupEvoked {
    /// The average; `nave` is the number of subjects.
    pub(crate) evoked: EvokedData,
    /// Global field power of subjects behind it, of all or of some at equal distances: label, then per channel type `(type, values over times)`.
    pub(crate) singles: Vec<(String, Vec<(String, Vec<f32>)>)>,
}

/// All averages.
pub(super) fn drawn(means: &[GroupEvoked]) -> Markup {
    let scales = Scales::of(means.iter().map(|mean| &mean.evoked));
    let mut topomaps = Topomaps::default();
    html! {
        @for mean in means {
            h3 { (mean.evoked.name) " " span.soft { "mean of " (mean.evoked.nave) " subjects" } }
            (evoked::evoked(&mean.evoked, &scales, &mut topomaps))
            (singles(mean))
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
    let of = if group.evoked.nave > curves.len() as f64 { format!(" of {}", group.evoked.nave) } else { String::new() };
    let heading = html! { (unit.name) " · " (curves.len()) (of) " subjects, GFP of the mean in black" };
    Some(card(&heading, &plot.finish("Time (s)", unit.unit, &format!("GFP of subjects, {}", unit.name))))
}
