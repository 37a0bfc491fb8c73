//! The header of a recording.

use crate::head::Head;
use crate::rows::{Fault, Row};
use crate::sensors::Sensors;
use crate::{MarkBads, SimulationParams};
use bakusoku_core::{Info, SubjectInfo};

/// 2026-01-05 09:00:00 UTC; each person comes on another day, each run starts twenty minutes after the one before.
const FIRST_DAY: i64 = 1_767_603_600;

pub(crate) fn info(params: &SimulationParams, head: &Head, sensors: &Sensors, rows: &[Row]) -> Info {
    let listed = |row: &Row| match params.mark_bads {
        MarkBads::All => row.fault.is_some(),
        MarkBads::Some => matches!(row.fault, Some(Fault::Flat | Fault::Noisy)),
        MarkBads::None => false,
    };
    let bads = rows.iter().zip(&sensors.chs).filter(|(row, _)| listed(row)).map(|(_, ch)| ch.name.clone()).collect();
    let start = FIRST_DAY + 86_400 * (i64::from(params.subject) - 1) + 1200 * (i64::from(params.run) - 1);
    let number = params.subject;
    let person = SubjectInfo {
        id: Some(number as i32),
        his_id: Some(format!("sub-{number:02}")),
        first_name: Some("Simulated".to_owned()),
        last_name: Some(format!("Subject{number:02}")),
        sex: Some(if number.is_multiple_of(2) { 2 } else { 1 }),
        hand: Some(1),
        ..SubjectInfo::default()
    };
    Info {
        sfreq: params.sfreq,
        chs: sensors.chs.clone(),
        bads,
        highpass: 0.0,
        lowpass: params.sfreq / 2.0,
        line_freq: Some(params.line_freq),
        meas_date: Some((start, 0)),
        dig: if params.empty_room { Vec::new() } else { head.dig.clone() },
        dev_head_t: (!params.empty_room).then_some(head.dev_head_t),
        subject_info: (!params.empty_room).then_some(person),
        experimenter: Some("bakusoku-sim".to_owned()),
        description: Some(format!("Simulated: seed {}, subject {number}, run {}", params.seed, params.run)),
        proj_name: Some("bakusoku".to_owned()),
        ..Info::default()
    }
}
