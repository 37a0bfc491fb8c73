//! The shell scripts of jobs.

use std::path::Path;

/// A word that any shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Lines that all jobs begin with: what the study's author wants, and whether the node has the same program.
fn head(launcher: &[String], setup: &str, version: &str) -> String {
    let program = line(launcher);
    format!(
        "{setup}\n\
         found=$({program} --version 2>&1)\n\
         if [ \"$found\" != \"bakusoku {version}\" ]; then\n\
         \x20 echo \"error: node $(hostname) has: $found\"\n\
         \x20 echo \"  expected bakusoku {version} as \"{program}\n\
         \x20 echo \"  hint: install bakusoku in a folder that all nodes see\"\n\
         \x20 exit 3\n\
         fi\n"
    )
}

/// The script of an array: a unit for each index, from the list of units.
pub(crate) fn array(
    launcher: &[String],
    setup: &str,
    version: &str,
    study: &Path,
    units: &Path,
    cpus: usize,
) -> String {
    let study = quoted(&study.display().to_string());
    format!(
        "#!/bin/bash\n\
         unit=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {})\n\
         echo \"$unit: job ${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID on $(hostname)\"\n\
         {}\
         exec {} run {study} --unit \"$unit\" --n-jobs {cpus}\n",
        quoted(&units.display().to_string()),
        head(launcher, setup, version),
        line(launcher),
    )
}

/// The script of the job that comes after them.
pub(crate) fn follow_up(launcher: &[String], setup: &str, version: &str, study: &Path) -> String {
    let study = quoted(&study.display().to_string());
    format!("#!/bin/bash\nunit=\n{}exec {} follow-up {study}\n", head(launcher, setup, version), line(launcher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_spaces_and_quotes_stay_whole() {
        assert_eq!(quoted("/a/b-1_c.toml"), "/a/b-1_c.toml");
        assert_eq!(quoted("/my data/o'hara $x.toml"), r"'/my data/o'\''hara $x.toml'");
        let launcher = ["/opt/my python".to_owned(), "-m".to_owned(), "bakusoku".to_owned()];
        let text = array(&launcher, "module load x", "0.1.0", Path::new("/s/study.toml"), Path::new("/s/u.txt"), 4);
        assert!(
            text.ends_with("exec '/opt/my python' -m bakusoku run /s/study.toml --unit \"$unit\" --n-jobs 4\n"),
            "{text}"
        );
        assert!(text.contains("module load x\n"));
    }
}
