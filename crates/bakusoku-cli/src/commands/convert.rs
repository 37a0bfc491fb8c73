//! `bakusoku convert IN OUT`: any recording to FIFF, BrainVision, EDF or BDF.

use crate::args::ConvertArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_io::{convert, converted_files};
use serde_json::json;

pub(crate) fn run(args: &ConvertArgs, printer: &Printer) -> anyhow::Result<u8> {
    for path in converted_files(&args.output)? {
        if !args.overwrite && fs_err::exists(&path)? {
            let message = format!("`{}` already exists", path.display());
            return Err(Usage { message, hint: "`--overwrite` replaces it".into() }.into());
        }
    }
    let written = convert(&args.input, &args.output, args.fmt.map(Into::into))?;
    printer.json_document(|| json!({"written": written}));
    for path in &written {
        printer.line(format!("wrote {}", path.display()));
    }
    Ok(0)
}
