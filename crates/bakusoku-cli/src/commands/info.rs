//! `bakusoku info FILE`: what a recording holds.

use crate::args::InfoArgs;
use crate::printer::Printer;
use bakusoku_core::{Channel, ChannelType, Info, Recording};
use bakusoku_pool::Budget;
use serde_json::{Value, json};
use std::path::Path;

/// Shows a recording's header, or, without a file, the budget and where its numbers come from.
pub(crate) fn run(args: &InfoArgs, printer: &Printer) -> anyhow::Result<u8> {
    let Some(file) = &args.file else {
        let budget = Budget::detect()?;
        printer.line(format!("{} cores, {} memory, {} disk", budget.cores, budget.memory, budget.disk));
        for found in budget.found() {
            printer.line(format!("  {found}"));
        }
        let found: Vec<Value> = budget
            .found()
            .iter()
            .map(|found| json!({"what": found.what, "value": found.value, "source": found.source, "decides": found.decides}))
            .collect();
        printer.json_document(
            || json!({"cores": budget.cores, "memory": budget.memory.0, "disk": budget.disk.0, "found": found}),
        );
        return Ok(0);
    };
    let recording = bakusoku_io::open(file)?;
    printer.json_document(|| document(file, &*recording));
    for (name, value) in lines(file, &*recording) {
        printer.line(format!("{name:<16} {value}"));
    }
    Ok(0)
}

fn types(info: &Info) -> Vec<(&'static str, usize)> {
    let mut out: Vec<(&'static str, usize)> = Vec::new();
    for ch in &info.chs {
        let name = type_name(ch);
        match out.iter_mut().find(|(other, _)| *other == name) {
            Some((_, n)) => *n += 1,
            None => out.push((name, 1)),
        }
    }
    out
}

/// The type by the name that `mne.io.Raw.get_channel_types` has for it, which tells kinds of some types apart.
fn type_name(ch: &Channel) -> &'static str {
    match (ch.ch_type(), ch.coil_type) {
        // FIFFV_COIL_FNIRS_*, FIFFV_COIL_EYETRACK_*
        (ChannelType::Fnirs, 300) => "hbo",
        (ChannelType::Fnirs, 301) => "hbr",
        (ChannelType::Fnirs, 302) => "fnirs_cw_amplitude",
        (ChannelType::Fnirs, 303) => "fnirs_od",
        (ChannelType::Fnirs, 304) => "fnirs_fd_ac_amplitude",
        (ChannelType::Fnirs, 305) => "fnirs_fd_phase",
        (ChannelType::Fnirs, 306) => "fnirs_td_gated_amplitude",
        (ChannelType::Fnirs, 307) => "fnirs_td_moments_intensity",
        (ChannelType::Fnirs, 308) => "fnirs_td_moments_mean",
        (ChannelType::Fnirs, 309) => "fnirs_td_moments_variance",
        (ChannelType::Eyetrack, 400) => "eyegaze",
        (ChannelType::Eyetrack, 401) => "pupil",
        (ch_type, _) => ch_type.name(),
    }
}

/// A time as people read it, in UTC.
fn date((seconds, micros): (i64, i32)) -> Option<String> {
    let time = jiff::Timestamp::new(seconds, micros.checked_mul(1000)?).ok()?;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    Some(format!("{}{fraction} UTC", time.strftime("%Y-%m-%d %H:%M:%S")))
}

fn lines(file: &Path, recording: &dyn Recording) -> Vec<(&'static str, String)> {
    let stream = recording.stream();
    let info = &stream.info;
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let types = types(info);
    let n_meg: usize = types.iter().filter(|(name, _)| matches!(*name, "mag" | "grad")).map(|(_, n)| n).sum();
    let mut sizes: Vec<String> = types.iter().map(|(name, n)| format!("{n} {name}")).collect();
    if n_meg > 0 {
        sizes.push(format!("{n_meg} of them MEG"));
    }
    let mut out = vec![
        ("file", file.display().to_string()),
        ("channels", format!("{}: {}", info.n_channels(), sizes.join(", "))),
        ("bads", or_none(info.bads.join(", "))),
        ("sfreq", format!("{} Hz", info.sfreq)),
        ("length", format!("{:.3} s, {} samples", stream.n_times as f64 / info.sfreq, stream.n_times)),
        ("first_samp", stream.first_samp.to_string()),
        ("pass band", format!("{} to {} Hz", info.highpass, info.lowpass)),
        ("line_freq", info.line_freq.map_or("unknown".into(), |freq| format!("{freq} Hz"))),
        ("meas_date", info.meas_date.and_then(date).unwrap_or_else(|| "unknown".into())),
        ("digitised", format!("{} points", info.dig.len())),
        ("dev_head_t", if info.dev_head_t.is_some() { "present".into() } else { "none".into() }),
        (
            "projs",
            or_none(
                info.projs
                    .iter()
                    .map(|proj| format!("{} ({})", proj.desc, if proj.active { "applied" } else { "not applied" }))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ),
        ("comps", info.comps.len().to_string()),
        ("annotations", stream.annotations.items.len().to_string()),
    ];
    if !stream.gaps.is_empty() {
        let missing: u64 = stream.gaps.iter().map(|gap| gap.len()).sum();
        out.push(("gaps", format!("{} not acquired, {:.3} s", stream.gaps.len(), missing as f64 / info.sfreq)));
    }
    out
}

fn document(file: &Path, recording: &dyn Recording) -> Value {
    let stream = recording.stream();
    let info = &stream.info;
    let types: serde_json::Map<String, Value> =
        types(info).into_iter().map(|(name, n)| (name.to_owned(), json!(n))).collect();
    json!({
        "file": file.display().to_string(),
        "sfreq": info.sfreq,
        "n_times": stream.n_times,
        "first_samp": stream.first_samp,
        "n_channels": types,
        "ch_names": info.ch_names().collect::<Vec<_>>(),
        "bads": info.bads,
        "highpass": info.highpass,
        "lowpass": info.lowpass,
        "line_freq": info.line_freq,
        "meas_date": info.meas_date,
        "n_dig": info.dig.len(),
        "dev_head_t": info.dev_head_t.map(|transform| transform.matrix),
        "projs": info.projs.iter().map(|proj| json!({"desc": proj.desc, "active": proj.active})).collect::<Vec<_>>(),
        "n_comps": info.comps.len(),
        "gaps": stream.gaps.iter().map(|gap| (gap.start, gap.stop)).collect::<Vec<_>>(),
        "annotations": stream.annotations.items,
    })
}
