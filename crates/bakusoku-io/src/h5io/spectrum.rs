//! Spectra (`mne.time_frequency.Spectrum`).

use super::node::Node;
use crate::{Error, Result};
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Info, Transform};
use bakusoku_files::{AtomicFile, commit};
use hdf5_pure::{AttrValue, FileBuilder};
use jiff::Timestamp;
use std::io::Write;
use std::path::Path;

/// Writes a spectrum.
///
/// # Errors
/// When it can't be written.
pub fn write_spectrum(path: &Path, spectrum: &Spectrum) -> Result<()> {
    let mut file = FileBuilder::new();
    let mut root = Node::title(file.create_group("mnepython"), "dict");
    root.text("key_method", "welch");
    let (n_channels, n_freqs) = spectrum.data.dim();
    let data: Vec<f64> = spectrum.data.iter().copied().collect();
    root.array("key_data", &data, &[n_channels as u64, n_freqs as u64]);
    root.float("key_sfreq", spectrum.info.sfreq);
    root.child("key_dims", "tuple", |dims| {
        dims.text("idx_0", "channel");
        dims.text("idx_1", "freq");
    });
    root.array("key_freqs", &spectrum.freqs, &[n_freqs as u64]);
    root.text("key_inst_type_str", "Raw");
    root.text("key_data_type", "Power Spectrum");
    root.child("key_info", "dict", |node| info(node, &spectrum.info));
    root.none("key_nave");
    root.none("key_weights");
    file.add_group(root.0.finish());
    let bytes = file.finish().map_err(std::io::Error::other).map_err(Error::io(path, "writing"))?;
    let mut out = AtomicFile::create(path)?;
    out.write_all(&bytes).map_err(Error::io(path, "writing"))?;
    commit(vec![out])?;
    Ok(())
}

fn info(node: &mut Node, info: &Info) {
    node.texts("key_ch_names", info.ch_names());
    node.texts("key_bads", info.bads.iter().map(String::as_str));
    node.int("key_nchan", info.n_channels() as i64);
    node.float("key_sfreq", info.sfreq);
    node.float("key_highpass", info.highpass);
    node.float("key_lowpass", info.lowpass);
    node.option("key_line_freq", info.line_freq);
    node.option("key_gantry_angle", info.gantry_angle);
    node.int("key_custom_ref_applied", i64::from(info.custom_ref_applied));
    for (name, text) in [
        ("key_description", &info.description),
        ("key_experimenter", &info.experimenter),
        ("key_proj_name", &info.proj_name),
        ("key_utc_offset", &info.utc_offset),
        ("key_acq_pars", &info.acq_pars),
        ("key_acq_stim", &info.acq_stim),
        ("key_xplotter_layout", &info.xplotter_layout),
    ] {
        node.text(name, text.as_deref().unwrap_or(""));
    }
    for name in [
        "subject_info",
        "device_info",
        "helium_info",
        "hpi_subsystem",
        "kit_system_id",
        "proj_id",
        "file_id",
        "meas_id",
    ] {
        node.none(&format!("key_{name}"));
    }
    for name in ["comps", "events", "hpi_meas", "hpi_results", "proc_history"] {
        node.child(&format!("key_{name}"), "list", |_| ());
    }
    match info.meas_date.and_then(|(seconds, micros)| Timestamp::new(seconds, micros.checked_mul(1000)?).ok()) {
        Some(date) => {
            let text = date.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let micros = date.subsec_microsecond();
            let micros = if micros > 0 { format!(".{micros:06}") } else { String::new() };
            let data = node.0.create_dataset("key_meas_date");
            data.with_u8_data(format!("{text}{micros}+00:00").as_bytes())
                .set_attr("TITLE", AttrValue::String("datetime".into()));
        }
        _ => node.none("key_meas_date"),
    }
    for (name, transform) in
        [("dev_head_t", &info.dev_head_t), ("ctf_head_t", &info.ctf_head_t), ("dev_ctf_t", &info.dev_ctf_t)]
    {
        transformation(node, &format!("key_{name}"), transform.as_ref());
    }
    node.child("key_chs", "list", |list| {
        for (index, ch) in info.chs.iter().enumerate() {
            list.child(&format!("idx_{index}"), "dict", |dict| {
                dict.text("key_ch_name", &ch.name);
                for (name, value) in [
                    ("key_kind", ch.kind),
                    ("key_coil_type", ch.coil_type),
                    ("key_unit", ch.unit),
                    ("key_unit_mul", ch.unit_mul),
                    ("key_coord_frame", ch.coord_frame.0),
                    ("key_scanno", ch.scanno),
                    ("key_logno", ch.logno),
                ] {
                    dict.int(name, i64::from(value));
                }
                dict.float("key_cal", ch.cal);
                dict.float("key_range", ch.range);
                dict.array("key_loc", &ch.loc, &[12]);
            });
        }
    });
    node.child("key_dig", "list", |list| {
        for (index, point) in info.dig.iter().enumerate() {
            list.child(&format!("idx_{index}"), "dict", |dict| {
                dict.int("key_kind", i64::from(point.kind.to_fiff()));
                dict.int("key_ident", i64::from(point.ident));
                dict.int("key_coord_frame", i64::from(point.coord_frame.0));
                dict.array("key_r", &point.r, &[3]);
            });
        }
    });
    node.child("key_projs", "list", |list| {
        for (index, proj) in info.projs.iter().enumerate() {
            list.child(&format!("idx_{index}"), "dict", |dict| {
                dict.int("key_active", i64::from(proj.active));
                dict.int("key_kind", i64::from(proj.kind));
                dict.text("key_desc", &proj.desc);
                dict.option("key_explained_var", proj.explained_var);
                dict.child("key_data", "dict", |data| {
                    let (rows, columns) = proj.data.dim();
                    data.int("key_nrow", rows as i64);
                    data.int("key_ncol", columns as i64);
                    data.none("key_row_names");
                    data.texts("key_col_names", proj.names.iter().map(String::as_str));
                    let values: Vec<f64> = proj.data.iter().copied().collect();
                    data.array("key_data", &values, &[rows as u64, columns as u64]);
                });
            });
        }
    });
}

fn transformation(node: &mut Node, name: &str, transform: Option<&Transform>) {
    let Some(transform) = transform else { return node.none(name) };
    node.child(name, "dict", |dict| {
        dict.int("key_from", i64::from(transform.from.0));
        dict.int("key_to", i64::from(transform.to.0));
        let values: Vec<f64> = transform.matrix.iter().flatten().copied().collect();
        dict.array("key_trans", &values, &[4, 4]);
    });
}
