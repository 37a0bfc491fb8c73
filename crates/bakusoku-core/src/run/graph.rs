//! What a flow becomes when its methods are bound: which of them work as one, and what is walked by rows or by columns.

use super::flow::{Face, Flow};
use super::late_expansion;
use crate::{Bound, Expansion, LinearMap, Operator, Result, RowKernel, Stream};
use std::sync::Arc;

/// The nodes of a flow with their methods bound; those that work as one are one place.
pub(super) struct Graph {
    pub places: Vec<Place>,
}

pub(super) struct Place {
    /// What flows here.
    pub stream: Stream,
    /// The nodes whose work leads here; times are booked on them.
    pub nodes: Vec<usize>,
    pub name: String,
    pub parent: usize,
    pub children: Vec<usize>,
    pub work: Work,
    /// Taps, as indices of the flow's: those that want columns, those that want rows, and those that take either.
    pub column_taps: Vec<usize>,
    pub row_taps: Vec<usize>,
    either: Vec<usize>,
    /// The node whose samples are kept.
    pub keep: Option<usize>,
    /// What makes the channels of a place of the rows that flow here; `None`: they flow here.
    pub expansion: Option<Arc<Expansion>>,
    /// Applies an expansion whose method stands at an earlier place.
    pub is_late: bool,
}

/// How samples get from the parent to a place.
pub(super) enum Work {
    /// They are read.
    Source,
    Row(Box<dyn RowKernel>),
    Operator(Box<dyn Operator>),
    Matrix(LinearMap),
    /// Lent to a walk.
    Taken,
}

impl From<Bound> for Work {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Rows(kernel) => Self::Row(kernel),
            Bound::Columns(operator) => Self::Operator(operator),
            Bound::Matrix(map) => Self::Matrix(map),
        }
    }
}

impl Graph {
    /// Binds the methods of a flow.
    ///
    /// # Errors
    /// When a method can't be bound to its stream.
    pub(super) fn new(flow: &Flow<'_>) -> Result<Self> {
        let mut graph = Self { places: Vec::new() };
        for (index, node) in flow.nodes.iter().enumerate() {
            graph.places.push(Place {
                stream: node.stream.clone(),
                nodes: vec![index],
                name: node.name.clone(),
                parent: node.parent,
                children: Vec::new(),
                work: Work::Source,
                column_taps: Vec::new(),
                row_taps: Vec::new(),
                either: Vec::new(),
                keep: node.keep.then_some(index),
                expansion: None,
                is_late: false,
            });
            if index > 0 {
                graph.places[node.parent].children.push(index);
            }
        }
        for (index, tap) in flow.taps.iter().enumerate() {
            let place = &mut graph.places[tap.node];
            match (&tap.face, tap.face.rows()) {
                (Face::Sink(_), Some(_)) => place.either.push(index),
                (Face::Sink(_), None) => place.column_taps.push(index),
                (Face::Rows(_), _) => place.row_taps.push(index),
            }
        }
        // Children before their parents: a matrix waits for the filters behind it.
        for index in (1..flow.nodes.len()).rev() {
            late_expansion::bind(&mut graph, index, flow)?;
        }
        graph.join(0);
        graph.join_with_branches(0);
        graph.leave_rows_where_nobody_wants_them();
        graph.choose_faces();
        Ok(graph)
    }

    pub(super) fn is_row(&self, place: usize) -> bool {
        matches!(self.places[place].work, Work::Row(_))
    }
    /// The children of a place that are reached by rows (or else by columns).
    pub(super) fn children(&self, place: usize, by_rows: bool) -> impl Iterator<Item = usize> + '_ {
        self.places[place].children.iter().copied().filter(move |&child| self.is_row(child) == by_rows)
    }
    /// Whether samples of a place are needed row by row (or else column by column).
    pub(super) fn is_walked(&self, place: usize, by_rows: bool) -> bool {
        let taps = if by_rows { &self.places[place].row_taps } else { &self.places[place].column_taps };
        !taps.is_empty() || self.children(place, by_rows).next().is_some()
    }
    /// All places that one walk from `root` reaches, the root first.
    pub(super) fn reached(&self, root: usize, by_rows: bool) -> Vec<usize> {
        let mut out = vec![root];
        let mut at = 0;
        while at < out.len() {
            out.extend(self.children(out[at], by_rows));
            at += 1;
        }
        out
    }
    /// Whether nobody but one child wants what flows at a place.
    pub(super) fn is_silent(&self, place: usize) -> bool {
        let Place { column_taps, row_taps, either, keep, children, .. } = &self.places[place];
        column_taps.is_empty() && row_taps.is_empty() && either.is_empty() && keep.is_none() && children.len() == 1
    }

    /// Puts a place between `place` and its children, which takes over whoever listens.
    pub(super) fn insert_after(&mut self, place: usize, work: Work, nodes: Vec<usize>, name: String) {
        let index = self.places.len();
        let old = &mut self.places[place];
        let new = Place {
            stream: old.stream.clone(),
            nodes,
            name,
            parent: place,
            children: std::mem::replace(&mut old.children, vec![index]),
            work,
            column_taps: std::mem::take(&mut old.column_taps),
            row_taps: std::mem::take(&mut old.row_taps),
            either: std::mem::take(&mut old.either),
            keep: old.keep.take(),
            expansion: None,
            is_late: true,
        };
        new.children.clone().into_iter().for_each(|child| self.places[child].parent = index);
        self.places.push(new);
    }

    /// Makes one of neighbours between which nobody listens: kernels that fuse, and matrices.
    fn join(&mut self, place: usize) {
        while self.is_silent(place) {
            let child = self.places[place].children[0];
            let joined = match (&self.places[place].work, &self.places[child].work) {
                (Work::Row(first), Work::Row(second)) => first.fuse(&**second).map(Work::Row),
                (Work::Matrix(first), Work::Matrix(second)) => first.then(second).map(Work::Matrix),
                _ => None,
            };
            let Some(work) = joined else { break };
            let Place { stream, nodes, name, children, column_taps, row_taps, either, keep, expansion, .. } =
                self.places[child].lift_out();
            children.iter().for_each(|&grandchild| self.places[grandchild].parent = place);
            let here = &mut self.places[place];
            here.nodes.extend(nodes);
            here.name = format!("{} + {name}", here.name);
            (here.stream, here.children, here.work, here.keep, here.expansion) =
                (stream, children, work, keep, expansion);
            (here.column_taps, here.row_taps, here.either) = (column_taps, row_taps, either);
        }
        for child in self.places[place].children.clone() {
            self.join(child);
        }
    }

    /// Fuses a row kernel to which nobody listens with each of those behind it, where these share their work.
    fn join_with_branches(&mut self, place: usize) {
        for child in self.places[place].children.clone() {
            self.join_with_branches(child);
        }
        let Place { column_taps, row_taps, either, keep, .. } = &self.places[place];
        let listens = !(column_taps.is_empty() && row_taps.is_empty() && either.is_empty()) || keep.is_some();
        let Work::Row(first) = &self.places[place].work else { return };
        let fused = |&child: &usize| match &self.places[child].work {
            Work::Row(kernel) if kernel.shares_work() => first.fuse(&**kernel),
            _ => None,
        };
        let Some(kernels) = self.places[place].children.iter().map(fused).collect::<Option<Vec<_>>>() else { return };
        if listens || kernels.is_empty() {
            return;
        }
        let Place { nodes, name, parent, children, .. } = self.places[place].lift_out();
        for (&child, kernel) in children.iter().zip(kernels) {
            let child = &mut self.places[child];
            child.work = Work::Row(kernel);
            child.nodes = [&nodes[..], &child.nodes].concat();
            child.name = format!("{name} + {}", child.name);
            child.parent = parent;
        }
        let siblings = &mut self.places[parent].children;
        if let Some(at) = siblings.iter().position(|&sibling| sibling == place) {
            siblings.splice(at..=at, children);
        }
    }

    /// Lets row kernels work on columns, where all that one walk would reach can, and nobody wants rows: then nothing is
    /// transposed.
    fn leave_rows_where_nobody_wants_them(&mut self) {
        for root in 0..self.places.len() {
            if self.is_row(root) || self.children(root, true).next().is_none() {
                continue;
            }
            let reached = self.reached(root, true);
            if reached.iter().any(|&place| !self.places[place].row_taps.is_empty()) {
                continue;
            }
            let operator = |&place: &usize| match &self.places[place].work {
                Work::Row(kernel) => kernel.on_columns(),
                _ => None,
            };
            let operators: Option<Vec<_>> = reached[1..].iter().map(operator).collect();
            for (&place, operator) in reached[1..].iter().zip(operators.into_iter().flatten()) {
                self.places[place].work = Work::Operator(operator);
            }
        }
    }

    /// Taps that take either get what is walked anyway, so that nothing is transposed for them.
    fn choose_faces(&mut self) {
        for place in 0..self.places.len() {
            let rows = match &self.places[place].work {
                Work::Row(_) => self.places[place].expansion.is_none(),
                Work::Source => self.is_walked(place, true),
                _ => false,
            };
            let Place { column_taps, row_taps, either, .. } = &mut self.places[place];
            if rows { row_taps } else { column_taps }.append(either);
        }
    }
}

impl Place {
    /// Takes all of it; an empty place that nobody reaches stays.
    fn lift_out(&mut self) -> Self {
        let empty = Self {
            stream: self.stream.clone(),
            nodes: Vec::new(),
            name: String::new(),
            parent: self.parent,
            children: Vec::new(),
            work: Work::Taken,
            column_taps: Vec::new(),
            row_taps: Vec::new(),
            either: Vec::new(),
            keep: None,
            expansion: None,
            is_late: false,
        };
        std::mem::replace(self, empty)
    }
}
