//! Which channels a method works on, as users name them.

use bakusoku_core::{ChannelType, Error, Info, Picks, Result};

/// Channels by names of types (`"eeg"`, `"meg"`, `"data"`, `"all"`) or of channels; without any, the data channels. Bad
/// ones are included, as in MNE's filters.
///
/// # Errors
/// When a name is neither a type nor a channel.
pub(crate) fn choose(info: &Info, picks: Option<&[String]>) -> Result<Picks> {
    let Some(names) = picks else { return Ok(Picks::data(info, false)) };
    let mut chosen = vec![false; info.n_channels()];
    for name in names {
        let wanted: Vec<usize> = match name.as_str() {
            "all" => (0..info.n_channels()).collect(),
            "data" => Picks::data(info, false).iter().collect(),
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
