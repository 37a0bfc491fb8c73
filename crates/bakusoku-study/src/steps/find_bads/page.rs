//! The search for bad channels on the page: what was found, and scores interval by interval.

use super::BadChannelScores;
use crate::report::image;
use crate::report::page::{self, card, note, plots, table, text};
use crate::report::units::{display_unit, format_measure, format_number};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// The search for bad channels of one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoundBadsData {
    /// Channel, what it is (`flat`, `noisy`), largest score, intervals above the limit.
    pub(crate) channels: Vec<(String, String, f64, usize)>,
    /// Score above which a channel is noisy in an interval.
    pub(crate) limit: f64,
    /// Start of the first interval, end of the last (s).
    pub(crate) span: (f64, f64),
    /// Intervals.
    pub(crate) n_intervals: usize,
    /// Scores of each channel, type by type: type, channels, scores row by row (tenths, 255: left out).
    pub(crate) scores: Vec<(String, usize, Vec<u8>)>,
}

/// The search for bad channels.
pub(super) fn found(found: &BadChannelScores) -> FoundBadsData {
    let kinds = [("flat", &found.flat), ("noisy", &found.noisy)];
    let channels = kinds.into_iter().flat_map(|(kind, names)| {
        names.iter().map(move |name| {
            let (worst, n) = found.worst(name);
            (name.clone(), kind.to_owned(), if worst.is_finite() { worst } else { 0.0 }, n)
        })
    });
    let mut scores: Vec<(String, usize, Vec<u8>)> = Vec::new();
    for ch_type in ["mag", "grad", "ref_meg"] {
        let rows: Vec<&Vec<Option<f64>>> =
            found.scores_noisy.iter().zip(&found.ch_types).filter(|(_, t)| *t == ch_type).map(|(row, _)| row).collect();
        if !rows.is_empty() {
            let tenths =
                |score: &Option<f64>| score.map_or(255, |score| (score * 10.0).round().clamp(0.0, 254.0) as u8);
            scores.push((ch_type.into(), rows.len(), rows.iter().flat_map(|row| row.iter().map(tenths)).collect()));
        }
    }
    FoundBadsData {
        channels: channels.collect(),
        limit: found.limit,
        span: (found.bins.first().map_or(0.0, |bin| bin[0]), found.bins.last().map_or(0.0, |bin| bin[1])),
        n_intervals: found.bins.len(),
        scores,
    }
}

/// Channels found, with their scores interval by interval.
pub(super) fn drawn(found: &FoundBadsData) -> Markup {
    let rows: Vec<Vec<Markup>> = found
        .channels
        .iter()
        .map(|(name, kind, worst, n)| {
            let scored = kind != "flat";
            let score = if scored { format_number(*worst) } else { String::new() };
            let often = if scored { format!("{n} of {}", found.n_intervals) } else { String::new() };
            vec![page::name(name), text(kind), text(score), text(often)]
        })
        .collect();
    let cards: Vec<Markup> =
        found.scores.iter().filter_map(|(ch_type, n, scores)| scores_of(found, ch_type, *n, scores)).collect();
    html! {
        h3 { "Search for bad channels" }
        @if rows.is_empty() {
            (note(&format!("None found in {} intervals.", found.n_intervals)))
        } @else {
            (table(&["channel", "found", "largest score", "intervals above the limit"], &rows))
        }
        @if !cards.is_empty() {
            (plots(&cards))
            (note("Score of a channel: how many standard deviations its difference from its Maxwell filtered signal \
                   lies above that of the other channels. Grey: left out."))
        }
    }
}

/// Scores of a channel type as a picture: white to red, full at the limit; grey: left out.
fn scores_of(found: &FoundBadsData, ch_type: &str, n: usize, scores: &[u8]) -> Option<Markup> {
    if scores.len() != n * found.n_intervals {
        return None;
    }
    let mut palette = vec![[255u8; 3]];
    palette.extend((0..=60u8).map(|i| {
        let share = f64::from(i) / 60.0;
        let fade = |to: f64| (255.0 - (255.0 - to) * share).round() as u8;
        [fade(190.0), fade(20.0), fade(20.0)]
    }));
    palette.push([226, 230, 236]);
    let pixel = |&score: &u8| match score {
        255 => 62,
        score => 1 + (f64::from(score) / 10.0 / found.limit * 60.0).clamp(0.0, 60.0) as u8,
    };
    let pixels: Vec<u8> = scores.iter().map(pixel).collect();
    let image = image::data_uri(found.n_intervals, n, &pixels, &palette)?;
    let name = display_unit(ch_type).name;
    let heading = html! { (name) " · scores, red from " (format_number(found.limit)) };
    Some(card(
        &heading,
        &html! {
            img.scores alt={ "Scores of " (name) } src=(image);
            (note(&format!(
                "Down: {n} channels. Across: {} intervals from {} to {} s.",
                found.n_intervals,
                format_measure(found.span.0),
                format_measure(found.span.1)
            )))
        },
    ))
}
