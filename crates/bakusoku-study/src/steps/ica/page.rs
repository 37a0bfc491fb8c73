//! Independent components on the page: what goes and why, and what each looks like.

use super::components::reason;
use super::fit::Found;
use crate::report::evoked::{ChannelData, TYPES};
use crate::report::page::{card, note, plots, table, text};
use crate::report::topomap::Topomap;
use crate::report::units::{display_unit, format_number};
use bakusoku_methods::ica::components;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// A decomposition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct IcaData {
    pub(crate) n_samples: u64,
    pub(crate) n_iter: u64,
    pub(crate) channels: Vec<ChannelData>,
    pub(crate) components: Vec<ComponentData>,
    /// Whether somebody edited the table.
    pub(crate) is_edited: bool,
}

/// One of its components.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ComponentData {
    pub(crate) is_out: bool,
    pub(crate) reason: String,
    pub(crate) ecg: Option<f64>,
    /// The largest of all EOG channels.
    pub(crate) eog: Option<f64>,
    /// Its weight at each channel.
    pub(crate) map: Vec<f32>,
}

/// What the page shows.
pub(super) fn shown(found: &Found, edited: Option<&Vec<usize>>) -> IcaData {
    let ica = &found.ica;
    let maps = components(ica);
    let out = edited.unwrap_or(&ica.exclude);
    // In one unit: of the pre-whitener.
    let component = |index: usize| {
        let is_out = out.contains(&index);
        let own = reason(ica, index);
        let reason = match (is_out, own.is_empty()) {
            (true, true) => "by hand".into(),
            (false, false) => format!("kept by hand ({own})"),
            _ => own,
        };
        let eog = found.eog.iter().filter_map(|(_, scores)| scores.get(index));
        ComponentData {
            is_out,
            reason,
            ecg: found.ecg.get(index).copied(),
            eog: eog.copied().max_by(|a, b| a.abs().total_cmp(&b.abs())),
            map: maps.column(index).iter().map(|&x| x as f32).collect(),
        }
    };
    IcaData {
        n_samples: ica.fit.n_samples.unwrap_or(0),
        n_iter: ica.fit.n_iter.unwrap_or(0),
        channels: ica
            .info
            .chs
            .iter()
            .map(|ch| ChannelData {
                name: ch.name.clone(),
                ch_type: ch.ch_type().name().into(),
                pos: [ch.loc[0], ch.loc[1], ch.loc[2]],
                bad: false,
            })
            .collect(),
        components: (0..ica.n_components()).map(component).collect(),
        is_edited: edited.is_some(),
    }
}

/// How many components go.
pub(super) fn n_out(data: &IcaData) -> usize {
    data.components.iter().filter(|component| component.is_out).count()
}

/// What goes, and maps of all components.
pub(super) fn drawn(data: &IcaData) -> Markup {
    let score = |score: Option<f64>| text(score.map_or_else(String::new, format_number));
    let rows: Vec<Vec<Markup>> = data
        .components
        .iter()
        .enumerate()
        .filter(|(_, component)| component.is_out || !component.reason.is_empty())
        .map(|(index, component)| {
            let status = if component.is_out { "out" } else { "kept" };
            vec![text(index), text(status), text(&component.reason), score(component.ecg), score(component.eog)]
        })
        .collect();
    let cards: Vec<Markup> = TYPES.iter().filter_map(|ch_type| maps(data, ch_type)).collect();
    html! {
        @if rows.is_empty() {
            (note(&format!("None of {} components is taken out.", data.components.len())))
        } @else {
            (table(&["component", "", "why", "ECG", "EOG"], &rows))
        }
        @if data.is_edited { (note("The table of components was edited by hand; it decides.")) }
        (plots(&cards))
        (note(&format!(
            "{} components of {} samples, found in {} iterations. Maps are coloured each by its own largest weight; those \
             that are taken out are named in red. ECG: cross-trial phase statistic. EOG: correlation around blinks.",
            data.components.len(),
            data.n_samples,
            data.n_iter
        )))
    }
}

/// Maps of all components at the sensors of a type.
fn maps(data: &IcaData, ch_type: &str) -> Option<Markup> {
    let layout = Topomap::new(&data.channels, ch_type)?;
    let pictures = data.components.iter().map(|component| {
        let values = layout.values(|row| f64::from(component.map.get(row).copied().unwrap_or(0.0)));
        let limit = values.fold(0.0_f64, |most, x| most.max(x.abs()));
        layout.pictures(std::slice::from_ref(&values), limit).pop()
    });
    let body = html! {
        div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(84px,1fr));gap:6px" {
            @for (index, (picture, component)) in pictures.zip(&data.components).enumerate() {
                figure style="margin:0;text-align:center" {
                    @if let Some(picture) = picture { (picture) }
                    figcaption style=(if component.is_out { "color:#b42318;font-weight:600" } else { "color:#667085" }) {
                        (index)
                    }
                }
            }
        }
    };
    Some(card(&html! { (display_unit(ch_type).name) " · maps of the components" }, &body))
}
