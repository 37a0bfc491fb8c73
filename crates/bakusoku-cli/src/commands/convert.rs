//! `bakusoku convert IN OUT`: any recording to FIFF.

use crate::args::ConvertArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_io::fif::convert;
use serde_json::json;

pub(crate) fn run(args: &ConvertArgs, printer: &Printer) -> anyhow::Result<u8> {
    if !args.overwrite && fs_err::exists(&args.output)? {
        let message = format!("`{}` already exists", args.output.display());
        return Err(Usage { message, hint: "`--overwrite` replaces it".into() }.into());
    }
    super::is_fif_name(&args.output)?;
    let written = convert(&args.input, &args.output, args.fmt.map(Into::into))?;
    printer.json_document(|| json!({"written": written}));
    for path in &written {
        printer.line(format!("wrote {}", path.display()));
    }
    Ok(0)
}
