//! What Maxwell filters left in a recording's processing history (MNE's `info["proc_history"]`).
//!
//! The blocks themselves stay in [`Info::blocks`] as they stood in the file; here they are read, and new ones are made.

use crate::{CoordFrame, CrossTalk, Error, FineCalibration, Info, Result, SensorCalibration};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Branch, FileId, RawTag, Sparse, Wrong};
use ndarray::{Array2, ArrayView2, s};

/// Signal-space separation (`FIFFB_SSS_INFO`).
#[derive(Clone, Debug, PartialEq)]
pub struct SssInfo {
    /// What was done (`FIFFV_SSS_JOB_*`).
    pub job: i32,
    /// Frame of the origin.
    pub frame: CoordFrame,
    /// Centre of the expansions (m).
    pub origin: [f64; 3],
    /// Order of the inner expansion.
    pub in_order: i32,
    /// Order of the outer expansion.
    pub out_order: i32,
    /// Number of good channels.
    pub nchan: i32,
    /// For each moment, in MaxFilter's order, whether it was used.
    pub components: Vec<i32>,
    /// Number of inner moments used.
    pub nfree: i32,
    /// Least goodness of fit of the head position.
    pub hpi_g_limit: Option<f64>,
    /// Largest error of the head position (m).
    pub hpi_dist_limit: Option<f64>,
}

/// The temporal extension (`FIFFB_SSS_ST_INFO`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxSt {
    /// What was done (`FIFFV_SSS_JOB_*`).
    pub job: i32,
    /// Least correlation of what was taken out.
    pub subspcorr: f64,
    /// Length of the windows (s).
    pub buflen: f64,
}

/// Cross-talk that was taken out (`FIFFB_CHANNEL_DECOUPLER`).
#[derive(Clone, Debug, PartialEq)]
pub struct SssCtc {
    /// Identifier of the block.
    pub block_id: Option<FileId>,
    /// The matrix. In a history it is stored transposed; here it stands as in [`CrossTalk`].
    pub cross_talk: CrossTalk,
}

/// Fine calibration that was applied (`FIFFB_SSS_CAL`).
#[derive(Clone, Debug, PartialEq)]
pub struct SssCal {
    /// Number and coil type of each channel.
    pub cal_chans: Vec<[i32; 2]>,
    /// Two coefficients, then position and unit vectors, `(n_channels, 14)`.
    pub cal_corrs: Array2<f64>,
}

/// One record of the processing history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcRecord {
    /// Identifier of the block.
    pub block_id: Option<FileId>,
    /// When: seconds and microseconds since 1970.
    pub date: Option<(i32, i32)>,
    /// Who.
    pub experimenter: String,
    /// By which program.
    pub creator: String,
    /// Signal-space separation.
    pub sss_info: Option<SssInfo>,
    /// Its temporal extension.
    pub max_st: Option<MaxSt>,
    /// Cross-talk.
    pub sss_ctc: Option<SssCtc>,
    /// Fine calibration.
    pub sss_cal: Option<SssCal>,
}

/// `FIFFV_SSS_JOB_FILTER`
pub const SSS_JOB_FILTER: i32 = 2;
/// `FIFFV_SSS_JOB_ST`
pub const SSS_JOB_ST: i32 = 10;
/// `FIFFV_SSS_JOB_TPROJ`
pub const SSS_JOB_TPROJ: i32 = 11;

/// MNE's mark for "no date" as a date.
const NO_DATE: (i32, i32) = FileId::NO_DATE;

/// The tag of that kind, decoded.
fn find<T>(block: &Branch, kind: i32, decode: impl FnOnce(&RawTag) -> Result<T, Wrong>) -> Result<Option<T>> {
    let Some(tag) = block.tag(kind) else { return Ok(None) };
    decode(tag).map(Some).map_err(|wrong| {
        Error::data(format!(
            "{} of {} in the processing history holds {}, expected {}",
            tag_name(kind),
            block_name(block.kind),
            wrong.got,
            wrong.expected
        ))
    })
}

fn date(tag: &RawTag) -> Result<(i32, i32), Wrong> {
    let values = tag.ints()?;
    match values[..] {
        [secs, usecs, ..] => Ok((secs as i32, usecs as i32)),
        _ => Err(Wrong::new("seconds and microseconds", format!("{} numbers", values.len()))),
    }
}

/// Names; the last one may be followed by null characters and what stood in the buffer before.
fn names(tag: &RawTag) -> Result<Vec<String>, Wrong> {
    let mut names = tag.names()?;
    if let Some(last) = names.last_mut() {
        *last = last.split('\0').next().unwrap_or_default().to_owned();
    }
    Ok(names)
}

impl SssInfo {
    fn decode(block: &Branch) -> Result<Option<Self>> {
        let int = |kind| Ok::<_, Error>(find(block, kind, RawTag::int)?.unwrap_or(0));
        let origin = find(block, FIFF_SSS_ORIGIN, RawTag::floats)?.unwrap_or_default();
        let components = find(block, FIFF_SSS_COMPONENTS, RawTag::ints)?.unwrap_or_default();
        if block.tags.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            job: int(FIFF_SSS_JOB)?,
            frame: CoordFrame(int(FIFF_SSS_FRAME)?),
            origin: std::array::from_fn(|i| origin.get(i).copied().unwrap_or(0.0)),
            in_order: int(FIFF_SSS_ORD_IN)?,
            out_order: int(FIFF_SSS_ORD_OUT)?,
            nchan: int(FIFF_SSS_NMAG)?,
            components: components.into_iter().map(|used| used as i32).collect(),
            nfree: int(FIFF_SSS_NFREE)?,
            hpi_g_limit: find(block, FIFF_HPI_FIT_GOOD_LIMIT, RawTag::float)?,
            hpi_dist_limit: find(block, FIFF_HPI_FIT_DIST_LIMIT, RawTag::float)?,
        }))
    }
    fn encode(&self) -> Branch {
        let mut tags = vec![
            RawTag::of_ints(FIFF_SSS_JOB, &[self.job]),
            RawTag::of_ints(FIFF_SSS_FRAME, &[self.frame.0]),
            RawTag::of_floats(FIFF_SSS_ORIGIN, &self.origin),
            RawTag::of_ints(FIFF_SSS_ORD_IN, &[self.in_order]),
            RawTag::of_ints(FIFF_SSS_ORD_OUT, &[self.out_order]),
            RawTag::of_ints(FIFF_SSS_NMAG, &[self.nchan]),
            RawTag::of_ints(FIFF_SSS_COMPONENTS, &self.components),
            RawTag::of_ints(FIFF_SSS_NFREE, &[self.nfree]),
        ];
        let limits = [(FIFF_HPI_FIT_GOOD_LIMIT, self.hpi_g_limit), (FIFF_HPI_FIT_DIST_LIMIT, self.hpi_dist_limit)];
        tags.extend(limits.into_iter().filter_map(|(kind, limit)| Some(RawTag::of_floats(kind, &[limit?]))));
        Branch { kind: FIFFB_SSS_INFO, tags, children: Vec::new() }
    }
}

impl MaxSt {
    fn decode(block: &Branch) -> Result<Option<Self>> {
        if block.tags.is_empty() {
            return Ok(None);
        }
        let float = |kind| Ok::<_, Error>(find(block, kind, RawTag::float)?.unwrap_or(0.0));
        Ok(Some(Self {
            job: find(block, FIFF_SSS_JOB, RawTag::int)?.unwrap_or(0),
            subspcorr: float(FIFF_SSS_ST_CORR)?,
            buflen: float(FIFF_SSS_ST_LENGTH)?,
        }))
    }
    fn encode(&self) -> Branch {
        let tags = vec![
            RawTag::of_ints(FIFF_SSS_JOB, &[self.job]),
            RawTag::of_floats(FIFF_SSS_ST_CORR, &[self.subspcorr]),
            RawTag::of_floats(FIFF_SSS_ST_LENGTH, &[self.buflen]),
        ];
        Branch { kind: FIFFB_SSS_ST_INFO, tags, children: Vec::new() }
    }
}

impl SssCtc {
    fn decode(block: &Branch) -> Result<Option<Self>> {
        let Some(matrix) = find(block, FIFF_DECOUPLER_MATRIX, |tag| tag.matrix()?.into_2d())? else { return Ok(None) };
        let ch_names = find(block, FIFF_PROJ_ITEM_CH_NAME_LIST, names)?.unwrap_or_default();
        if matrix.dim() != (ch_names.len(), ch_names.len()) {
            let got = format!("{:?} elements and {} names", matrix.dim(), ch_names.len());
            return Err(Error::data(format!("the cross-talk matrix has {got}, expected a row and a column a name")));
        }
        let cross_talk = CrossTalk {
            ch_names,
            decoupler: matrix.reversed_axes().as_standard_layout().into_owned(),
            creator: find(block, FIFF_CREATOR, RawTag::text)?,
            date: find(block, FIFF_MEAS_DATE, date)?,
        };
        Ok(Some(Self { block_id: find(block, FIFF_BLOCK_ID, RawTag::id)?, cross_talk }))
    }
    fn encode(&self) -> Branch {
        let CrossTalk { ch_names, decoupler, creator, date } = &self.cross_talk;
        let mut tags: Vec<RawTag> = self.block_id.map(|id| RawTag::of_id(FIFF_BLOCK_ID, id)).into_iter().collect();
        tags.extend(date.map(|(secs, usecs)| RawTag::of_ints(FIFF_MEAS_DATE, &[secs, usecs])));
        tags.extend(creator.as_ref().map(|creator| RawTag::of_text(FIFF_CREATOR, creator)));
        tags.push(RawTag::of_sparse(FIFF_DECOUPLER_MATRIX, &Sparse::from_dense(decoupler.t(), false)));
        tags.push(RawTag::of_names(FIFF_PROJ_ITEM_CH_NAME_LIST, ch_names));
        Branch { kind: FIFFB_CHANNEL_DECOUPLER, tags, children: Vec::new() }
    }
}

impl SssCal {
    fn decode(block: &Branch) -> Result<Option<Self>> {
        let (Some(chans), Some(cal_corrs)) = (
            find(block, FIFF_SSS_CAL_CHANS, |tag| tag.matrix()?.into_2d())?,
            find(block, FIFF_SSS_CAL_CORRS, |tag| tag.matrix()?.into_2d())?,
        ) else {
            return Ok(None);
        };
        if chans.ncols() != 2 || cal_corrs.nrows() != chans.nrows() || !(13..=16).contains(&cal_corrs.ncols()) {
            let got = format!("{:?} and {:?} numbers", chans.dim(), cal_corrs.dim());
            let expected = "2 numbers and 14 to 16 numbers a channel";
            return Err(Error::data(format!("the fine calibration of the recording has {got}, expected {expected}")));
        }
        let cal_chans = chans.rows().into_iter().map(|row| [row[0] as i32, row[1] as i32]).collect();
        Ok(Some(Self { cal_chans, cal_corrs }))
    }
    fn encode(&self) -> Branch {
        let chans = ArrayView2::from(&self.cal_chans[..]);
        let tags = vec![
            RawTag::of_int_matrix(FIFF_SSS_CAL_CHANS, chans),
            RawTag::of_float_matrix(FIFF_SSS_CAL_CORRS, self.cal_corrs.view()),
        ];
        Branch { kind: FIFFB_SSS_CAL, tags, children: Vec::new() }
    }
    /// As a calibration file has it: the coefficients that belong to the kind of coil, position and unit vectors.
    pub fn to_calibration(&self) -> FineCalibration {
        // FIFFV_COIL_VV_PLANAR_*: their first coefficient is 1, the imbalance follows.
        let is_grad = |coil: i32| (3011..=3015).contains(&coil);
        let n = self.cal_corrs.ncols();
        let sensors = self.cal_chans.iter().zip(self.cal_corrs.rows()).map(|(&[number, coil], row)| {
            let range = if is_grad(coil) { 1..n - 12 } else { 0..1 };
            SensorCalibration {
                name: format!("MEG{number:04}"),
                loc: std::array::from_fn(|i| row[n - 12 + i]),
                imbalance: row.slice(s![range]).to_vec(),
            }
        });
        FineCalibration { sensors: sensors.collect() }
    }
}

/// The first block of that kind with something in it (MaxFilter 3 writes an empty one before it).
fn first<T>(branch: &Branch, kind: i32, decode: impl Fn(&Branch) -> Result<Option<T>>) -> Result<Option<T>> {
    branch.find(kind).into_iter().find_map(|block| decode(block).transpose()).transpose()
}

impl ProcRecord {
    fn decode(record: &Branch) -> Result<Self> {
        Ok(Self {
            block_id: find(record, FIFF_BLOCK_ID, RawTag::id)?,
            date: find(record, FIFF_MEAS_DATE, date)?.filter(|date| *date != NO_DATE),
            experimenter: find(record, FIFF_EXPERIMENTER, RawTag::text)?.unwrap_or_default(),
            creator: find(record, FIFF_CREATOR, RawTag::text)?.unwrap_or_default(),
            sss_info: first(record, FIFFB_SSS_INFO, SssInfo::decode)?,
            max_st: first(record, FIFFB_SSS_ST_INFO, MaxSt::decode)?,
            sss_ctc: first(record, FIFFB_CHANNEL_DECOUPLER, SssCtc::decode)?,
            sss_cal: first(record, FIFFB_SSS_CAL, SssCal::decode)?,
        })
    }
    fn encode(&self) -> Branch {
        let (secs, usecs) = self.date.unwrap_or(NO_DATE);
        let mut record = Branch::new(FIFFB_PROCESSING_RECORD);
        record.tags.extend(self.block_id.map(|id| RawTag::of_id(FIFF_BLOCK_ID, id)));
        record.tags.push(RawTag::of_ints(FIFF_MEAS_DATE, &[secs, usecs]));
        for (kind, text) in [(FIFF_EXPERIMENTER, &self.experimenter), (FIFF_CREATOR, &self.creator)] {
            if !text.is_empty() {
                record.tags.push(RawTag::of_text(kind, text));
            }
        }
        record.children.extend(self.sss_info.as_ref().map(SssInfo::encode));
        record.children.extend(self.max_st.as_ref().map(MaxSt::encode));
        record.children.extend(self.sss_ctc.as_ref().map(SssCtc::encode));
        record.children.extend(self.sss_cal.as_ref().map(SssCal::encode));
        record
    }
}

impl Info {
    /// The processing history, the latest record first.
    ///
    /// # Errors
    /// When a record is damaged.
    pub fn proc_history(&self) -> Result<Vec<ProcRecord>> {
        let history = self.blocks.iter().filter(|block| block.kind == FIFFB_PROCESSING_HISTORY);
        history.flat_map(|block| block.find(FIFFB_PROCESSING_RECORD)).map(ProcRecord::decode).collect()
    }
    /// Adds a record at the head of the processing history.
    pub fn push_proc_history(&mut self, record: &ProcRecord) {
        let encoded = record.encode();
        match self.blocks.iter_mut().find(|block| block.kind == FIFFB_PROCESSING_HISTORY) {
            Some(history) => history.children.insert(0, encoded),
            None => {
                self.blocks.push(Branch { kind: FIFFB_PROCESSING_HISTORY, tags: Vec::new(), children: vec![encoded] })
            }
        }
    }
    /// Fine calibration that the recording carries though it was not applied (MNE's `info["fine_calibration"]`).
    ///
    /// # Errors
    /// When it is damaged.
    pub fn fine_calibration(&self) -> Result<Option<FineCalibration>> {
        let found = self.carried(FIFFB_SSS_CAL).map(SssCal::decode).transpose()?;
        Ok(found.flatten().map(|cal| cal.to_calibration()))
    }
    /// Cross-talk matrix that the recording carries though it was not applied (MNE's `info["cross_talk"]`).
    ///
    /// # Errors
    /// When it is damaged.
    pub fn cross_talk(&self) -> Result<Option<CrossTalk>> {
        let found = self.carried(FIFFB_CHANNEL_DECOUPLER).map(SssCtc::decode).transpose()?;
        Ok(found.flatten().map(|ctc| ctc.cross_talk))
    }
    /// A block outside the processing history: what stands there was applied already.
    fn carried(&self, kind: i32) -> Option<&Branch> {
        let blocks = self.blocks.iter().filter(|block| block.kind != FIFFB_PROCESSING_HISTORY);
        blocks.flat_map(|block| block.find(kind)).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn record() -> ProcRecord {
        let cross_talk = CrossTalk {
            ch_names: vec!["MEG0111".into(), "MEG0112".into()],
            decoupler: array![[1.0, 0.25], [0.0, 1.0]],
            creator: Some("somebody".into()),
            date: Some((12, 34)),
        };
        let loc: Vec<f64> = (0..28).map(f64::from).collect();
        ProcRecord {
            block_id: Some(FileId::CONSTANT),
            date: None,
            experimenter: String::new(),
            creator: "bakusoku".into(),
            sss_info: Some(SssInfo {
                job: SSS_JOB_FILTER,
                frame: CoordFrame::HEAD,
                origin: [0.0, 0.0, 0.0625],
                in_order: 8,
                out_order: 3,
                nchan: 306,
                components: vec![1, 0, 1],
                nfree: 2,
                hpi_g_limit: Some(0.5),
                hpi_dist_limit: None,
            }),
            max_st: Some(MaxSt { job: SSS_JOB_ST, subspcorr: 0.75, buflen: 10.0 }),
            sss_ctc: Some(SssCtc { block_id: None, cross_talk }),
            sss_cal: Some(SssCal {
                cal_chans: vec![[113, 3012], [111, 3024]],
                cal_corrs: Array2::from_shape_vec((2, 14), loc).unwrap(),
            }),
        }
    }

    #[test]
    fn records_come_back_latest_first() {
        let mut info = Info::default();
        let older = ProcRecord { creator: "older".into(), max_st: record().max_st, ..ProcRecord::default() };
        info.push_proc_history(&older);
        info.push_proc_history(&record());
        assert_eq!(info.proc_history().unwrap(), [record(), older]);
        // What was applied is nothing to be applied again.
        assert_eq!((info.fine_calibration().unwrap(), info.cross_talk().unwrap()), (None, None));
        info.blocks.push(record().sss_cal.unwrap().encode());
        info.blocks.push(record().sss_ctc.unwrap().encode());
        let calibration = info.fine_calibration().unwrap().unwrap();
        assert_eq!(calibration.sensors[0].name, "MEG0113");
        assert_eq!(calibration.sensors[0].imbalance, [1.0]);
        assert_eq!(calibration.sensors[1].imbalance, [14.0]);
        assert_eq!(calibration.sensors[1].loc[0], 16.0);
        assert_eq!(info.cross_talk().unwrap().unwrap(), record().sss_ctc.unwrap().cross_talk);
    }

    #[test]
    fn damaged_records_are_errors() {
        let mut info = Info::default();
        info.push_proc_history(&record());
        info.blocks[0].children[0].children[2].tags.retain(|tag| tag.kind != FIFF_PROJ_ITEM_CH_NAME_LIST);
        let error = info.proc_history().unwrap_err().to_string();
        assert!(error.contains("0 names"), "{error}");
        let mut info = Info::default();
        info.push_proc_history(&record());
        info.blocks[0].children[0].children[0].tags[0].type_ = FIFFT_STRING;
        let error = info.proc_history().unwrap_err().to_string();
        assert!(error.contains("FIFF_SSS_JOB") && error.contains("whole numbers"), "{error}");
    }
}
