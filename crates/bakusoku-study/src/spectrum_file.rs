//! Spectra as `mne.time_frequency.read_spectrum` reads them: HDF5 in the layout of h5io (groups `mnepython/key_…`, a
//! `TITLE` on each that says its Python type).

use crate::Result;
use bakusoku_core::containers::Spectrum;
use bakusoku_core::{Info, Transform};
use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder};
use std::path::Path;

/// A group that stands for a dict, list or tuple.
struct Node(GroupBuilder);

impl Node {
    fn title(mut group: GroupBuilder, title: &str) -> Self {
        group.set_attr("TITLE", AttrValue::String(title.into()));
        Self(group)
    }
    fn child(&mut self, name: &str, title: &str, fill: impl FnOnce(&mut Node)) {
        let mut child = Node::title(self.0.create_group(name), title);
        fill(&mut child);
        self.0.add_group(child.0.finish());
    }
    fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return self.none(name);
        }
        self.0
            .create_dataset(name)
            .with_u8_data(text.as_bytes())
            .set_attr("TITLE", AttrValue::String("unicode".into()));
    }
    fn int(&mut self, name: &str, value: i64) {
        self.0.create_dataset(name).with_i64_data(&[value]).set_attr("TITLE", AttrValue::String("int".into()));
    }
    fn float(&mut self, name: &str, value: f64) {
        self.0.create_dataset(name).with_f64_data(&[value]).set_attr("TITLE", AttrValue::String("float".into()));
    }
    fn none(&mut self, name: &str) {
        self.0.create_dataset(name).with_u8_data(&[0]).set_attr("TITLE", AttrValue::String("None".into()));
    }
    fn array(&mut self, name: &str, values: &[f64], shape: &[u64]) {
        let data = self.0.create_dataset(name);
        data.with_f64_data(values).with_shape(shape).set_attr("TITLE", AttrValue::String("ndarray".into()));
    }
    fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.child(name, "list", |list| {
            texts.enumerate().for_each(|(index, text)| list.text(&format!("idx_{index}"), text))
        });
    }
    fn option(&mut self, name: &str, value: Option<f64>) {
        match value {
            Some(value) => self.float(name, value),
            None => self.none(name),
        }
    }
}

/// Writes a spectrum.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write(path: &Path, spectrum: &Spectrum) -> Result<()> {
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
    let bytes = file.finish().map_err(|error| std::io::Error::other(format!("{}: {error}", path.display())))?;
    Ok(fs_err::write(path, bytes)?)
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
    match info.meas_date {
        Some((seconds, micros)) if seconds >= 0 => {
            let text = crate::system::iso_time(seconds as u64);
            let micros = if micros > 0 { format!(".{micros:06}") } else { String::new() };
            let text = format!("{}{micros}+00:00", text.trim_end_matches('Z'));
            let data = node.0.create_dataset("key_meas_date");
            data.with_u8_data(text.as_bytes()).set_attr("TITLE", AttrValue::String("datetime".into()));
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
