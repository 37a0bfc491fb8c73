//! Integration points of MEG coils (`data/coils.txt`, `data/coils_megin.txt`; `data/make_coils.py` says whence).

use super::params::CoilDefinitions;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A coil in its own frame: the field along `normals` at `points`, weighted and summed, is what it measures.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coil {
    /// Distance between the pickup loops (m); 0 for a magnetometer.
    pub base: f64,
    /// Weights.
    pub weights: Vec<f64>,
    /// Points (m).
    pub points: Vec<[f64; 3]>,
    /// Unit normals.
    pub normals: Vec<[f64; 3]>,
}

type Table = HashMap<i32, Coil>;

static MNE: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../../data/coils.txt")));
static MEGIN: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../../data/coils_megin.txt")));

fn parse(text: &str) -> Table {
    let number = |word: &str| -> f64 { word.parse().expect("the table holds numbers") };
    let mut lines = text.lines();
    let mut table = Table::new();
    while let Some(head) = lines.next() {
        let head: Vec<f64> = head.split_whitespace().map(number).collect();
        let (coil_type, base, n) = (head[0] as i32, head[3], head[4] as usize);
        let mut coil = Coil { base, weights: Vec::new(), points: Vec::new(), normals: Vec::new() };
        for line in lines.by_ref().take(n) {
            let v: Vec<f64> = line.split_whitespace().map(number).collect();
            let length = (v[4] * v[4] + v[5] * v[5] + v[6] * v[6]).sqrt();
            coil.weights.push(v[0]);
            coil.points.push([v[1], v[2], v[3]]);
            coil.normals.push([v[4] / length, v[5] / length, v[6] / length]);
        }
        table.entry(coil_type).or_insert(coil);
    }
    table
}

/// The coil of a FIFF type, whose upper 16 bits say something else.
pub(super) fn coil(definitions: CoilDefinitions, coil_type: i32) -> Option<&'static Coil> {
    let coil_type = coil_type & 0xFFFF;
    let own = match definitions {
        CoilDefinitions::Mne => None,
        CoilDefinitions::Megin => MEGIN.get(&coil_type),
    };
    own.or_else(|| MNE.get(&coil_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_a_homogeneous_field() {
        for definitions in [CoilDefinitions::Mne, CoilDefinitions::Megin] {
            // A magnetometer measures the field, a planar gradiometer its slope along x: 1 T/m is 1.
            for mag in [3022, 3024] {
                let coil = coil(definitions, mag).unwrap();
                assert!((coil.weights.iter().sum::<f64>() - 1.0).abs() < 1e-4);
                assert_eq!(coil.base, 0.0);
            }
            let coil = coil(definitions, 3012 | 5 << 16).unwrap();
            assert_eq!(coil.weights.len(), 8);
            let slope: f64 = coil.weights.iter().zip(&coil.points).map(|(w, p)| w * p[0]).sum();
            assert!((slope - 1.0).abs() < 2e-3, "{slope}");
        }
        assert_eq!(coil(CoilDefinitions::Mne, 3012).unwrap().base, 0.0168);
        assert_eq!(coil(CoilDefinitions::Megin, 3012).unwrap().base, 0.01669);
        assert_eq!(coil(CoilDefinitions::Megin, 5001), coil(CoilDefinitions::Mne, 5001));
        assert!(coil(CoilDefinitions::Mne, 1234).is_none());
        // FIFFV_COIL_POINT_MAGNETOMETER
        assert_eq!(coil(CoilDefinitions::Mne, 2000).unwrap().points, vec![[0.0; 3]]);
    }
}
