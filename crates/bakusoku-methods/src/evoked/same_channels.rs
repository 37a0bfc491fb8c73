//! The same channels of another recording, whose names may repeat and stand in another order.

use bakusoku_core::{Info, Picks};

/// Which channels of `info` are called as `names` are: the second of a name is the second one of that name there. `None`
/// when one is missing.
pub(crate) fn same_channels<'a>(info: &Info, names: impl IntoIterator<Item = &'a str>) -> Option<Picks> {
    let mut taken = vec![false; info.n_channels()];
    let indices: Option<Vec<usize>> = names
        .into_iter()
        .map(|name| {
            let index = (0..info.n_channels()).find(|&index| !taken[index] && info.chs[index].name == name)?;
            taken[index] = true;
            Some(index)
        })
        .collect();
    Picks::new(indices?, info.n_channels()).ok()
}
