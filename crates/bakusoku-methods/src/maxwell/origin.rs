//! Where the expansions are centred.

use super::params::{MaxwellParams, Origin, OriginFrame};
use crate::headshape::fit_sphere_to_headshape;
use bakusoku_core::{Error, Info, Result};

/// The origin (m) in the frame of the parameters, and in the frame to which head positions lead.
///
/// # Errors
/// When the head frame is wanted and not known, or no sphere can be fitted.
pub(super) fn origin(info: &Info, params: &MaxwellParams) -> Result<([f64; 3], [f64; 3])> {
    if params.coord_frame == OriginFrame::Head && info.dev_head_t.is_none() {
        return Err(Error::Data {
            message: "coord_frame cannot be \"head\" because info[\"dev_head_t\"] is None".into(),
            hint: Some("if this is an empty room recording, consider using coord_frame=\"meg\"".into()),
        });
    }
    let given = match (params.origin, params.coord_frame) {
        (Origin::At(point), _) => point,
        (Origin::Auto, OriginFrame::Meg) => [0.0; 3],
        (Origin::Auto, OriginFrame::Head) => fitted(info)?,
    };
    let head = match (params.coord_frame, &info.dev_head_t) {
        (OriginFrame::Meg, Some(dev_head_t)) => dev_head_t.apply(given),
        _ => given,
    };
    Ok((given, head))
}

/// The centre of a sphere fitted to the head shape.
fn fitted(info: &Info) -> Result<[f64; 3]> {
    let fit = fit_sphere_to_headshape(info, None)?;
    for warning in &fit.warnings {
        tracing::warn!("{warning}");
    }
    Ok(fit.origin_head)
}
