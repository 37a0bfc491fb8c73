//! The `bakusoku` command as a program.

fn main() -> std::process::ExitCode {
    let own = std::env::current_exe().map_or_else(|_| "bakusoku".into(), |path| path.display().to_string());
    bakusoku_cli::run(vec![own], std::env::args_os()).into()
}
