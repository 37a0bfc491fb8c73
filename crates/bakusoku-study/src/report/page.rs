//! The page and its parts: sections with links to them, tables, tiles, tags, warnings, failures.

use super::data::{Failure, Status};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::fmt::Display;

const STYLE: &str = include_str!("style.css");

/// A part of a page, with a heading and a link to it at the top of the page.
pub(crate) struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

impl Section {
    /// `id` is the anchor, unique on its page.
    pub(crate) fn new(id: &'static str, title: &'static str, body: Markup) -> Self {
        Self { id, title, body }
    }
}

/// What steps add to a page, in the order of the steps.
#[derive(Default)]
pub struct Page {
    pub(super) first: Vec<Section>,
    pub(super) sections: Vec<Section>,
    pub(super) tiles: Vec<(String, &'static str)>,
    pub(super) lines: Vec<(String, Markup)>,
    pub(super) recordings: Vec<(String, Markup)>,
}

impl Page {
    /// Adds a section: `id` is its anchor, unique on the page; `html` its body.
    pub fn section(&mut self, id: &'static str, title: &'static str, html: Markup) {
        self.sections.push(Section::new(id, title, html));
    }
    /// Adds a section of results, which stand before the recordings.
    pub fn result(&mut self, id: &'static str, title: &'static str, html: Markup) {
        self.first.push(Section::new(id, title, html));
    }
    /// Adds a number to those at the top of the page.
    pub fn tile(&mut self, value: String, label: &'static str) {
        self.tiles.push((value, label));
    }
    /// Adds a line to the card of a recording.
    pub fn line(&mut self, run: &str, html: Markup) {
        self.lines.push((run.to_owned(), html));
    }
    /// Adds a part below the card of a recording.
    pub fn recording(&mut self, run: &str, html: Markup) {
        self.recordings.push((run.to_owned(), html));
    }
    /// All sections that stand for themselves: title and body.
    pub(crate) fn titled(self) -> impl Iterator<Item = (&'static str, Markup)> {
        self.first.into_iter().chain(self.sections).map(|section| (section.title, section.body))
    }
}

/// Links to the sections of a page.
pub(crate) fn nav(sections: &[Section]) -> Markup {
    html! {
        nav { @for section in sections { a href={ "#" (section.id) } { (section.title) } } }
    }
}

/// A whole page: `head` (title, tiles), links to the sections, the sections.
pub(crate) fn page(title: &str, head: &Markup, sections: &[Section]) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head)
                    (nav(sections))
                    @for section in sections {
                        section {
                            h2 id=(section.id) { (section.title) }
                            (section.body)
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

/// Text in a table's cell.
pub(crate) fn text(value: impl Display) -> Markup {
    html! { (value.to_string()) }
}

/// A name, cut where it is too long for a row; the whole of it when pointed at.
pub(crate) fn name(value: &str) -> Markup {
    html! { span.name title=[(value.chars().count() > 24).then_some(value)] { (value) } }
}

/// Names in a cell of a table; it breaks between them, not within.
pub(crate) fn names(values: &[&str]) -> Markup {
    html! {
        div.lines {
            @for (i, value) in values.iter().enumerate() {
                @if i > 0 { ", " }
                (name(value))
            }
        }
    }
}

/// A file's name or a value of the study file.
pub(crate) fn code(value: &str) -> Markup {
    html! { code { (value) } }
}

/// A table; in a narrow window it scrolls.
pub(crate) fn table(head: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for cell in head { th { (cell) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

/// Numbers to see first: value and what it is.
pub(crate) fn tiles(tiles: &[(String, &str)]) -> Markup {
    html! {
        div.tiles {
            @for (value, label) in tiles { div.tile { b { (value) } span { (label) } } }
        }
    }
}

/// A card with a heading, for a plot. Cards stand side by side in [`plots`].
pub(crate) fn card(heading: &Markup, body: &Markup) -> Markup {
    html! { div.card { h3 { (heading) } (body) } }
}

/// Cards side by side.
pub(crate) fn plots(cards: &[Markup]) -> Markup {
    html! {
        @if !cards.is_empty() { div.plots { @for card in cards { (card) } } }
    }
}

/// A note below a picture.
pub(crate) fn note(text: &str) -> Markup {
    html! { p.soft { (text) } }
}

/// A bar for a share of the whole.
pub(crate) fn bar(part: f64, whole: f64) -> Markup {
    let percent = if whole > 0.0 { (100.0 * part / whole).clamp(0.0, 100.0) } else { 0.0 };
    html! { div.bar { div style={ "width:" (format!("{percent:.0}")) "%" } {} } }
}

/// A word in a box, with a remark.
pub(crate) fn chip(word: &str, remark: &str) -> Markup {
    html! { span.chip { (word) @if !remark.is_empty() { " " span.soft { (remark) } } } }
}

/// Warnings.
pub(crate) fn warnings(warnings: &[String]) -> Markup {
    html! { @for warning in warnings { div.card.warn { (warning) } } }
}

/// What went wrong, outermost cause first, and what could be done. `at`: whose failure, where that is not the page.
pub(crate) fn failure(failure: &Failure, at: &Markup) -> Markup {
    html! {
        div.card.fail {
            b { (at) (failure.step) @if let Some(run) = &failure.run { " · " (run) } }
            @for message in causes(failure) { p { (message) } }
            @if let Some(hint) = &failure.hint { p.soft { "Hint: " (hint) } }
        }
    }
}

/// Messages of a failure without "`step` failed", which its heading says.
fn causes(failure: &Failure) -> impl Iterator<Item = &String> {
    let said = format!("{} failed", failure.step);
    let all = failure.messages.iter().filter(|message| **message != said).count();
    failure.messages.iter().filter(move |message| all == 0 || **message != said)
}

/// How a unit ended, in a word and a colour.
pub(crate) fn tag(status: Status) -> Markup {
    let (class, word) = match status {
        Status::Done => ("tag good", "done"),
        Status::UpToDate => ("tag good", "up to date"),
        Status::Failed => ("tag bad", "failed"),
        Status::Cancelled => ("tag late", "not finished"),
    };
    html! { span class=(class) { (word) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_wherever_it_comes_from() {
        let name_ = "<i>&\"'";
        let failed = Failure {
            step: name_.into(),
            run: Some(name_.into()),
            messages: vec![name_.into()],
            hint: Some(name_.into()),
        };
        let body = html! {
            (table(&[name_], &[vec![text(name_), name(name_), names(&[name_]), code(name_)]]))
            (tiles(&[(name_.to_owned(), name_)])) (warnings(&[name_.to_owned()])) (chip(name_, name_))
            (failure(&failed, &text(name_))) (note(name_)) (card(&text(name_), &text(name_)))
        };
        let page = page(name_, &body, &[Section::new("one", "One", text(name_))]);
        assert!(!page.contains("<i>"), "{page}");
        assert!(page.contains("&lt;i&gt;&amp;&quot;"));
    }

    #[test]
    fn a_failure_does_not_say_twice_that_its_step_failed() {
        let failed = Failure {
            step: "epochs".into(),
            messages: vec!["epochs failed".into(), "why".into()],
            ..Failure::default()
        };
        assert_eq!(causes(&failed).collect::<Vec<_>>(), ["why"]);
        let failed = Failure { messages: vec!["epochs failed".into()], ..failed };
        assert_eq!(causes(&failed).count(), 1);
    }
}
