//! The filtered recording: `proc-filt_raw.fif`, single precision.

use crate::Result;
use crate::config::Config;
use crate::config::Kind;
use crate::config::keys::{Key, RESULTS, key};
use crate::plan::Planner;
use crate::step::{About, Script, Step};
use bakusoku_core::Sink;
use bakusoku_io::fif::{RawOptions, RawWriter};

const KEYS: &[Key] =
    &[key(RESULTS, "save_filtered_raw", Kind::Bool, "true", "Write the filtered recordings (proc-filt_raw.fif).")];

const ABOUT: &About = &About {
    name: "raw",
    revision: 1,
    keys: &[],
    doc: "Writes the filtered recording (proc-filt_raw.fif, single precision).",
};

/// See the module.
pub(crate) struct Raw;

impl Step for Raw {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.flag("save_filtered_raw")
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        for rec in unit.recordings() {
            let path = unit.run_file(rec, Some("filt"), "raw", ".fif");
            unit.stream_file(unit.tip(rec), path, |path, stream, id| {
                let writer = RawWriter::create(path, stream, RawOptions { id, ..RawOptions::default() })?;
                Ok(Box::new(writer) as Box<dyn Sink>)
            });
        }
        Ok(())
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.line("raw.save(\"proc-filt_raw.fif\", overwrite=True)");
    }
}
