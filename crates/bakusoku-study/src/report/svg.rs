//! Line plots as SVG.

use super::html::escape;
use super::units::short;
use std::fmt::Write;

const W: f64 = 460.0;
const H: f64 = 240.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// A plot that is being drawn.
pub(super) struct Plot {
    x: (f64, f64),
    y: (f64, f64),
    log: bool,
    body: String,
}

impl Plot {
    /// Axes from `x.0` to `x.1` and `y.0` to `y.1`; `log`: the y axis is logarithmic.
    pub(super) fn new(x: (f64, f64), y: (f64, f64), log: bool) -> Self {
        let widen = |(a, b): (f64, f64)| if b > a { (a, b) } else { (a - 0.5, a + 0.5) };
        let y = if log { (y.0.max(1e-300).log10(), y.1.max(1e-299).log10()) } else { y };
        Self { x: widen(x), y: widen(y), log, body: String::new() }
    }
    fn px(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (W - LEFT - RIGHT)
    }
    fn py(&self, y: f64) -> f64 {
        let y = if self.log { y.max(1e-300).log10() } else { y };
        let share = ((y - self.y.0) / (self.y.1 - self.y.0)).clamp(-0.05, 1.05);
        TOP + (1.0 - share) * (H - TOP - BOTTOM)
    }
    /// The points as a path, in steps of a tenth of a pixel from point to point: a third of the size of coordinates.
    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        let mut last: Option<(i64, i64)> = None;
        for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let at = ((self.px(x) * 10.0).round() as i64, (self.py(y) * 10.0).round() as i64);
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
    /// A curve.
    pub(super) fn line(&mut self, points: impl Iterator<Item = (f64, f64)>, colour: &str, width: f64, opacity: f64) {
        let d = self.path(points);
        let _ = write!(
            self.body,
            "<path d=\"{d}\" transform=\"scale(.1)\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{:.0}\" stroke-opacity=\"{opacity}\" stroke-linejoin=\"round\"/>",
            width * 10.0
        );
    }
    /// The area between two curves.
    pub(super) fn band(&mut self, low: &[(f64, f64)], high: &[(f64, f64)], colour: &str, opacity: f64) {
        let d = self.path(low.iter().copied().chain(high.iter().rev().copied()));
        let _ = write!(
            self.body,
            "<path d=\"{d}z\" transform=\"scale(.1)\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
        );
    }
    /// A vertical line.
    pub(super) fn vertical(&mut self, x: f64, colour: &str, dash: &str) {
        if (self.x.0..=self.x.1).contains(&x) {
            let px = self.px(x);
            let _ = write!(
                self.body,
                "<line x1=\"{px:.1}\" x2=\"{px:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"1\" stroke-dasharray=\"{dash}\"/>",
                H - BOTTOM
            );
        }
    }
    /// A horizontal line.
    pub(super) fn horizontal(&mut self, y: f64, colour: &str) {
        let py = self.py(y);
        let _ = write!(
            self.body,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{py:.1}\" y2=\"{py:.1}\" stroke=\"{colour}\" stroke-width=\"1\"/>",
            W - RIGHT
        );
    }
    /// The finished picture, with axes.
    pub(super) fn finish(self, x_label: &str, y_label: &str, title: &str) -> String {
        let mut out =
            format!("<svg viewBox=\"0 0 {W} {H}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>", escape(title));
        for x in ticks(self.x.0, self.x.1, 6) {
            let px = self.px(x);
            let _ = write!(
                out,
                "<line x1=\"{px:.1}\" x2=\"{px:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"#eef0f4\"/><text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                H - BOTTOM,
                H - BOTTOM + 15.0,
                short(x)
            );
        }
        let y_ticks: Vec<f64> = if self.log {
            (self.y.0.ceil() as i32..=self.y.1.floor() as i32).map(|power| 10f64.powi(power)).collect()
        } else {
            ticks(self.y.0, self.y.1, 5)
        };
        for y in y_ticks {
            let py = self.py(y);
            let _ = write!(
                out,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{py:.1}\" y2=\"{py:.1}\" stroke=\"#eef0f4\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                W - RIGHT,
                LEFT - 6.0,
                py + 4.0,
                short(y)
            );
        }
        out.push_str(&self.body);
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><text x=\"11\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 11 {:.1})\">{}</text></svg>",
            W - RIGHT,
            H - 4.0,
            escape(x_label),
            (TOP + H - BOTTOM) / 2.0,
            (TOP + H - BOTTOM) / 2.0,
            escape(y_label)
        );
        out
    }
}

/// About `n` round numbers between `a` and `b`.
pub(super) fn ticks(a: f64, b: f64, n: usize) -> Vec<f64> {
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

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-0.2, 0.6, 4), vec![-0.2, 0.0, 0.2, 0.4, 0.6000000000000001]);
        assert_eq!(ticks(0.0, 60.0, 6), vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert!(ticks(1.0, 1.0, 5).is_empty());
    }
}
