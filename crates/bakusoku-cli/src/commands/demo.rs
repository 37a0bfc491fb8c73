//! `bakusoku demo`: a small study, simulated and analysed, end to end.

use super::run::execute;
use super::simulate;
use crate::args::{DemoArgs, SimulateArgs};
use crate::printer::Printer;
use bakusoku_files::write_text;
use bakusoku_pool::Cancel;
use bakusoku_study::{RunOptions, Study};

const STUDY: &str = r#"# The demo's study. `bakusoku run study.toml` does what `bakusoku demo` did after simulating.
bids_root = "."
task = "audiovisual"
ch_types = ["meg", "eeg"]

notch_freq = [50, 100, 150]      # Hz
l_freq = 0.1
h_freq = 40.0
raw_resample_sfreq = 250.0
eeg_reference = "average"

conditions = { auditory = 1, visual = 2 }
events = "stim"
epochs_tmin = -0.2               # s
epochs_tmax = 0.6
baseline = [-0.2, 0.0]
reject = { mag = 10e-12, grad = 600e-12, eeg = 300e-6 }     # T, T/m, V
contrasts = [["auditory", "visual"]]

noise_cov = ["none", 0]
noise_cov_method = "empirical"
psd = { fmax = 60, n_fft = 1024, n_overlap = 512 }
interpolate_bads_grand_average = false

[run]
n_jobs = "all"
memory = "auto"
on_error = "continue"
"#;

pub(crate) fn run(args: &DemoArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let simulation = SimulateArgs {
        folder: args.folder.clone(),
        subjects: args.subjects,
        duration: args.duration,
        budget: args.budget.clone(),
        ..SimulateArgs::default()
    };
    simulate::missing(&simulation, printer, cancel)?;
    // A demo in the folder of somebody's project is nothing to be committed.
    write_text(&args.folder.join(".gitignore"), "*\n")?;
    let file = args.folder.join("study.toml");
    if !fs_err::exists(&file)? {
        write_text(&file, STUDY)?;
    }
    let study = Study::load(&file)?;
    let options = RunOptions {
        n_jobs: args.budget.cores(),
        memory: args.budget.memory,
        cancel: cancel.clone(),
        ..RunOptions::default()
    };
    let code = execute(&study, &options, printer)?;
    printer.line(format!("the study: {}; open the report in a browser", file.display()));
    Ok(code)
}
