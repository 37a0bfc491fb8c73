//! `bakusoku group STUDY.toml`: what is made of all subjects together, from those that are done.

use super::options;
use super::run::execute;
use crate::args::StudyArgs;
use crate::printer::Printer;
use bakusoku_pool::Cancel;
use bakusoku_study::{RunOptions, Study};

pub(crate) fn run(args: &StudyArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let study = Study::load(&args.study)?;
    let options = RunOptions { only_groups: true, ..options(args, cancel) };
    execute(&study, &options, printer)
}
