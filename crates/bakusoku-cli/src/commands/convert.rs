//! `bakusoku convert IN OUT`: any recording to FIFF.

use crate::args::ConvertArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_io::fif::{RawFormat, convert};
use serde_json::json;

pub(crate) fn run(args: &ConvertArgs, printer: &Printer) -> anyhow::Result<u8> {
    let usage = |message: String, hint: &str| Usage { message, hint: hint.to_owned() };
    let fmt = match args.fmt.as_deref() {
        None => None,
        Some(name) => Some(RawFormat::from_name(name).ok_or_else(|| {
            usage(
                format!("`--fmt` must be short, int, single or double, got `{name}`"),
                "leave it out to keep samples as they are",
            )
        })?),
    };
    if !args.overwrite && fs_err::exists(&args.output)? {
        return Err(usage(format!("`{}` is there already", args.output.display()), "`--overwrite` replaces it").into());
    }
    let written = convert(&args.input, &args.output, fmt)?;
    printer.json_document(&json!({"written": written}));
    for path in &written {
        printer.line(format!("wrote {}", path.display()));
    }
    Ok(0)
}
