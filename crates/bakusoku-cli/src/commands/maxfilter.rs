//! `bakusoku maxfilter IN OUT`: one recording, Maxwell filtered from file to file.

use super::{budget, seconds};
use crate::args::MaxfilterArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use crate::progress::Progress;
use bakusoku_core::{Cx, Par};
use bakusoku_io::fif::read_projections;
use bakusoku_io::maxfilter::read_head_pos;
use bakusoku_methods::maxwell::{Destination, MagScale, MaxwellParams, Origin};
use bakusoku_pool::{Cancel, Event, EventKind};
use bakusoku_study::{Calibration, MaxfilterOptions, Maxfiltered, maxfilter};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// Memory for blocks in hand (bytes): the file may be of any length.
const IN_HAND: u64 = 32_000_000;

pub(crate) fn run(args: &MaxfilterArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    if !args.overwrite && fs_err::exists(&args.output)? {
        return Err(usage(format!("`{}` already exists", args.output.display()), "`--overwrite` replaces it").into());
    }
    super::is_fif_name(&args.output)?;
    let options = options(args)?;
    let budget = budget(&args.budget)?;
    let mut cx = Cx::new(Par::new(budget.cores), budget.spill_dir(args.output.parent())?);
    cx.cancel = cancel.clone();
    cx.memory = bakusoku_pool::Bytes(budget.memory.0.min(IN_HAND));
    let label = args.input.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let progress = Arc::new(Progress::new(printer, 1));
    let tell = |kind| progress.event(&Event { batch: 0, index: 0, label: &label, kind });
    tell(EventKind::Started { alone: false });
    let (shown, name) = (progress.clone(), label.clone());
    cx.progress = Some(Arc::new(move |fraction: f64, what: &str| {
        let kind = EventKind::Progress { fraction, what };
        shown.event(&Event { batch: 0, index: 0, label: &name, kind });
    }));
    let start = Instant::now();
    let done = maxfilter(&args.input, &args.output, &options, &cx);
    progress.finish();
    say(&done?, start.elapsed().as_secs_f64(), printer);
    Ok(0)
}

fn usage(message: String, hint: &str) -> Usage {
    Usage { message, hint: hint.to_owned() }
}

/// Three numbers (m).
fn point(name: &str, text: &str) -> anyhow::Result<[f64; 3]> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|word| word.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([x, y, z]) => Ok([*x, *y, *z]),
        _ => Err(usage(
            format!("`--{name}` must be three numbers (m), got `{text}`"),
            "write them with commas, as 0,0,0.04",
        )
        .into()),
    }
}

fn beside(text: &str) -> Calibration {
    match text {
        "carried" => Calibration::Embedded,
        "none" => Calibration::None,
        path => Calibration::File(path.into()),
    }
}

fn options(args: &MaxfilterArgs) -> anyhow::Result<MaxfilterOptions> {
    let params = MaxwellParams {
        origin: if args.origin == "auto" { Origin::Auto } else { Origin::At(point("origin", &args.origin)?) },
        int_order: args.int_order,
        ext_order: args.ext_order,
        st_duration: args.st_duration,
        st_correlation: args.st_correlation,
        coord_frame: args.coord_frame.into(),
        destination: match args.destination.as_deref() {
            None => Destination::None,
            Some(path) if std::path::Path::new(path).is_file() => {
                let info = bakusoku_io::open(path)?.stream().info.clone();
                let Some(dev_head_t) = info.dev_head_t else {
                    let message = format!("`{path}` has no head position");
                    return Err(usage(message, "use another recording, or write x,y,z (m)").into());
                };
                Destination::Transform(dev_head_t)
            }
            Some(text) => Destination::Translation(point("destination", text)?),
        },
        regularize: args.regularize.into(),
        ignore_ref: args.ignore_ref,
        bad_condition: args.bad_condition.into(),
        head_pos: args.head_pos.as_ref().map(read_head_pos).transpose()?.map(Arc::new),
        st_fixed: !args.st_after,
        st_only: args.st_only,
        mag_scale: match args.mag_scale.as_str() {
            "auto" => MagScale::Auto,
            text => MagScale::Factor(text.parse().map_err(|_| {
                usage(format!("`--mag-scale` must be a number or auto, got `{text}`"), "MNE's default is 100")
            })?),
        },
        skip_by_annotation: args.skip_by_annotation.clone(),
        extended_proj: args.extended_proj.as_ref().map(|path| read_projections(path)).transpose()?.unwrap_or_default(),
        st_overlap: !args.no_st_overlap,
        mc_interp: args.mc_interp.into(),
        coil_definitions: args.coil_definitions.into(),
        ..MaxwellParams::default()
    };
    Ok(MaxfilterOptions {
        params,
        calibration: beside(&args.calibration),
        cross_talk: beside(&args.cross_talk),
        bads: args.bads.clone(),
        find_bads: args.find_bads.then_some((7.0, 5.0, 5)),
        fmt: args.fmt.into(),
    })
}

fn say(done: &Maxfiltered, wall_s: f64, printer: &Printer) {
    let report = &done.report;
    let bases = &report.decompositions;
    printer.json_document(|| {
        json!({
            "written": done.written,
            "wall_s": wall_s,
            "origin": report.origin,
            "origin_head": report.origin_head,
            "n_good": report.n_good,
            "rebuilt": report.bads,
            "found": done.found.as_ref().map(|found| json!({"noisy": found.noisy, "flat": found.flat})),
            "bases": bases.iter().map(|basis| json!({
                "time": basis.time, "n_in": basis.n_in, "n_out": basis.n_out, "condition": basis.condition,
            })).collect::<Vec<_>>(),
            "windows": report.windows.iter().map(|window| json!({
                "start": window.start, "stop": window.stop, "n_components": window.n_components,
            })).collect::<Vec<_>>(),
            "warnings": report.warnings,
        })
    });
    for warning in &report.warnings {
        printer.info(format!("warning: {warning}"));
    }
    if let Some(found) = &done.found {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        printer.line(format!("found flat: {}", list(&found.flat)));
        printer.line(format!("found noisy: {}", list(&found.noisy)));
    }
    if !report.bads.is_empty() {
        printer.line(format!("reconstructed {}", report.bads.join(", ")));
    }
    if let (Some(first), n) = (bases.first(), bases.len()) {
        let positions = if n > 1 { format!(" (first of {n} positions)") } else { String::new() };
        printer.line(format!(
            "{} of {} internal and {} of {} external components, condition number {:.1}{positions}",
            first.n_in, first.n_in_all, first.n_out, first.n_out_all, first.condition
        ));
    }
    if !report.windows.is_empty() {
        let total: usize = report.windows.iter().map(|window| window.n_components).sum();
        printer.line(format!("tSSS components removed: {total} in {} windows", report.windows.len()));
    }
    for path in &done.written {
        printer.line(format!("wrote {} in {}", path.display(), seconds(wall_s)));
    }
}
