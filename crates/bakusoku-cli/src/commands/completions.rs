//! `bakusoku completions SHELL`: what a shell, or `man`, wants to know of the command.

use crate::args::{Args, Completions, CompletionsArgs};
use crate::printer::Printer;
use clap::CommandFactory;
use clap_complete::Shell;

pub(crate) fn run(args: &CompletionsArgs, printer: &Printer) -> anyhow::Result<u8> {
    let mut command = Args::command();
    let mut text = Vec::new();
    let shell = match args.shell {
        Completions::Bash => Some(Shell::Bash),
        Completions::Elvish => Some(Shell::Elvish),
        Completions::Fish => Some(Shell::Fish),
        Completions::Zsh => Some(Shell::Zsh),
        Completions::Man => None,
    };
    match shell {
        Some(shell) => clap_complete::generate(shell, &mut command, "bakusoku", &mut text),
        None => manual(command, &mut text)?,
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    printer.json_document(|| serde_json::json!({"text": text}));
    printer.line(text.trim_end());
    Ok(0)
}

/// One page: the command, then each of its commands.
fn manual(mut command: clap::Command, text: &mut Vec<u8>) -> anyhow::Result<()> {
    command.build();
    clap_mangen::Man::new(command.clone()).render(text)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let page = clap_mangen::Man::new(sub.clone());
        text.extend_from_slice(format!(".SH \"BAKUSOKU {}\"\n", sub.get_name().to_uppercase()).as_bytes());
        page.render_description_section(text)?;
        page.render_synopsis_section(text)?;
        page.render_options_section(text)?;
    }
    Ok(())
}
