//! A sphere fitted to the digitised shape of the head: where the centre of an expansion or a model is put.
//!
//! Points are those of `dig`, in the head frame (m); low frontal ones (the nose and below) are left out. The fit is
//! linear least squares in centre and `radius² - |centre|²`, of which a direction that the points do not determine is
//! set to zero. The numbers and the checks are those of `mne.bem.fit_sphere_to_headshape`.

use bakusoku_core::{CoordFrame, DigKind, Error, Info, Result, Transform};
use bakusoku_math::linalg;
use ndarray::{Array1, Array2};

/// A sphere, and what somebody should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct SphereFit {
    /// Radius (m).
    pub radius: f64,
    /// Centre in the head frame (m).
    pub origin_head: [f64; 3],
    /// Centre in the device frame (m); the frames are taken as one where the head's position is not known.
    pub origin_device: [f64; 3],
    /// Points used.
    pub n_points: usize,
    /// Why the fit may be a bad one.
    pub warnings: Vec<String>,
}

/// Directions of singular values up to this share of the largest count as not determined.
const RCOND: f64 = 1e-6;
/// Up to this many points a fit may be inaccurate.
const FEW_POINTS: usize = 10;
/// Fewer do not determine a sphere.
const LEAST_POINTS: usize = 4;
/// Radii of heads (m): the 3rd percentile of new-born girls, the 99th of men.
const RADII: (f64, f64) = (0.05, 0.1085);
/// A centre that is further from the head frame's axis is strange (m).
const FAR: f64 = 0.02;

/// Fits a sphere to the points of the given kinds; without kinds to the extra points, and if they are too few, to extra
/// points and electrodes together.
///
/// # Errors
/// When there are no points or too few, or they are not in the head frame.
pub fn fit_sphere_to_headshape(info: &Info, dig_kinds: Option<&[DigKind]>) -> Result<SphereFit> {
    let (points, mut warnings) = match dig_kinds {
        Some(kinds) => fitting_dig(info, kinds)?,
        None => match fitting_dig(info, &[DigKind::Extra]) {
            Ok(found) => found,
            Err(Error::Data { .. }) => fitting_dig(info, &[DigKind::Extra, DigKind::Eeg])?,
            Err(error) => return Err(error),
        },
    };
    let (radius, origin_head) = fit_sphere(&points)?;
    let dev_head_t = info.dev_head_t.unwrap_or(Transform::identity(CoordFrame::DEVICE, CoordFrame::HEAD));
    let origin_device = dev_head_t.inverse().apply(origin_head);
    let cm = 1e2 * radius;
    if radius > RADII.1 {
        warnings.push(format!("Estimated head radius ({cm:.1} cm) is above the 99th percentile for adult head size."));
    } else if radius < RADII.0 {
        warnings.push(format!("Estimated head radius ({cm:.1} cm) is below the 3rd percentile for infant head size."));
    }
    let [x, y, _] = origin_head;
    if x.hypot(y) > FAR {
        let (x, y) = (x * 1e3, y * 1e3);
        warnings.push(format!("(X, Y) fit ({x:.1}, {y:.1}) more than 20 mm from head frame origin"));
    }
    Ok(SphereFit { radius, origin_head, origin_device, n_points: points.len(), warnings })
}

fn kind_name(kind: DigKind) -> String {
    match kind {
        DigKind::Cardinal => "cardinal".into(),
        DigKind::Hpi => "hpi".into(),
        DigKind::Eeg => "eeg".into(),
        DigKind::Extra => "extra".into(),
        DigKind::Other(number) => number.to_string(),
    }
}

/// The points to fit to, and what somebody should know about them.
fn fitting_dig(info: &Info, kinds: &[DigKind]) -> Result<(Vec<[f64; 3]>, Vec<String>)> {
    let names = kinds.iter().map(|&kind| format!("\"{}\"", kind_name(kind))).collect::<Vec<_>>().join(", ");
    let hint = Some("give the origin as three numbers (m), or a recording with digitized head shape".to_owned());
    let chosen: Vec<_> = info.dig.iter().filter(|point| kinds.contains(&point.kind)).collect();
    if chosen.is_empty() {
        let message = if info.dig.is_empty() {
            "no digitization points: cannot fit a sphere to the head shape".to_owned()
        } else {
            format!("no digitization points of the kinds {names}: cannot fit a sphere to the head shape")
        };
        return Err(Error::Data { message, hint });
    }
    if let Some(point) = chosen.iter().find(|point| point.coord_frame != CoordFrame::HEAD) {
        return Err(Error::Frames { expected: CoordFrame::HEAD, got: point.coord_frame });
    }
    if let Some(point) = chosen.iter().find(|point| point.r.iter().any(|x| !x.is_finite())) {
        return Err(Error::data(format!("the digitization point {} is at {:?}", point.ident, point.r)));
    }
    // The nose, and what lies below it.
    let points: Vec<[f64; 3]> = chosen.iter().map(|point| point.r).filter(|r| !(r[2] < -1e-6 && r[1] > 1e-6)).collect();
    let mut warnings = Vec::new();
    if points.len() <= FEW_POINTS {
        let plural = if kinds.len() == 1 { "" } else { "s" };
        let message =
            format!("Only {} head digitization points of the specified kind{plural} ({names},)", points.len());
        if points.len() < LEAST_POINTS {
            return Err(Error::Data { message: format!("{message}, at least {LEAST_POINTS} required"), hint });
        }
        warnings.push(format!("{message}, fitting may be inaccurate"));
    }
    Ok((points, warnings))
}

/// Radius and centre of the sphere that lies nearest to the points.
fn fit_sphere(points: &[[f64; 3]]) -> Result<(f64, [f64; 3])> {
    let a = Array2::from_shape_fn((points.len(), 4), |(i, j)| if j < 3 { 2.0 * points[i][j] } else { 1.0 });
    // MNE-Python squares points as it has them, which is in single precision when they come from a file. That moves the
    // centre by 10 nm, and what a Maxwell filter makes of a recording by 3e-7.
    let single = points.iter().flatten().all(|&x| f64::from(x as f32) == x);
    let square = |point: &[f64; 3]| match single {
        true => {
            let [x, y, z] = point.map(|x| x as f32);
            f64::from(x * x + y * y + z * z)
        }
        false => point.iter().map(|x| x * x).sum(),
    };
    let b: Array1<f64> = points.iter().map(square).collect();
    let inverse = linalg::pinv(a.view(), RCOND).map_err(|error| Error::data(format!("fit of a sphere: {error}")))?;
    let x = inverse.dot(&b);
    let radius = (x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + x[3]).sqrt();
    Ok((radius, [x[0], x[1], x[2]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakusoku_core::DigPoint;

    /// Points of a sphere of that radius around that centre, upper half first.
    fn head(kind: DigKind, n: usize, radius: f64, centre: [f64; 3]) -> Vec<DigPoint> {
        (0..n)
            .map(|k| {
                let (z, angle) = (0.95 - 1.2 * k as f64 / n as f64, 2.4 * k as f64);
                let side = (1.0 - z * z).sqrt();
                let unit = [side * angle.cos(), side * angle.sin(), z];
                let r = std::array::from_fn(|i| centre[i] + radius * unit[i]);
                DigPoint { kind, ident: k as i32 + 1, r, coord_frame: CoordFrame::HEAD }
            })
            .collect()
    }

    #[test]
    fn the_sphere_on_which_points_lie_is_found() {
        let mut info = Info { dig: head(DigKind::Extra, 80, 0.091, [0.002, -0.004, 0.043]), ..Info::default() };
        // Points of the face are far off, and left out.
        info.dig.push(DigPoint { r: [0.0, 0.2, -0.05], ..info.dig[0] });
        info.dev_head_t =
            Some(Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, [0.1, 0.0, 0.0], [0.0, 0.01, 0.05]));
        let fit = fit_sphere_to_headshape(&info, None).unwrap();
        assert!((fit.radius - 0.091).abs() < 1e-14, "{}", fit.radius);
        for (got, expected) in fit.origin_head.iter().zip([0.002, -0.004, 0.043]) {
            assert!((got - expected).abs() < 1e-14);
        }
        assert_eq!(info.dev_head_t.unwrap().inverse().apply(fit.origin_head), fit.origin_device);
        assert!(fit.warnings.is_empty() && fit.n_points < 81);
    }

    #[test]
    fn few_points_make_room_for_electrodes_and_warn() {
        let mut info = Info { dig: head(DigKind::Extra, 3, 0.09, [0.0; 3]), ..Info::default() };
        info.dig.extend(head(DigKind::Eeg, 7, 0.09, [0.0; 3]));
        let fit = fit_sphere_to_headshape(&info, None).unwrap();
        // Of ten points, some lie low and in front.
        assert!((4..10).contains(&fit.n_points));
        let expected =
            format!("Only {} head digitization points of the specified kinds (\"extra\", \"eeg\",)", fit.n_points);
        assert!(fit.warnings[0].starts_with(&expected), "{:?}", fit.warnings);
        let error = fit_sphere_to_headshape(&info, Some(&[DigKind::Extra])).unwrap_err().to_string();
        assert!(error.contains("at least 4 required"), "{error}");
    }

    #[test]
    fn strange_heads_are_said_to_be_strange() {
        for (radius, centre, part) in [
            (0.04, [0.0; 3], "below the 3rd"),
            (0.12, [0.0; 3], "above the 99th"),
            (0.09, [0.03, 0.0, 0.0], "more than 20 mm"),
        ] {
            let info = Info { dig: head(DigKind::Extra, 50, radius, centre), ..Info::default() };
            let warnings = fit_sphere_to_headshape(&info, None).unwrap().warnings;
            assert!(warnings.len() == 1 && warnings[0].contains(part), "{warnings:?}");
        }
    }

    #[test]
    fn what_can_not_be_fitted_is_refused() {
        let message = |info: &Info| fit_sphere_to_headshape(info, None).unwrap_err().to_string();
        assert!(message(&Info::default()).contains("no digitization points"));
        let mut info = Info { dig: head(DigKind::Cardinal, 3, 0.09, [0.0; 3]), ..Info::default() };
        assert!(message(&info).contains("\"extra\", \"eeg\""));
        info.dig = head(DigKind::Extra, 20, 0.09, [0.0; 3]);
        info.dig[3].coord_frame = CoordFrame::MRI;
        assert!(message(&info).contains("expected"));
        info.dig[3] = DigPoint { r: [f64::NAN, 0.0, 0.0], ..info.dig[0] };
        assert!(message(&info).contains("NaN"));
    }
}
