//! Python's containers as HDF5 groups.

use hdf5_pure::{AttrValue, GroupBuilder};

/// A group that stands for a dict, list or tuple.
pub(super) struct Node(pub(super) GroupBuilder);

impl Node {
    pub(super) fn title(mut group: GroupBuilder, title: &str) -> Self {
        group.set_attr("TITLE", AttrValue::String(title.into()));
        Self(group)
    }
    pub(super) fn child(&mut self, name: &str, title: &str, fill: impl FnOnce(&mut Node)) {
        let mut child = Node::title(self.0.create_group(name), title);
        fill(&mut child);
        self.0.add_group(child.0.finish());
    }
    pub(super) fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return self.none(name);
        }
        self.0
            .create_dataset(name)
            .with_u8_data(text.as_bytes())
            .set_attr("TITLE", AttrValue::String("unicode".into()));
    }
    pub(super) fn int(&mut self, name: &str, value: i64) {
        self.0.create_dataset(name).with_i64_data(&[value]).set_attr("TITLE", AttrValue::String("int".into()));
    }
    pub(super) fn float(&mut self, name: &str, value: f64) {
        self.0.create_dataset(name).with_f64_data(&[value]).set_attr("TITLE", AttrValue::String("float".into()));
    }
    pub(super) fn none(&mut self, name: &str) {
        self.0.create_dataset(name).with_u8_data(&[0]).set_attr("TITLE", AttrValue::String("None".into()));
    }
    pub(super) fn array(&mut self, name: &str, values: &[f64], shape: &[u64]) {
        let data = self.0.create_dataset(name);
        data.with_f64_data(values).with_shape(shape).set_attr("TITLE", AttrValue::String("ndarray".into()));
    }
    pub(super) fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.child(name, "list", |list| {
            texts.enumerate().for_each(|(index, text)| list.text(&format!("idx_{index}"), text))
        });
    }
    pub(super) fn option(&mut self, name: &str, value: Option<f64>) {
        match value {
            Some(value) => self.float(name, value),
            None => self.none(name),
        }
    }
}
