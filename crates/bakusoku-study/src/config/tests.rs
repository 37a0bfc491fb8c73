use super::*;

/// Every problem as `line:column message | hint`.
fn problems(text: &str) -> Vec<String> {
    match Config::parse(Path::new("study.toml"), text) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let show =
                |p: &Problem| format!("{}:{} {} | {}", p.line, p.column, p.message, p.hint.as_deref().unwrap_or("-"));
            error.problems().iter().map(show).collect()
        }
    }
}

const BASE: &str = "ch_types = [\"meg\"]\n";

fn of(text: &str) -> Vec<String> {
    problems(&format!("{BASE}{text}"))
}

#[test]
fn every_default_of_the_table_is_a_value_of_its_kind() {
    for key in keys::all() {
        let value = default(key);
        assert_eq!(toml_value(key, &value.to_string()), value, "{}", key.name);
        assert!(!key.doc.is_empty());
        assert_eq!(keys::all().iter().filter(|other| other.name == key.name).count(), 1, "{} stands twice", key.name);
    }
}

#[test]
fn absent_keys_have_mne_bids_pipelines_defaults() {
    let config = Config::parse(Path::new("x/study.toml"), BASE).unwrap();
    assert_eq!(config.number("h_freq"), Some(40.0));
    assert_eq!(config.number("l_freq"), None);
    assert_eq!(config.pair("baseline"), Some((None, Some(0.0))));
    assert_eq!(config.number("epochs_tmax"), Some(0.5));
    assert_eq!(config.text("eeg_reference"), Some("average"));
    assert_eq!(config.names("subjects"), None);
    assert_eq!(config.folder(), Path::new("x"));
    assert_eq!(config.beside("."), Path::new("x"));
    assert_eq!(config.beside("./a/../b"), Path::new("x/a/../b"));
    assert_eq!(config.beside("/y"), Path::new("/y"));
}

#[test]
fn the_example_of_the_guide_is_read() {
    let text = r#"
bids_root  = "."
task = "av"
ch_types = ["meg", "eeg"]
notch_freq = [50, 100, 150]
l_freq = 0.1
h_freq = 40.0
raw_resample_sfreq = 250.0
conditions = { auditory = 1, visual = 2 }
epochs_tmax = 0.6
baseline = [-0.2, 0.0]
reject = { mag = 4e-12, grad = 4e-10, eeg = 150e-6 }
contrasts = [["auditory", "visual"], { name = "sum", conditions = ["auditory", "visual"], weights = [1, 1] }]
noise_cov = ["none", 0]
noise_cov_method = "empirical"
psd = { fmax = 60, n_fft = 1024, n_overlap = 512 }

[subject.03]
bads = ["MEG 0143"]
exclude_runs = ["02"]

[run]
n_jobs = "all"
memory = "8GB"
on_error = "continue"
"#;
    let config = Config::parse(Path::new("study.toml"), text).unwrap();
    assert_eq!(config.numbers("notch_freq"), [50.0, 100.0, 150.0]);
    assert_eq!(config.conditions(), [("auditory".into(), Value::Int(1)), ("visual".into(), Value::Int(2))]);
    assert_eq!(
        config.contrasts()[0],
        ("auditory - visual".into(), vec!["auditory".into(), "visual".into()], vec![1.0, -1.0])
    );
    assert_eq!(config.contrasts()[1].2, [1.0, 1.0]);
    assert_eq!(config.limits("reject")[1], ("grad".into(), 4e-10));
    assert_eq!((config.bads("03"), config.bads("04")), (vec!["MEG 0143".to_owned()], vec![]));
    assert_eq!(config.excluded_runs("03"), ["02"]);
    assert_eq!(config.own(&["h_freq"]).to_string(), r#"{"h_freq":40.0}"#);
}

#[test]
fn a_number_may_be_written_in_two_ways_without_a_new_key() {
    let own =
        |text: &str| Config::parse(Path::new("s"), &format!("{BASE}{text}")).unwrap().own(&["h_freq"]).to_string();
    assert_eq!(own("h_freq = 30"), own("h_freq = 30.0"));
}

#[test]
fn unknown_keys_ask_what_was_meant() {
    assert_eq!(of("l_frequ = 1"), ["2:1 unknown key `l_frequ` | did you mean `l_freq`?"]);
    assert_eq!(of("conditons = { a = 1 }"), ["2:1 unknown key `conditons` | did you mean `conditions`?"]);
    assert_eq!(of("xyzzy = 1"), ["2:1 unknown key `xyzzy` | `bakusoku init` writes a file with all keys"]);
    assert_eq!(
        of("reject = { meg = 1e-12 }"),
        ["2:12 `reject` has no entry `meg` | expected one of mag, grad, eeg, eog, ecg"]
    );
    assert_eq!(of("[run]\nn_job = 2"), ["3:1 `run` has no entry `n_job` | did you mean `n_jobs`?"]);
    assert_eq!(
        of("[run]\nn_jobs = 2\nl_freq = 1"),
        [
            "4:1 `run` has no entry `l_freq` | `l_freq` belongs above the first `[…]`: what follows `[run]` is part of it"
        ]
    );
    assert_eq!(of("[subject.03]\nbad = []"), ["3:1 `subject.03` has no entry `bad` | did you mean `bads`?"]);
}

#[test]
fn wrong_types_and_values_say_what_was_expected() {
    assert_eq!(of("h_freq = \"40\""), ["2:10 `h_freq` must be \"none\", or a number above 0, got \"40\" | -"]);
    assert_eq!(of("h_freq = -1"), ["2:10 `h_freq` must be a number above 0, got -1 | -"]);
    assert_eq!(of("epochs_decim = 0"), ["2:16 `epochs_decim` must be a whole number, at least 1, got 0 | -"]);
    assert_eq!(
        of("event_repeated = \"erorr\""),
        ["2:18 `event_repeated` must be \"error\" or \"drop\" or \"merge\", got \"erorr\" | did you mean \"error\"?"]
    );
    assert_eq!(of("notch_freq = [50, 1e999]").len(), 1);
    assert_eq!(problems("ch_types = [\"mega\"]")[0].split(" | ").nth(1), Some("did you mean \"meg\"?"));
    assert!(problems("h_freq = 30")[0].starts_with("1:1 `ch_types` is missing"));
}

#[test]
fn several_problems_are_said_at_once_in_the_order_of_the_text() {
    let all = of("h_freq = false\nl_frequ = 1\n");
    assert_eq!(all.len(), 2);
    assert!(all[0].starts_with("2:10") && all[1].starts_with("3:1"));
    let error = Config::parse(Path::new("study.toml"), &format!("{BASE}h_freq = false\nl_frequ = 1\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`study.toml` line 2, column 10: `h_freq` must be \"none\", or a number above 0, got false (and 1 more)"
    );
}

#[test]
fn what_does_not_fit_together_is_said() {
    assert!(of("l_freq = 50\nh_freq = 40")[0].starts_with("2:10 `l_freq` must be below `h_freq`, got 50 and 40 Hz"));
    assert!(of("baseline = [-0.5, 0]")[0].contains("must lie inside the epochs (-0.2 to 0.5 s), got -0.5 to 0 s"));
    let text =
        "noise_cov = \"none\"\nconditions = { auditory = 1, visual = 2 }\ncontrasts = [[\"auditory\", \"visul\"]]";
    assert!(of(text)[0].ends_with("names \"visul\", which is not among the conditions | did you mean \"visual\"?"));
    assert!(of("noise_cov = \"none\"\nconditions = { a = 1, b = \"go\" }")[0].contains("mixes codes and names"));
    assert!(of("files = \"x/{run}.fif\"")[0].contains("must contain {subject}"));
    assert!(of("[run]\nmemory = \"lots\"")[0].contains("`run.memory` must be an amount of memory, got \"lots\""));
}

#[test]
fn what_is_not_supported_yet_says_so() {
    assert_eq!(
        of("process_rest = true"),
        ["2:1 `process_rest` is not supported yet | leave it out, or write process_rest = false"]
    );
    assert!(of("process_rest = false").is_empty());
    assert_eq!(
        of("spatial_filter = \"ssp\""),
        [
            "2:18 spatial_filter = \"ssp\" is not supported yet | write \"ica\", or \"none\"; projectors that stand in the recordings are applied"
        ]
    );
    assert_eq!(of("n_jobs = 2"), ["2:1 `n_jobs` does not stand here | write n_jobs under [run]"]);
    assert_eq!(
        of("n_proj_eog = { n_mag = 2 }"),
        ["2:1 `n_proj_eog` is not supported yet | leave it out, or write n_proj_eog = {}"]
    );
    assert!(of("n_proj_eog = { n_eeg = 1, n_mag = 1.0, n_grad = 1 }\ntime_frequency_freq_min = 8").is_empty());
    // Defaults are there.
    assert!(of("conditions = { a = 1 }").is_empty());
    assert_eq!(
        of("noise_cov_method = \"pca\""),
        ["2:20 noise_cov_method = \"pca\" is not supported yet | write \"shrunk\", \"ledoit_wolf\" or \"empirical\""]
    );
}

/// Every key of mne-bids-pipeline is supported, or has an answer that is not a guess at another key.
#[test]
fn all_keys_of_mne_bids_pipeline_are_known() {
    for (name, _) in pipeline::PIPELINE {
        assert!(keys::find(name).is_none(), "`{name}` stands in both tables");
        assert_eq!(pipeline::PIPELINE.iter().filter(|(other, _)| other == name).count(), 1, "{name} stands twice");
        let said = of(&format!("{name} = \"a value that nobody would write\""));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(!said[0].contains("unknown key") && !said[0].contains("did you mean"), "{said:?}");
    }
    assert_eq!(
        of("interactive = true"),
        ["2:1 `interactive` has no meaning here | leave it out: pictures are in the report, no window opens"]
    );
    assert_eq!(of("resample_sfreq = 100"), ["2:1 `resample_sfreq` does not stand here | write raw_resample_sfreq"]);
    assert_eq!(of("min_break_duration = 15").len(), 0);
}

#[test]
fn values_that_can_hardly_be_meant_are_remarked_on() {
    let remarks = |text: &str| Config::parse(Path::new("s"), &format!("{BASE}{text}")).unwrap().remarks();
    assert!(remarks("reject = { mag = 4e-12, eeg = 150e-6 }").is_empty());
    assert_eq!(
        remarks("reject = { mag = 4000 }"),
        ["`reject` drops no epoch by mag: 4000 T is more than any sensor gives (4000 fT is 4e-12)"]
    );
    assert_eq!(
        remarks("mf_st_duration = 10\nmf_int_order = 6"),
        ["`mf_st_duration`, `mf_int_order` have no effect without use_maxwell_filter = true"]
    );
    assert!(remarks("find_noisy_channels_meg = true\nmf_head_origin = [0, 0, 0.04]").is_empty());
}

#[test]
fn text_that_is_not_toml_is_said_with_its_place() {
    assert!(of("h_freq = = 3")[0].starts_with("2:10 this is not TOML"), "{:?}", of("h_freq = = 3"));
    assert!(of("h_freq = 1\nh_freq = 2")[0].contains("duplicate key"), "{:?}", of("h_freq = 1\nh_freq = 2"));
}

#[test]
fn what_init_writes_is_read_again() {
    let text = document::commented(&[("ch_types", "[\"meg\", \"eeg\"]".into()), ("h_freq", "30.0".into())]);
    let config = Config::parse(Path::new("study.toml"), &text).unwrap();
    assert_eq!(config.number("h_freq"), Some(30.0));
    assert!(config.is_given("h_freq") && !config.is_given("l_freq"));
    assert!(text.contains("# l_freq = \"none\""));
    assert_eq!(document::schema()["properties"]["h_freq"]["anyOf"][1]["exclusiveMinimum"], 0);
    assert!(document::markdown().contains("| `raw_resample_sfreq` | `\"none\"` |"));
}

#[test]
fn what_a_maxwell_filter_needs_is_said() {
    let good = "find_flat_channels_meg = true\nuse_maxwell_filter = true\nmf_st_duration = 10\n";
    assert!(of(good).is_empty());
    for destination in ["\"reference_run\"", "[0, 0, 0.04]", "[[1,0,0,0],[0,1,0,0],[0,0,1,0.04],[0,0,0,1]]"] {
        assert!(of(&format!("{good}mf_destination = {destination}")).is_empty(), "{destination}");
    }
    assert!(of(&format!("{good}mf_destination = [0, 0]"))[0].contains("`mf_destination` must be"));
    assert!(of(&format!("{good}mf_destination = \"twa\""))[0].contains("needs head positions over time"));
    let moving = of(&format!("{good}mf_mc = true"));
    assert!(moving[0].contains("mf_head_pos_fname") && moving[1].contains("mf_filter_chpi = false"), "{moving:?}");
    let with = "mf_mc = true\nmf_head_pos_fname = \"{subject}.pos\"\nmf_filter_chpi = false";
    assert!(of(&format!("{good}{with}")).is_empty());
    assert!(of(&format!("{good}mf_filter_chpi = true"))[0].contains("can't be taken out yet"));
    assert!(of(&format!("{good}proc = \"tsss\""))[0].contains("can't be filtered again"));
    assert!(of(&format!("{good}mf_cal_fname = \"{{run}}.dat\""))[0].contains("the same for all runs"));
    assert!(of(&format!("{good}mf_extra_kws = {{ regularise = \"in\" }}"))[0].contains("did you mean `regularize`?"));
    assert!(problems("ch_types = [\"eeg\"]\nuse_maxwell_filter = true")[0].contains("needs MEG channels"));
}

#[test]
fn values_of_python_are_known() {
    let hint = |text: &str| of(text)[0].split_once(" | ").unwrap().1.to_owned();
    assert_eq!(hint("h_freq = None"), "write \"none\" for Python's None");
    assert_eq!(hint("use_maxwell_filter = True # as before\nh_freq = 40"), "write true for Python's True");
    assert_eq!(hint("baseline = [None, 0]"), "write \"none\" for Python's None");
    assert_eq!(hint("decode = False"), "write false for Python's False");
    assert_eq!(hint("h_freq = 4O"), "-");
}

#[test]
fn a_tilde_is_the_home_folder() {
    let config = Config::parse(Path::new("/data/study.toml"), BASE).unwrap();
    let home = std::env::home_dir().unwrap();
    assert_eq!(config.beside("~/out"), home.join("out"));
    assert_eq!(config.beside("~"), home);
    assert_eq!(config.beside("~x/out"), Path::new("/data/~x/out"));
}
