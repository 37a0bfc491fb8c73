//! Names of channels that come twice.

use std::collections::{HashMap, HashSet};

/// Makes names unique as MNE does: those that come more than once get running numbers, `A-0`, `A-1`, …; where such a name
/// is taken, a letter.
pub(crate) fn make_unique(names: &mut [String]) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in names.iter() {
        *counts.entry(name.as_str()).or_default() += 1;
    }
    if counts.len() == names.len() {
        return;
    }
    let twice: HashSet<String> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name.to_owned()).collect();
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut listed: Vec<&String> = twice.iter().collect();
    listed.sort();
    tracing::warn!("channel names come more than once: {listed:?}; they get running numbers");
    for name in names.iter_mut().filter(|name| twice.contains(name.as_str())) {
        let index = next.entry(name.clone()).or_default();
        let letters = ('a'..='z').map(String::from);
        // Beyond MNE's letters, further numbers: a name is always found.
        let more = (*index + 1..).map(|number| number.to_string());
        let suffixes = std::iter::once(index.to_string()).chain(letters).chain(more);
        let unique = suffixes.map(|suffix| format!("{name}-{suffix}")).find(|unique| !taken.contains(unique));
        *index += 1;
        if let Some(unique) = unique {
            taken.insert(unique.clone());
            *name = unique;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_get_numbers() {
        let mut names = ["A", "B", "A", "A-1", "A"].map(String::from);
        make_unique(&mut names);
        assert_eq!(names, ["A-0", "B", "A-a", "A-1", "A-2"]);
    }
}
