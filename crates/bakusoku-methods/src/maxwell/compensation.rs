//! Software gradient compensation (CTF): a basis for compensated data is compensated as they are.

use super::sensors::Sensors;
use bakusoku_core::{Channel, Error, Info, Result};
use ndarray::Array2;

/// The grade of compensation: the upper 16 bits of a MEG channel's coil type.
///
/// # Errors
/// When channels differ.
pub(super) fn grade(info: &Info) -> Result<i32> {
    let mut grades = info.chs.iter().filter(|ch| ch.kind == Channel::MEG).map(|ch| ch.coil_type >> 16);
    let first = grades.next().unwrap_or(0);
    if grades.any(|grade| grade != first) {
        return Err(Error::data("All channels are not set in the same compensation grade"));
    }
    Ok(first)
}

/// What the current compensation did to the sensors, `(n_sensors, n_sensors)`; `None` when there is none.
///
/// # Errors
/// When the matrix is missing, or names a channel that is not there.
pub(super) fn operator(info: &Info, sensors: &Sensors, ignore_ref: bool) -> Result<Option<Array2<f64>>> {
    let grade = grade(info)?;
    if grade == 0 {
        return Ok(None);
    }
    if ignore_ref {
        return Err(Error::data(format!(
            "Maxwell filter cannot be done on compensated channels (data have been compensated with grade {grade}) when \
             ignore_ref=True"
        )));
    }
    let comp = info
        .comps
        .iter()
        .find(|comp| comp.grade() == grade)
        .ok_or_else(|| Error::data(format!("Desired compensation matrix (grade = {grade}) not found")))?;
    let place = |name: &String| sensors.chs.iter().position(|ch| &ch.name == name);
    let cal = |i: usize| sensors.chs[i].range * sensors.chs[i].cal;
    let mut out = Array2::eye(sensors.len());
    for (row, name) in comp.row_names.iter().enumerate() {
        let Some(i) = place(name) else { continue };
        for (column, name) in comp.col_names.iter().enumerate() {
            let j = place(name).ok_or_else(|| Error::data(format!("Channel {name} is not available in data")))?;
            // As stored in a file unless it says otherwise: in units of the file's integers.
            let factor = if comp.save_calibrated { 1.0 } else { cal(i) / cal(j) };
            out[[i, j]] -= comp.data[[row, column]] * factor;
        }
    }
    Ok(Some(out))
}
