//! Evoked responses: butterfly plot, global field power (GFP), topographic maps at its peaks.

use super::page::{card, note, plots};
use super::plot::Plot;
use super::topomap::{Topomap, has_position};
use super::units::{display_unit, format_measure};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// One evoked response: a condition or a contrast.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct EvokedData {
    /// Name.
    pub(crate) name: String,
    /// Whether it is a contrast of conditions.
    pub(crate) is_contrast: bool,
    /// Epochs averaged.
    pub(crate) nave: f64,
    /// Times (s).
    pub(crate) times: Vec<f32>,
    /// Baseline (s).
    pub(crate) baseline: Option<(f64, f64)>,
    /// Channels, in the order of the rows of `data`.
    pub(crate) channels: Vec<ChannelData>,
    /// `(n_channels, n_times)`.
    pub(crate) data: Vec<Vec<f32>>,
}

/// A channel of an evoked response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChannelData {
    /// Name.
    pub(crate) name: String,
    /// Type (`mag`, `grad`, `eeg`).
    pub(crate) ch_type: String,
    /// Position (m): MEG in the device frame, EEG in the head frame.
    pub(crate) pos: [f64; 3],
    /// Whether it is bad.
    pub(crate) bad: bool,
}

/// An evoked response as the report shows it: channels of the study's types.
pub(crate) fn evoked_data(
    evoked: &bakusoku_core::containers::Evoked,
    is_contrast: bool,
    types: &[bakusoku_core::ChannelType],
) -> EvokedData {
    let info = &evoked.info;
    let rows: Vec<usize> = (0..info.n_channels()).filter(|&ch| types.contains(&info.chs[ch].ch_type())).collect();
    EvokedData {
        name: evoked.comment.clone(),
        is_contrast,
        nave: evoked.nave,
        times: evoked.times().iter().map(|&t| t as f32).collect(),
        baseline: evoked.baseline,
        channels: rows
            .iter()
            .map(|&ch| {
                let channel = &info.chs[ch];
                let pos = [channel.loc[0], channel.loc[1], channel.loc[2]];
                ChannelData {
                    name: channel.name.clone(),
                    ch_type: channel.ch_type().name().into(),
                    pos,
                    bad: info.is_bad(ch),
                }
            })
            .collect(),
        data: rows.iter().map(|&ch| evoked.data.row(ch).iter().map(|&x| x as f32).collect()).collect(),
    }
}

/// Channel types that evoked responses are drawn for, in this order.
pub(crate) const TYPES: [&str; 3] = ["mag", "grad", "eeg"];

/// Scales that all responses of a page share, so that heights can be compared.
pub(crate) struct Scales(Vec<(&'static str, f64)>);

impl Scales {
    /// The largest value of each channel type over the responses, in shown units.
    pub(crate) fn of<'e>(evokeds: impl Iterator<Item = &'e EvokedData> + Clone) -> Self {
        let largest = |ch_type: &str| {
            evokeds
                .clone()
                .flat_map(|evoked| good(evoked, ch_type).flat_map(|row| evoked.data[row].iter()))
                .fold(0.0, |most: f64, &x| most.max(f64::from(x).abs()))
        };
        Self(TYPES.into_iter().map(|ch_type| (ch_type, largest(ch_type) * display_unit(ch_type).factor)).collect())
    }
    fn limit(&self, ch_type: &str) -> f64 {
        self.0.iter().find(|scale| scale.0 == ch_type).map_or(0.0, |scale| scale.1)
    }
}

/// Layouts of a page's sensors: made once, used for every response that has the same channels.
#[derive(Default)]
pub(crate) struct Topomaps(Vec<(Vec<ChannelData>, &'static str, Option<Topomap>)>);

impl Topomaps {
    fn get(&mut self, channels: &[ChannelData], ch_type: &'static str) -> Option<&Topomap> {
        let at = match self.0.iter().position(|(known, t, _)| *t == ch_type && known == channels) {
            Some(at) => at,
            None => {
                self.0.push((channels.to_vec(), ch_type, Topomap::new(channels, ch_type)));
                self.0.len() - 1
            }
        };
        self.0[at].2.as_ref()
    }
}

/// Rows of good channels of a type.
fn good<'e>(evoked: &'e EvokedData, ch_type: &'e str) -> impl Iterator<Item = usize> + Clone + 'e {
    evoked.channels.iter().enumerate().filter(move |(_, ch)| ch.ch_type == ch_type && !ch.bad).map(|(row, _)| row)
}

/// Global field power: standard deviation over channels (EEG), root mean square (MEG), as MNE's `gfp`.
pub(crate) fn gfp(evoked: &EvokedData, ch_type: &str) -> Vec<f64> {
    let rows: Vec<usize> = good(evoked, ch_type).collect();
    let n = rows.len().max(1) as f64;
    (0..evoked.times.len())
        .map(|t| {
            let values = rows.iter().map(|&row| f64::from(evoked.data[row][t]));
            let mean = if ch_type == "eeg" { values.clone().sum::<f64>() / n } else { 0.0 };
            (values.map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
        })
        .collect()
}

/// Up to three peaks of the field power after the event, at least 30 ms apart, in order of time.
fn peaks(times: &[f32], power: &[f64]) -> Vec<usize> {
    let mut tops: Vec<usize> = (1..power.len().saturating_sub(1))
        .filter(|&t| times[t] > 0.0 && power[t] > power[t - 1] && power[t] >= power[t + 1])
        .collect();
    tops.sort_by(|&a, &b| power[b].total_cmp(&power[a]));
    let mut out: Vec<usize> = Vec::new();
    for top in tops {
        if out.len() < 3 && out.iter().all(|&other| (times[other] - times[top]).abs() >= 0.03) {
            out.push(top);
        }
    }
    out.sort_unstable();
    out
}

/// A colour for a position: hue from where it lies around the head, lighter towards the top. One colour for channels
/// without a position.
fn position_colour(ch: &ChannelData) -> String {
    if !has_position(ch) {
        return "#6172a3".into();
    }
    let hue = ch.pos[1].atan2(ch.pos[0]).to_degrees() + 360.0;
    let height = (ch.pos[2] / 0.12).clamp(0.0, 1.0);
    format!("hsl({:.0} 55% {:.0}%)", hue % 360.0, 34.0 + 22.0 * height)
}

/// One response: a picture and maps for each channel type.
pub(crate) fn evoked(evoked: &EvokedData, scales: &Scales, topomaps: &mut Topomaps) -> Markup {
    let mut cards = Vec::new();
    for ch_type in TYPES {
        let rows: Vec<usize> = good(evoked, ch_type).collect();
        if rows.is_empty() {
            continue;
        }
        let unit = display_unit(ch_type);
        let power = gfp(evoked, ch_type);
        let tops = peaks(&evoked.times, &power);
        let located = rows.iter().any(|&row| has_position(&evoked.channels[row]));
        let maps = topomaps.get(&evoked.channels, ch_type).map(|map| maps(evoked, map, &tops, unit.unit, unit.factor));
        let body = html! {
            (butterfly(evoked, ch_type, &rows, &power, &tops, scales.limit(ch_type) * 1.05))
            @if !located { (note("No channel has a position: all curves have one colour, and there are no maps.")) }
            @if let Some(maps) = maps { (maps) }
        };
        let n = rows.len();
        cards.push(card(
            &html! { (unit.name) " · " (n) @if n == 1 { " channel" } @else { " channels" } ", GFP in black" },
            &body,
        ));
    }
    html! {
        @if cards.is_empty() { (note("No channel is good: nothing to show.")) }
        (plots(&cards))
    }
}

fn butterfly(evoked: &EvokedData, ch_type: &str, rows: &[usize], power: &[f64], tops: &[usize], limit: f64) -> Markup {
    let unit = display_unit(ch_type);
    let span = (f64::from(*evoked.times.first().unwrap_or(&0.0)), f64::from(*evoked.times.last().unwrap_or(&1.0)));
    let mut plot = Plot::new(span, (-limit, limit), false);
    plot.horizontal(0.0, "#d0d5dd");
    plot.vertical(0.0, "#98a2b3", "4 3");
    for &row in rows {
        let points =
            evoked.times.iter().zip(&evoked.data[row]).map(|(&t, &x)| (f64::from(t), f64::from(x) * unit.factor));
        plot.line(points, &position_colour(&evoked.channels[row]), 0.7, 0.55);
    }
    let points = evoked.times.iter().zip(power).map(|(&t, &x)| (f64::from(t), x * unit.factor));
    plot.line(points, "#101828", 1.8, 1.0);
    for &top in tops {
        plot.vertical(f64::from(evoked.times[top]), "#b42318", "1 3");
    }
    let label = format!("{}, {}: {} channels and global field power", evoked.name, unit.name, rows.len());
    plot.finish("Time (s)", unit.unit, &label)
}

/// Maps at peaks of the field power, on one scale.
fn maps(evoked: &EvokedData, map: &Topomap, tops: &[usize], unit: &str, factor: f64) -> Markup {
    let values: Vec<_> = tops.iter().map(|&t| map.values(|row| f64::from(evoked.data[row][t]))).collect();
    let limit = values.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
    let pictures = map.pictures(&values, limit);
    let most = format_measure(limit * factor);
    html! {
        @if !pictures.is_empty() {
            div.maps {
                @for (picture, &top) in pictures.iter().zip(tops) {
                    figure { (picture) figcaption { (format!("{:.0}", evoked.times[top] * 1e3)) " ms" } }
                }
                @if map.is_unsigned() {
                    div.scale { div.lengths {} "0 to " (most) " " (unit) }
                } @else {
                    div.scale { div.signed {} "±" (most) " " (unit) }
                }
            }
        }
    }
}

/// A heading for a response.
pub(crate) fn heading(evoked: &EvokedData) -> Markup {
    let nave = format_measure(evoked.nave);
    html! {
        h3 {
            (evoked.name) " "
            span.soft {
                @if evoked.is_contrast { "contrast, effective number of averages " (nave) }
                @else { "average of " (nave) @if evoked.nave == 1.0 { " epoch" } @else { " epochs" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_the_highest_ones_apart_from_each_other() {
        let times: Vec<f32> = (0..100).map(|t| t as f32 * 0.01 - 0.2).collect();
        let mut power = vec![0.0; 100];
        for (at, height) in [(10, 9.0), (40, 5.0), (42, 4.0), (60, 3.0), (70, 1.0), (80, 2.0)] {
            power[at] = height;
        }
        assert_eq!(peaks(&times, &power), vec![40, 60, 80]);
    }
}
