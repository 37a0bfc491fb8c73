//! Events over time: a row for each kind.

use super::data::RunReport;
use super::page::name;
use super::plot::{ticks, x_axis};
use maud::{Markup, html};
use std::fmt::Write;

const W: f64 = 4000.0;

/// Every event as a stroke, one row for each condition.
pub(super) fn timeline(run: &RunReport) -> Markup {
    let length = run.duration_s.max(1e-9);
    let strokes = |index: usize| {
        let mut d = String::new();
        for (t, _) in run.event_times.iter().filter(|(t, kind)| *kind == index && t.is_finite()) {
            let _ = write!(d, "M{:.0} 0v1", t / length * W);
        }
        d
    };
    html! {
        div.card {
            div.lanes {
                @for (index, event) in run.events.iter().enumerate() {
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
