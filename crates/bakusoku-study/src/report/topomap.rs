//! Topographic maps: values at sensors, spread over the head by a thin-plate spline.
//!
//! Positions are laid flat by the azimuthal equidistant projection from above, as MNE's layouts are; the circle is the
//! head's equator. Planar gradiometers of one place are shown by their length (root of the sum of squares).

use super::evoked::ChannelData;
use super::image;
use bakusoku_math::linalg;
use maud::{Markup, html};
use ndarray::{Array1, Array2};

const SIZE: usize = 72;
/// Half the picture's width, in head radii.
const REACH: f64 = 1.28;

/// A layout of sensors, ready for values.
pub(crate) struct Topomap {
    /// For each place the channels that are there (rows of the data).
    places: Vec<Vec<usize>>,
    flat: Vec<(f64, f64)>,
    /// The spline's equations, `(n_places + 3, n_places + 3)`.
    system: Array2<f64>,
    /// The spline's functions at the pixels, `(n_pixels, n_places + 3)`.
    basis: Array2<f64>,
    inside: Vec<bool>,
    lengths: bool,
}

impl Topomap {
    /// The layout of the good channels of a type, or `None` when too few of them have a position.
    pub(crate) fn new(channels: &[ChannelData], ch_type: &str) -> Option<Self> {
        // EEG positions count from between the ears, above which the head's centre lies.
        let centre = if ch_type == "eeg" { 0.04 } else { 0.0 };
        let mut places: Vec<(Vec<usize>, [f64; 3])> = Vec::new();
        for (row, ch) in channels.iter().enumerate() {
            if ch.ch_type != ch_type || ch.bad || !has_position(ch) {
                continue;
            }
            let near = |pos: &[f64; 3]| (0..3).all(|i| (pos[i] - ch.pos[i]).abs() < 1e-4);
            match places.iter_mut().find(|(_, pos)| ch_type == "grad" && near(pos)) {
                Some((rows, _)) => rows.push(row),
                None => places.push((vec![row], ch.pos)),
            }
        }
        if places.len() < 6 {
            return None;
        }
        let flat: Vec<(f64, f64)> = places
            .iter()
            .map(|(_, [x, y, z])| {
                let polar = (x.hypot(*y)).atan2(z - centre);
                let angle = y.atan2(*x);
                let radius = polar / std::f64::consts::FRAC_PI_2;
                (radius * angle.cos(), radius * angle.sin())
            })
            .collect();
        let n = flat.len();
        // Thin-plate spline (Duchon 1977): [K P; Pᵀ 0] [w; a] = [v; 0].
        let mut system = Array2::zeros((n + 3, n + 3));
        for i in 0..n {
            for j in 0..n {
                system[[i, j]] = kernel(flat[i], flat[j]);
            }
            // A little smoothing keeps neighbours with noise from making hills.
            system[[i, i]] += 1e-3;
            for (k, value) in [1.0, flat[i].0, flat[i].1].into_iter().enumerate() {
                system[[i, n + k]] = value;
                system[[n + k, i]] = value;
            }
        }
        let mut basis = Array2::zeros((SIZE * SIZE, n + 3));
        let mut inside = vec![false; SIZE * SIZE];
        let farthest = flat.iter().map(|(x, y)| x.hypot(*y)).fold(1.0, f64::max).min(REACH * 0.98);
        for pixel in 0..SIZE * SIZE {
            let at = position(pixel);
            inside[pixel] = at.0.hypot(at.1) <= farthest;
            for j in 0..n {
                basis[[pixel, j]] = kernel(at, flat[j]);
            }
            for (k, value) in [1.0, at.0, at.1].into_iter().enumerate() {
                basis[[pixel, n + k]] = value;
            }
        }
        let places = places.into_iter().map(|(rows, _)| rows).collect();
        Some(Self { places, flat, system, basis, inside, lengths: ch_type == "grad" })
    }

    /// Whether values are lengths, which have no sign.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.lengths
    }

    /// Values by place, from a column of the data.
    pub(crate) fn values(&self, column: impl Fn(usize) -> f64) -> Array1<f64> {
        self.places
            .iter()
            .map(|rows| {
                if self.lengths {
                    rows.iter().map(|&row| column(row).powi(2)).sum::<f64>().sqrt()
                } else {
                    column(rows[0])
                }
            })
            .collect()
    }

    /// The spline through maps' values at the pixels, `(n_pixels, n_maps)`; `None` when a value is not finite, or when
    /// the sensors lie on a line.
    fn fields(&self, maps: &[Array1<f64>]) -> Option<Array2<f64>> {
        let n = self.places.len();
        let mut right = Array2::zeros((n + 3, maps.len()));
        for (mut column, values) in right.columns_mut().into_iter().zip(maps) {
            column.slice_mut(ndarray::s![..n]).assign(values);
        }
        let weights = linalg::solve(self.system.view(), right.view()).ok()?;
        Some(linalg::matmul(&bakusoku_core::Par::serial(), self.basis.view(), weights.view()))
    }

    /// Pictures of maps, coloured from `-limit` to `limit` (lengths: from 0), with the head's outline and the sensors.
    pub(crate) fn pictures(&self, maps: &[Array1<f64>], limit: f64) -> Vec<Markup> {
        let Some(fields) = self.fields(maps) else { return Vec::new() };
        let limit = if limit > 0.0 { limit } else { 1.0 };
        let palette: Vec<[u8; 3]> =
            std::iter::once([255; 3]).chain((0..63).map(|i| colour(f64::from(i) / 62.0, self.lengths))).collect();
        let picture = |field: ndarray::ArrayView1<'_, f64>| {
            let pixels: Vec<u8> = (0..SIZE * SIZE)
                .map(|pixel| {
                    let value = field[pixel] / limit;
                    let share = if self.lengths { value.clamp(0.0, 1.0) } else { (value.clamp(-1.0, 1.0) + 1.0) / 2.0 };
                    if self.inside[pixel] { 1 + (share * 62.0).round() as u8 } else { 0 }
                })
                .collect();
            self.svg(image::data_uri(SIZE, SIZE, &pixels, &palette))
        };
        fields.columns().into_iter().map(picture).collect()
    }

    fn svg(&self, image: Option<String>) -> Markup {
        html! {
            svg viewBox="-1.3 -1.3 2.6 2.6" aria-hidden="true" {
                @if let Some(image) = image {
                    image x=(-REACH) y=(-REACH) width=(2.0 * REACH) height=(2.0 * REACH) preserveAspectRatio="none" href=(image) {}
                }
                g fill="none" stroke="#344054" stroke-width=".022" {
                    circle r="1" {}
                    // Nose and ears.
                    path d="M-.11-.99 0-1.16.11-.99M-1-.14q-.1.02-.1.14t.1.14M1-.14q.1.02.1.14t-.1.14" {}
                }
                g fill="#1d2430" {
                    @for (x, y) in &self.flat { circle cx=(format!("{x:.2}")) cy=(format!("{:.2}", -y)) r=".014" {} }
                }
            }
        }
    }
}

/// Whether it is known where a channel is.
pub(crate) fn has_position(ch: &ChannelData) -> bool {
    ch.pos.iter().all(|x| x.is_finite()) && ch.pos.iter().any(|&x| x != 0.0)
}

/// r² log r
fn kernel(a: (f64, f64), b: (f64, f64)) -> f64 {
    let r2 = (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2);
    if r2 > 0.0 { 0.5 * r2 * r2.ln() } else { 0.0 }
}

/// Where a pixel's centre lies, in head radii; y points to the nose.
fn position(pixel: usize) -> (f64, f64) {
    let at = |i: usize| (i as f64 + 0.5) / SIZE as f64 * 2.0 * REACH - REACH;
    (at(pixel % SIZE), -at(pixel / SIZE))
}

/// Blue over white to red; for lengths white to red.
fn colour(share: f64, lengths: bool) -> [u8; 3] {
    let stops: &[(f64, [f64; 3])] = if lengths {
        &[(0.0, [255.0, 247.0, 240.0]), (0.5, [252.0, 146.0, 114.0]), (1.0, [150.0, 10.0, 30.0])]
    } else {
        &[
            (0.0, [24.0, 74.0, 150.0]),
            (0.25, [110.0, 165.0, 212.0]),
            (0.5, [248.0, 248.0, 248.0]),
            (0.75, [232.0, 140.0, 110.0]),
            (1.0, [160.0, 20.0, 40.0]),
        ]
    };
    let upper = stops.iter().position(|stop| stop.0 >= share).unwrap_or(stops.len() - 1).max(1);
    let ((a, from), (b, to)) = (stops[upper - 1], stops[upper]);
    let t = (share - a) / (b - a);
    std::array::from_fn(|i| (from[i] + (to[i] - from[i]) * t).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_shows_a_sensor_its_own_value() {
        let channels: Vec<ChannelData> = (0..30)
            .map(|i| {
                let (polar, angle) = (0.2 + 0.04 * f64::from(i), f64::from(i) * 2.4);
                let pos = [polar.sin() * angle.cos() * 0.1, polar.sin() * angle.sin() * 0.1, polar.cos() * 0.1];
                ChannelData { name: format!("MEG {i}"), ch_type: "mag".into(), pos, bad: false }
            })
            .collect();
        let map = Topomap::new(&channels, "mag").unwrap();
        let values = map.values(|row| channels[row].pos[0] * 10.0);
        let field = map.fields(std::slice::from_ref(&values)).unwrap();
        let field = field.column(0);
        for (place, (x, y)) in map.flat.iter().enumerate() {
            let pixel = (0..SIZE * SIZE)
                .min_by(|&a, &b| {
                    let far = |p: usize| (position(p).0 - x).hypot(position(p).1 - y);
                    far(a).total_cmp(&far(b))
                })
                .unwrap();
            assert!((field[pixel] - values[place]).abs() < 0.05, "{} {}", field[pixel], values[place]);
        }
        assert!(Topomap::new(&channels[..4], "mag").is_none());
        assert!(map.fields(&[values.mapv(|_| f64::NAN)]).is_none());
        assert_eq!(map.pictures(&[values.clone(), values], 1.0).len(), 2);
    }
}
