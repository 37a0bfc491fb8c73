//! `bakusoku init`: a commented study file for what is there.

use super::count;
use crate::args::InitArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use serde_json::json;

pub(crate) fn run(args: &InitArgs, printer: &Printer) -> anyhow::Result<u8> {
    let usage = |message: String, hint: &str| Usage { message, hint: hint.to_owned() };
    let folder = args.folder.display();
    if !args.folder.is_dir() {
        return Err(
            usage(format!("`{folder}` is not a directory"), "pass the folder that contains the recordings").into()
        );
    }
    let output = args.output.clone().unwrap_or_else(|| args.folder.join("study.toml"));
    if output.exists() && !args.force {
        return Err(usage(format!("`{}` already exists", output.display()), "`--force` replaces it").into());
    }
    let draft = bakusoku_study::init(&args.folder, &output)?;
    bakusoku_files::write_text(&output, &draft.text)?;
    printer.json_document(|| {
        json!({
            "output": output, "n_recordings": draft.n_recordings, "subjects": draft.subjects, "tasks": draft.tasks,
            "ch_types": draft.ch_types, "conditions": draft.conditions, "rare": draft.rare,
        })
    });
    let tasks: Vec<&str> = draft.tasks.iter().map(String::as_str).collect();
    printer.line(format!(
        "found {} of {}{}",
        count(draft.n_recordings, "recording"),
        count(draft.subjects.len(), "subject"),
        if tasks.is_empty() { String::new() } else { format!(", task {}", tasks.join(", ")) }
    ));
    if tasks.len() > 1 {
        printer.line("there are several tasks: set `task` in the file");
    }
    if !draft.rare.is_empty() {
        printer.line(format!("perhaps not every subject has the events {}", draft.rare.join(", ")));
    }
    if draft.conditions.is_empty() && draft.rare.is_empty() {
        printer.line("no condition names were found: without `conditions`, no epochs are made");
    }
    printer.line(format!("wrote {}; next: bakusoku plan {0}", output.display()));
    Ok(0)
}
