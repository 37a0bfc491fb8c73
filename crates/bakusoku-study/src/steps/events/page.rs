//! Events on the page: a row for each kind, over time.

use crate::report::page::name;
use crate::report::plot::{ticks, x_axis};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// How many events of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventCount {
    /// Condition.
    pub(crate) name: String,
    /// Code.
    pub(crate) code: i64,
    /// How many.
    pub(crate) n: usize,
    /// Whether the study uses it.
    pub(crate) used: bool,
}

/// What is shown of a recording's events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ShownEvents {
    /// Where they come from, in words.
    pub(crate) source: String,
    /// All kinds of events found.
    pub(crate) counts: Vec<EventCount>,
    /// Onset (s from the first sample) and index into `counts`.
    pub(crate) times: Vec<(f64, usize)>,
}

const W: f64 = 4000.0;

/// Every event as a stroke, one row for each condition.
pub(super) fn drawn(events: &ShownEvents, duration_s: f64) -> Markup {
    let length = duration_s.max(1e-9);
    let strokes = |index: usize| {
        let mut d = String::new();
        for (t, _) in events.times.iter().filter(|(t, kind)| *kind == index && t.is_finite()) {
            let _ = write!(d, "M{:.0} 0v1", t / length * W);
        }
        d
    };
    html! {
        h3 { "Events " span.soft { "from " (events.source) } }
        div.card {
            div.lanes {
                @for (index, event) in events.counts.iter().enumerate() {
                    div.lane {
                        (name(&event.name))
                        div.soft { "code " (event.code) ", " (event.n) "×" @if !event.used { ", not used" } }
                    }
                    svg viewBox={ "0 0 " (W) " 1" } preserveAspectRatio="none" role="img"
                        aria-label={ "Onsets of " (event.name) }
                    {
                        path d=(strokes(index)) stroke=(if event.used { "#1d4ed8" } else { "#98a2b3" }) {}
                    }
                }
                (x_axis(&ticks(0.0, length, 6), |t| t / length))
                div.x-title { "Time (s)" }
            }
        }
    }
}
