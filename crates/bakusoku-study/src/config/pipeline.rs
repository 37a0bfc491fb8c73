//! Keys of mne-bids-pipeline (1.10, `_config.py`, BSD-3) that are not keys of `study.toml`: each has an answer.
//!
//! When a key becomes supported, its line here goes and a row in the table of keys comes.

use super::parse::{NodeKey, NodeValue, Problems};
use serde_json::{Value, json};

/// What to say to somebody who writes a key of the pipeline.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// What it asks for does not exist yet. These values, as JSON, ask for nothing and are taken.
    NotYet(&'static [&'static str]),
    /// It has another name or place here.
    Elsewhere(&'static str),
    /// It means nothing here: why, or what to use instead.
    Meaningless(&'static str),
}

use Answer::{Elsewhere, Meaningless, NotYet};

const DASK: &str = "one engine does all the work; `n_jobs` and `memory` under [run] limit it";
const LOG: &str = "use `bakusoku run -v` or `-q`";
const CACHE: &str = "outputs that are up to date are kept beside the results; `--force` makes them anew";
const FREESURFER: &str = "bakusoku makes no anatomy; FreeSurfer and MNE-Python do";

/// The pipeline's keys, in its order, then names that older versions had.
pub const PIPELINE: &[(&str, Answer)] = &[
    // General settings
    ("subjects_dir", Meaningless(FREESURFER)),
    ("interactive", Meaningless("pictures are in the report, no window opens")),
    ("allow_missing_sessions", NotYet(&["false"])),
    ("task_is_rest", NotYet(&["false"])),
    ("crop_runs", NotYet(&[NONE])),
    ("space", NotYet(&[NONE])),
    ("process_rest", NotYet(&["false"])),
    ("eog_channels", NotYet(&[NONE])),
    ("eeg_bipolar_channels", NotYet(&[NONE])),
    ("eeg_template_montage", NotYet(&[NONE])),
    ("drop_channels", NotYet(&["[]"])),
    ("analyze_channels", NotYet(&["\"ch_types\""])),
    ("reader_extra_params", Meaningless("the reader is chosen by the file and needs no parameters")),
    ("read_raw_bids_verbose", Meaningless(LOG)),
    ("plot_psd_for_runs", Meaningless("the report has spectra of all runs")),
    // Preprocessing
    ("find_breaks", NotYet(&["false"])),
    ("min_break_duration", NotYet(&["15.0"])),
    ("t_break_annot_start_after_previous_event", NotYet(&["5.0"])),
    ("t_break_annot_stop_before_next_event", NotYet(&["5.0"])),
    ("mf_reference_task", NotYet(&[NONE])),
    ("mf_mc_t_step_min", Meaningless(POSITIONS)),
    ("mf_mc_t_window", Meaningless(POSITIONS)),
    ("mf_mc_gof_limit", Meaningless(POSITIONS)),
    ("mf_mc_dist_limit", Meaningless(POSITIONS)),
    ("mf_mc_rotation_velocity_limit", NotYet(&[NONE])),
    ("mf_mc_translation_velocity_limit", NotYet(&[NONE])),
    ("zapline_fline", NotYet(&[NONE])),
    ("zapline_iter", NotYet(&["false"])),
    ("notch_extra_kws", NotYet(&["{}"])),
    ("bandpass_extra_kws", NotYet(&["{}"])),
    ("rename_events", NotYet(&["{}"])),
    ("on_rename_missing_events", NotYet(&["\"raise\""])),
    ("epochs_custom_metadata", NotYet(&[NONE])),
    ("epochs_metadata_tmin", NotYet(&[NONE])),
    ("epochs_metadata_tmax", NotYet(&[NONE])),
    ("epochs_metadata_keep_first", NotYet(&[NONE])),
    ("epochs_metadata_keep_last", NotYet(&[NONE])),
    ("epochs_metadata_query", NotYet(&[NONE])),
    ("rest_epochs_duration", NotYet(&[NONE])),
    ("rest_epochs_overlap", NotYet(&[NONE])),
    ("fix_stim_artifact", NotYet(&["false"])),
    ("stim_artifact_tmin", NotYet(&["0.0"])),
    ("stim_artifact_tmax", NotYet(&["0.01"])),
    ("regress_artifact", NotYet(&[NONE])),
    ("process_raw_clean", NotYet(&["false"])),
    ("min_ecg_epochs", NotYet(&["5"])),
    ("min_eog_epochs", NotYet(&["5"])),
    ("n_proj_eog", NotYet(&["{}", N_PROJ])),
    ("n_proj_ecg", NotYet(&["{}", N_PROJ])),
    ("ecg_proj_from_average", NotYet(&["true"])),
    ("eog_proj_from_average", NotYet(&["true"])),
    ("ssp_meg", NotYet(&["\"auto\""])),
    ("ssp_reject_ecg", NotYet(&[NONE])),
    ("ssp_reject_eog", NotYet(&[NONE])),
    ("ssp_ecg_channel", NotYet(&[NONE])),
    ("proj_fname", NotYet(&[NONE])),
    ("ica_fname", NotYet(&[NONE])),
    ("ica_h_freq", NotYet(&[NONE])),
    ("ica_icalabel_include", NotYet(&["[\"brain\", \"other\"]"])),
    ("ica_exclusion_thresholds", NotYet(&["{}"])),
    ("ica_class_thresholds", NotYet(&["{}"])),
    ("autoreject_n_interpolate", NotYet(&["[]", "[4, 8, 16]"])),
    // Sensor-level analysis
    ("decode", NotYet(&["false"])),
    ("decoding_which_epochs", NotYet(&["\"cleaned\""])),
    ("decoding_epochs_tmin", NotYet(&["0.0"])),
    ("decoding_epochs_tmax", NotYet(&[NONE])),
    ("decoding_metric", NotYet(&["\"roc_auc\""])),
    ("decoding_n_splits", NotYet(&["5"])),
    ("decoding_time", NotYet(&["false"])),
    ("decoding_time_decim", NotYet(&["1"])),
    ("decoding_time_generalization", NotYet(&["false"])),
    ("decoding_time_generalization_decim", NotYet(&["1"])),
    ("decoding_csp", NotYet(&["false"])),
    ("decoding_csp_times", NotYet(&[NONE])),
    ("decoding_csp_freqs", NotYet(&[NONE])),
    ("n_boot", NotYet(&["5000"])),
    ("cluster_forming_t_threshold", NotYet(&[NONE])),
    ("cluster_n_permutations", NotYet(&["10000"])),
    ("cluster_permutation_p_threshold", NotYet(&["0.05"])),
    ("time_frequency_conditions", NotYet(&["[]"])),
    ("time_frequency_freq_min", NotYet(&["8.0"])),
    ("time_frequency_freq_max", NotYet(&["40.0"])),
    ("time_frequency_cycles", NotYet(&[NONE])),
    ("time_frequency_subtract_evoked", NotYet(&["false"])),
    ("time_frequency_baseline", NotYet(&[NONE])),
    ("time_frequency_baseline_mode", NotYet(&["\"mean\""])),
    ("time_frequency_crop", NotYet(&[NONE])),
    // Source-level analysis
    ("run_source_estimation", NotYet(&["false"])),
    ("use_template_mri", Meaningless(FREESURFER)),
    ("adjust_coreg", Meaningless(FREESURFER)),
    ("bem_mri_images", Meaningless(FREESURFER)),
    ("recreate_bem", Meaningless(FREESURFER)),
    ("recreate_scalp_surface", Meaningless(FREESURFER)),
    ("freesurfer_verbose", Meaningless(FREESURFER)),
    ("mri_t1_path_generator", Meaningless(FREESURFER)),
    ("mri_landmarks_kind", Meaningless(FREESURFER)),
    ("spacing", NotYet(&["\"oct6\""])),
    ("mindist", NotYet(&["5.0"])),
    ("loose", NotYet(&["0.2"])),
    ("depth", NotYet(&["0.8"])),
    ("inverse_method", NotYet(&["\"dSPM\""])),
    ("source_info_path_update", NotYet(&[NONE])),
    ("inverse_targets", NotYet(&["[\"evoked\"]"])),
    // Reports, caching, parallelisation, logging
    ("smoothing_steps", NotYet(&[NONE])),
    ("report_evoked_n_time_points", Meaningless("the report shows maps at the peaks")),
    ("report_stc_n_time_points", NotYet(&[NONE])),
    ("report_add_epochs_image_kwargs", Meaningless("the report has no images of epochs")),
    ("memory_location", Meaningless(CACHE)),
    ("memory_subdir", Meaningless(CACHE)),
    ("memory_verbose", Meaningless(LOG)),
    ("n_jobs", Elsewhere("n_jobs under [run]")),
    ("parallel_backend", Meaningless(DASK)),
    ("dask_open_dashboard", Meaningless(DASK)),
    ("dask_temp_dir", Elsewhere("tmpdir under [run]")),
    ("dask_worker_memory_limit", Elsewhere("memory under [run]")),
    ("log_level", Meaningless(LOG)),
    ("mne_log_level", Meaningless(LOG)),
    ("on_error", Elsewhere("on_error under [run]")),
    ("config_validation", Meaningless("a study file is always checked")),
    ("cluster_backend", Meaningless(DASK)),
    // Names of older versions
    ("study_name", Meaningless("the study has the name of the dataset")),
    ("resample_sfreq", Elsewhere("raw_resample_sfreq")),
    ("decim", Elsewhere("epochs_decim")),
    ("N_JOBS", Elsewhere("n_jobs under [run]")),
    ("use_ica", Elsewhere("spatial_filter")),
    ("use_ssp", Elsewhere("spatial_filter")),
    ("ica_max_iter", Elsewhere("ica_max_iterations")),
    ("ica_ctps_ecg_threshold", Elsewhere("ica_ecg_threshold")),
    ("allow_maxshield", Meaningless("recordings with internal active shielding are recognised by their header")),
    ("debug", Meaningless(LOG)),
];

const NONE: &str = "\"none\"";
const N_PROJ: &str = "{\"n_mag\": 1, \"n_grad\": 1, \"n_eeg\": 1}";
const POSITIONS: &str = "head positions are not estimated yet; mf_head_pos_fname names a file that has them";

/// The answer to a key of that name.
pub fn find(name: &str) -> Option<Answer> {
    PIPELINE.iter().find(|(other, _)| *other == name).map(|(_, answer)| *answer)
}

/// Names with such an answer, for the documents.
pub fn names(which: impl Fn(&Answer) -> bool) -> impl Iterator<Item = &'static str> {
    PIPELINE.iter().filter(move |(_, answer)| which(answer)).map(|(name, _)| *name)
}

/// Says what is to be said of a key of the pipeline that stands in a study file.
pub(super) fn reply(answer: Answer, key: &NodeKey, value: &NodeValue, problems: &mut Problems<'_>) {
    let name = &key.text;
    match answer {
        Elsewhere(place) => problems.add(
            &key.span,
            format!("`{name}` does not stand here"),
            "stands elsewhere",
            Some(format!("write {place}")),
        ),
        Meaningless(why) => problems.add(
            &key.span,
            format!("`{name}` has no meaning here"),
            "has no meaning",
            Some(format!("leave it out: {why}")),
        ),
        NotYet(inert) => {
            let value = value.to_json();
            let is_inert = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|other| same(&other, &value));
            if !inert.iter().any(|text| is_inert(text)) {
                let write = toml(inert[0]);
                problems.add(
                    &key.span,
                    format!("`{name}` is not supported yet"),
                    "not supported yet",
                    Some(format!("leave it out, or write {name} = {write}")),
                );
            }
        }
    }
}

/// A value of the table as TOML; only tables are written in another way there.
fn toml(json: &str) -> String {
    if json.starts_with('{') { json.replace("\": ", " = ").replace(['"'], "") } else { json.to_owned() }
}

/// Equal, where whole numbers may be written with or without a point.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

impl NodeValue {
    /// As JSON; dates as text.
    fn to_json(&self) -> Value {
        match self {
            Self::Bool(x) => json!(x),
            Self::Int(x) => json!(x),
            Self::Float(x) => json!(x),
            Self::Str(text) | Self::Date(text) => json!(text),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(items) => {
                Value::Object(items.iter().map(|(key, item)| (key.text.clone(), item.value.to_json())).collect())
            }
        }
    }
}
