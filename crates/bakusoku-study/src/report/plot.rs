//! Line plots: curves as SVG that fills its frame, axes as HTML, so that numbers have one size at any width.

use super::units::format_number;
use maud::{Markup, PreEscaped, html};
use std::fmt::Write;

/// The frame in the curves' units. What lies outside of it is not drawn.
const W: f64 = 4000.0;
const H: f64 = 2000.0;

/// A plot that is being drawn.
pub(crate) struct Plot {
    x: (f64, f64),
    y: (f64, f64),
    log: bool,
    body: String,
}

impl Plot {
    /// Axes from `x.0` to `x.1` and `y.0` to `y.1`; `log`: the y axis is logarithmic.
    pub(crate) fn new(x: (f64, f64), y: (f64, f64), log: bool) -> Self {
        let widen = |(a, b): (f64, f64)| match (a.is_finite() && b.is_finite(), b > a) {
            (true, true) => (a, b),
            (true, false) => (a - 0.5, a + 0.5),
            (false, _) => (0.0, 1.0),
        };
        let y = if log { (y.0.max(1e-300).log10(), y.1.max(1e-299).log10()) } else { y };
        Self { x: widen(x), y: widen(y), log, body: String::new() }
    }
    fn share_x(&self, x: f64) -> f64 {
        (x - self.x.0) / (self.x.1 - self.x.0)
    }
    /// From the top.
    fn share_y(&self, y: f64) -> f64 {
        let y = if self.log { y.max(1e-300).log10() } else { y };
        1.0 - (y - self.y.0) / (self.y.1 - self.y.0)
    }
    /// The points as a path, each relative to the one before: a third of the size of coordinates.
    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        let mut last: Option<(i64, i64)> = None;
        for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            // Far outside is as good as further outside.
            let to = |share: f64, size: f64| (share.clamp(-2.0, 3.0) * size).round() as i64;
            let at = (to(self.share_x(x), W), to(self.share_y(y), H));
            match last {
                None => {
                    let _ = write!(d, "M{} {}l", at.0, at.1);
                }
                Some(last) => {
                    let _ = write!(d, "{} {} ", at.0 - last.0, at.1 - last.1);
                }
            }
            last = Some(at);
        }
        d.trim_end_matches(['l', ' ']).to_owned()
    }
    /// A curve; `width` in pixels.
    pub(crate) fn line(&mut self, points: impl Iterator<Item = (f64, f64)>, colour: &str, width: f64, opacity: f64) {
        let d = self.path(points);
        if !d.is_empty() {
            let drawn = html! {
                path d=(d) stroke=(colour) stroke-width=(width) stroke-opacity=(opacity) stroke-linejoin="round" {}
            };
            self.body.push_str(&drawn.into_string());
        }
    }
    /// The area between two curves.
    pub(crate) fn band(&mut self, low: &[(f64, f64)], high: &[(f64, f64)], colour: &str, opacity: f64) {
        let d = self.path(low.iter().copied().chain(high.iter().rev().copied()));
        if !d.is_empty() {
            // As a style: the sheet says that paths are not filled.
            let style = format!("fill:{colour};fill-opacity:{opacity}");
            self.body.push_str(&html! { path.area d={ (d) "z" } style=(style) {} }.into_string());
        }
    }
    /// A vertical line, dashed as `dash` says.
    pub(crate) fn vertical(&mut self, x: f64, colour: &str, dash: &str) {
        if (self.x.0..=self.x.1).contains(&x) {
            let at = (self.share_x(x) * W).round();
            let drawn = html! { line x1=(at) x2=(at) y1="0" y2=(H) stroke=(colour) stroke-dasharray=(dash) {} };
            self.body.push_str(&drawn.into_string());
        }
    }
    /// A horizontal line.
    pub(crate) fn horizontal(&mut self, y: f64, colour: &str) {
        let at = (self.share_y(y) * H).round();
        self.body.push_str(&html! { line x1="0" x2=(W) y1=(at) y2=(at) stroke=(colour) {} }.into_string());
    }
    /// The finished plot. Titles of axes carry units, as `Time (s)`; `label` says what is seen to those who can't.
    pub(crate) fn finish(self, x_title: &str, y_title: &str, label: &str) -> Markup {
        let x_ticks = ticks(self.x.0, self.x.1, 6);
        let y_ticks = if self.log { log_ticks(self.y.0, self.y.1) } else { ticks(self.y.0, self.y.1, 5) };
        let percent = |share: f64| format!("{:.2}%", 100.0 * share);
        html! {
            div.plot role="img" aria-label=(label) {
                div.y-title { (y_title) }
                div.y-ticks {
                    @for &y in &y_ticks { span style={ "top:" (percent(self.share_y(y))) } { (format_number(y)) } }
                }
                svg viewBox={ "0 0 " (W) " " (H) } preserveAspectRatio="none" aria-hidden="true" {
                    @for at in x_ticks.iter().map(|&x| (self.share_x(x) * W).round()) {
                        line x1=(at) x2=(at) y1="0" y2=(H) stroke="#eef0f4" {}
                    }
                    @for at in y_ticks.iter().map(|&y| (self.share_y(y) * H).round()) {
                        line x1="0" x2=(W) y1=(at) y2=(at) stroke="#eef0f4" {}
                    }
                    // Drawn above, by the same macro.
                    (PreEscaped(&self.body))
                }
                (x_axis(&x_ticks, |x| self.share_x(x)))
                div.x-title { (x_title) }
            }
        }
    }
}

/// Numbers below a frame.
pub(crate) fn x_axis(ticks: &[f64], share: impl Fn(f64) -> f64) -> Markup {
    html! {
        div.x-ticks {
            @for &x in ticks { span style={ "left:" (format!("{:.2}%", 100.0 * share(x))) } { (format_number(x)) } }
        }
    }
}

/// About `n` round numbers between `a` and `b`.
pub(crate) fn ticks(a: f64, b: f64, n: usize) -> Vec<f64> {
    let raw = (b - a) / n as f64;
    if !(raw.is_finite() && raw > 0.0) {
        return Vec::new();
    }
    let power = 10f64.powf(raw.log10().floor());
    let step = power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= raw * 0.999).unwrap_or(10.0);
    let first = (a / step - 1e-9).ceil() as i64;
    let last = (b / step + 1e-9).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// Powers of ten between `10^a` and `10^b`, at most seven; 1, 2 and 5 times them where there are few.
fn log_ticks(a: f64, b: f64) -> Vec<f64> {
    let powers: Vec<i32> = (a.ceil() as i32..=b.floor() as i32).collect();
    if powers.len() < 2 {
        let between = |x: &f64| (a..=b).contains(&x.log10());
        return (a.floor() as i32..=b.ceil() as i32)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(power)))
            .filter(between)
            .collect();
    }
    powers.iter().step_by(powers.len().div_ceil(7)).map(|&power| 10f64.powi(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-0.2, 0.6, 4), vec![-0.2, 0.0, 0.2, 0.4, 0.6000000000000001]);
        assert_eq!(ticks(0.0, 60.0, 6), vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert!(ticks(1.0, 1.0, 5).is_empty());
        assert_eq!(log_ticks(-0.3, 2.5), vec![1.0, 10.0, 100.0]);
        assert_eq!(log_ticks(0.1, 0.9), vec![2.0, 5.0]);
        assert!(log_ticks(-30.0, 5.0).len() <= 7);
    }

    #[test]
    fn what_is_not_a_number_is_not_drawn() {
        let mut plot = Plot::new((f64::NAN, 1.0), (0.0, f64::INFINITY), false);
        plot.line([(0.0, f64::NAN), (0.5, 0.5), (1.0, 1e300), (f64::NAN, 0.0)].into_iter(), "#000", 1.0, 1.0);
        plot.line([(0.0, f64::NAN)].into_iter(), "#000", 1.0, 1.0);
        plot.horizontal(0.0, "#000");
        let drawn = plot.finish("x", "y", "z").into_string();
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        assert_eq!(drawn.matches("<path").count(), 1);
    }
}
