//! The `bakusoku` command as a program.

fn main() -> std::process::ExitCode {
    bakusoku_cli::run(std::env::args_os()).into()
}
