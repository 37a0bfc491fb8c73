//! Sums over samples, in pieces of fixed length.

use super::channels::{Group, given, group_rank, groups, scaling};
use super::rank::RankWatch;
use super::samples::KeptSamples;
use super::{CovarianceParams, Rank};
use bakusoku_core::{Info, Par, Result, SpillDir};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, s};

/// Samples of a piece.
const PIECE: usize = 2048;

/// The rank of a group of channels: known, or found while samples pass.
#[derive(Clone, Debug)]
pub(super) enum GroupRank {
    Known(usize),
    Watched(Box<RankWatch>),
}

/// The sum of `x xᵀ` of scaled samples.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// What each channel is multiplied by.
    pub(super) scales: Vec<f64>,
    /// Channels whose rank counts together, and that rank.
    pub(super) groups: Vec<(Group, GroupRank)>,
    /// Lower triangle.
    pub(super) gram: Array2<f64>,
    /// Number of samples.
    pub(super) n_samples: u64,
    /// The scaled samples, where they are needed a second time.
    pub(super) kept: Option<KeptSamples>,
    piece: Array2<f64>,
    filled: usize,
}

impl Sums {
    /// For the channels of `info`; samples that are needed a second time go to `spill`, or stay in memory.
    pub(super) fn new(info: &Info, params: &CovarianceParams, spill: Option<&SpillDir>) -> Result<Self> {
        params.check()?;
        let n = info.n_channels();
        let scales: Vec<f64> = info
            .chs
            .iter()
            .map(|ch| {
                let given = params.scalings.iter().find(|(ch_type, _)| *ch_type == ch.ch_type());
                given.map_or_else(|| scaling(ch.ch_type()), |(_, value)| *value)
            })
            .collect();
        let rank = |group: &Group| -> Result<GroupRank> {
            Ok(match (&params.rank, given(&params.rank, group)) {
                (Rank::Info, _) => GroupRank::Known(group_rank(info, group, false)?),
                (Rank::Full, _) => GroupRank::Known(group_rank(info, group, true)?),
                (_, Some(&rank)) => GroupRank::Known(rank),
                (_, None) => GroupRank::Watched(Box::new(RankWatch::new(info, group, &scales)?)),
            })
        };
        let groups = groups(info)
            .into_iter()
            .map(|group| {
                let rank = rank(&group)?;
                Ok((group, rank))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            scales,
            groups,
            gram: Array2::zeros((n, n)),
            n_samples: 0,
            kept: params.keeps_samples().then(|| KeptSamples::new(spill.cloned())),
            piece: Array2::zeros((n, PIECE)),
            filled: 0,
        })
    }

    /// More samples: the rows `picks` of `data`.
    pub(super) fn push(&mut self, data: ArrayView2<'_, f64>, picks: &[usize], par: &Par) -> Result<()> {
        let mut at = 0;
        while at < data.ncols() {
            let n = (PIECE - self.filled).min(data.ncols() - at);
            let place = self.filled..self.filled + n;
            for ((mut row, &ch), scale) in self.piece.rows_mut().into_iter().zip(picks).zip(&self.scales) {
                let samples = data.slice(s![ch, at..at + n]);
                row.slice_mut(s![place.clone()]).iter_mut().zip(&samples).for_each(|(o, x)| *o = x * scale);
            }
            self.filled += n;
            at += n;
            if self.filled == PIECE {
                self.flush(par)?;
            }
        }
        Ok(())
    }

    /// Adds what is held back.
    pub(super) fn flush(&mut self, par: &Par) -> Result<()> {
        let piece = self.piece.slice(s![.., ..self.filled]);
        if piece.ncols() == 0 {
            return Ok(());
        }
        linalg::gram_into(par, self.gram.view_mut(), piece);
        for (_, rank) in &mut self.groups {
            if let GroupRank::Watched(watch) = rank {
                watch.push(par, piece, self.gram.view())?;
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.push(piece)?;
        }
        self.n_samples += self.filled as u64;
        self.filled = 0;
        Ok(())
    }
}
