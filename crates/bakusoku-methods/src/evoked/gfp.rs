//! Global field power.

use bakusoku_core::ChannelType;
use bakusoku_core::containers::Evoked;

/// Global field power over the good channels of a type, by sample: the root of the mean square, for EEG the standard
/// deviation over channels, as in MNE's plots. Empty when no channel of that type is good.
pub fn gfp(evoked: &Evoked, ch_type: ChannelType) -> Vec<f64> {
    let info = &evoked.info;
    let of_type = |row: &usize| info.chs[*row].ch_type() == ch_type && !info.is_bad(*row);
    let rows: Vec<usize> = (0..info.n_channels()).filter(of_type).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let n = rows.len() as f64;
    let power = evoked.data.columns().into_iter().map(|column| {
        let centre = match ch_type {
            ChannelType::Eeg => rows.iter().map(|&row| column[row]).sum::<f64>() / n,
            _ => 0.0,
        };
        (rows.iter().map(|&row| (column[row] - centre).powi(2)).sum::<f64>() / n).sqrt()
    });
    power.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;
    use ndarray::array;
    use std::sync::Arc;

    #[test]
    fn eeg_has_its_mean_taken_out_and_bad_channels_do_not_count() {
        let mut info = info_of(&["mag", "eeg", "eeg", "eeg", "mag"], 100.0);
        info.bads = vec!["eeg 003".into()];
        let data = array![[3.0, 0.0], [1.0, 2.0], [5.0, 2.0], [1e3, 1e3], [4.0, -1.0]];
        let evoked = Evoked { info: Arc::new(info), comment: String::new(), nave: 1.0, first: 0, baseline: None, data };
        assert_eq!(gfp(&evoked, ChannelType::Mag), [12.5_f64.sqrt(), 0.5_f64.sqrt()]);
        assert_eq!(gfp(&evoked, ChannelType::Eeg), [2.0, 0.0]);
        assert!(gfp(&evoked, ChannelType::Grad).is_empty());
    }
}
