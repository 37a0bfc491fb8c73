//! Which channels a method works on, as users name them.

use bakusoku_core::{ChannelType, Error, Info, Picks, Result};

/// What filters work on unless told otherwise: data channels and reference channels of the MEG, bad ones included, as in
/// MNE. The references have to be filtered like the others, since a software gradiometer subtracts them.
pub(crate) fn filtered(info: &Info) -> Picks {
    let types: Vec<_> = ChannelType::ALL.into_iter().filter(|t| t.is_data() || *t == ChannelType::RefMeg).collect();
    Picks::types(info, &types, false)
}

/// Channels by names of types (`"eeg"`, `"meg"`, `"data"`, `"all"`) or of channels; without any, `default`. Bad ones are
/// included, as in MNE's filters.
///
/// # Errors
/// When a name is neither a type nor a channel.
pub(crate) fn choose(info: &Info, picks: Option<&[String]>, default: impl FnOnce(&Info) -> Picks) -> Result<Picks> {
    let Some(names) = picks else { return Ok(default(info)) };
    let mut chosen = vec![false; info.n_channels()];
    for name in names {
        let wanted: Vec<usize> = match name.as_str() {
            "all" => (0..info.n_channels()).collect(),
            "data" => filtered(info).iter().collect(),
            "meg" => Picks::types(info, &[ChannelType::Mag, ChannelType::Grad], false).iter().collect(),
            name => match (ChannelType::from_name(name), info.index_of(name)) {
                (Some(ch_type), _) => Picks::types(info, &[ch_type], false).iter().collect(),
                (None, Some(index)) => vec![index],
                (None, None) => return Err(Error::NoChannel { name: name.to_owned(), among: info.n_channels() }),
            },
        };
        wanted.into_iter().for_each(|index| chosen[index] = true);
    }
    Picks::new((0..chosen.len()).filter(|&index| chosen[index]).collect(), chosen.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;

    #[test]
    fn references_of_the_meg_are_filtered_like_data_channels() {
        let mut info = info_of(&["mag", "ref_meg", "eeg", "eog", "stim"], 100.0);
        info.bads = vec!["ref_meg 001".into()];
        assert_eq!(filtered(&info).as_slice(), [0, 1, 2]);
        let data = ["data".to_owned()];
        assert_eq!(choose(&info, Some(&data), |_| Picks::all(0)).unwrap().as_slice(), [0, 1, 2]);
        let mixed = ["eog".to_owned(), "mag 000".to_owned()];
        assert_eq!(choose(&info, Some(&mixed), filtered).unwrap().as_slice(), [0, 3]);
        assert!(choose(&info, Some(&["Cz".to_owned()]), filtered).is_err());
    }
}
