//! Epochs on the page: how many are left of each condition, and why the others were dropped.

use crate::report::page::{bar, name, note, table, text};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// Reasons for drops that are shown.
const MOST_REASONS: usize = 30;

/// Which epochs were dropped, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct DropData {
    /// Epochs before rejection.
    pub(crate) n_before: usize,
    /// Epochs kept.
    pub(crate) n_kept: usize,
    /// Condition, epochs before, epochs kept.
    pub(crate) by_condition: Vec<(String, usize, usize)>,
    /// Reason (a channel's name, or `TOO_SHORT`, `BAD_…`) and how many epochs it cost; most frequent first.
    pub(crate) by_reason: Vec<(String, usize)>,
}

pub(super) fn drawn(drops: &DropData) -> Markup {
    let kept: Vec<Vec<Markup>> = drops
        .by_condition
        .iter()
        .map(|(condition, before, kept)| {
            vec![name(condition), text(before), text(kept), bar(*kept as f64, *before as f64)]
        })
        .collect();
    let most = drops.by_reason.iter().map(|reason| reason.1).max().unwrap_or(1) as f64;
    let reasons: Vec<Vec<Markup>> = drops
        .by_reason
        .iter()
        .take(MOST_REASONS)
        .map(|(reason, n)| vec![name(reason), text(n), bar(*n as f64, most)])
        .collect();
    html! {
        (table(&["condition", "epochs", "kept", ""], &kept))
        @if reasons.is_empty() {
            (note("No epoch was dropped."))
        } @else {
            h3 { "Drop log " span.soft { "an epoch may have several reasons" } }
            (table(&["reason", "epochs", ""], &reasons))
            @if drops.by_reason.len() > MOST_REASONS {
                (note(&format!("{} rarer reasons are left out.", drops.by_reason.len() - MOST_REASONS)))
            }
        }
    }
}
