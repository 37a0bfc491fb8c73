//! Sound files to start from, small and with a little of everything.

use bakusoku_core::ChannelType::{Eeg, Grad, Mag, Stim};
use bakusoku_core::containers::{Covariance, Epochs, Evoked, Raw};
use bakusoku_core::{
    Annotation, Compensator, CoordFrame, CrossTalk, DigKind, DigPoint, Event, Info, Projector, Recording, Span,
    SubjectInfo, Transform,
};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Branch, FileId, RawTag};
use bakusoku_io::fif::{self, EpochsExtras, RawFormat, RawOptions, RawWriter};
use ndarray::{Array2, Array3};
use std::path::Path;
use std::sync::Arc;

const ID: FileId = FileId::CONSTANT;

/// A description with a little of everything.
fn info(mut info: Info) -> Info {
    let names: Vec<String> = info.ch_names().map(Into::into).collect();
    let matrix = [[1.0, 0.0, 0.0, 0.01], [0.0, 1.0, 0.0, 0.02], [0.0, 0.0, 1.0, 0.03], [0.0, 0.0, 0.0, 1.0]];
    info.chs[2].name = "EEG with a name beyond fifteen bytes".into();
    info.bads = vec![names[1].clone()];
    info.line_freq = Some(50.0);
    info.meas_date = Some((1_700_000_000, 123));
    info.dev_head_t = Some(Transform { from: CoordFrame::DEVICE, to: CoordFrame::HEAD, matrix });
    info.dig = (1..=4)
        .map(|ident| DigPoint { kind: DigKind::Extra, ident, r: [0.01, 0.02, 0.09], coord_frame: CoordFrame::HEAD })
        .collect();
    info.projs = vec![Projector {
        kind: Projector::FIELD,
        active: false,
        desc: "PCA-v1".into(),
        names: names[..2].to_vec(),
        data: Array2::from_elem((1, 2), 0.6),
        explained_var: Some(0.5),
    }];
    info.comps = vec![Compensator {
        kind: 101,
        save_calibrated: false,
        row_names: names[..1].to_vec(),
        col_names: names[1..2].to_vec(),
        data: Array2::from_elem((1, 1), 0.1),
    }];
    info.subject_info = Some(SubjectInfo { id: Some(1), his_id: Some("x".into()), ..SubjectInfo::default() });
    let int = |kind, value: i32| RawTag { kind, type_: FIFFT_INT, data: value.to_be_bytes().to_vec() };
    info.blocks = vec![
        Branch { tags: vec![int(FIFF_HPI_NCOIL, 4)], ..Branch::new(FIFFB_HPI_MEAS) },
        Branch {
            children: vec![Branch { tags: vec![int(FIFF_SSS_JOB, 2)], ..Branch::new(FIFFB_PROCESSING_RECORD) }],
            ..Branch::new(FIFFB_PROCESSING_HISTORY)
        },
    ];
    info
}

fn raw() -> Raw {
    let (mut stream, mut data) = bakusoku_testing::noise(&[Grad, Mag, Eeg, Stim], 100.0, 60, 1).into_parts();
    stream.info = Arc::new(info((*stream.info).clone()));
    stream.first_samp = 1000;
    stream.gaps = vec![Span::new(20, 30)];
    data.slice_mut(ndarray::s![.., 20..30]).fill(0.0);
    stream.annotations.orig_time = stream.info.meas_date;
    stream.annotations.items = vec![Annotation {
        onset: 10.1,
        duration: 0.2,
        description: "BAD blink".into(),
        ch_names: vec![stream.info.chs[0].name.clone()],
    }];
    Raw::new(stream, data).expect("the shape is the stream's")
}

/// Writes all of them into a folder.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let at = |name: &str| folder.join(name);
    let raw = raw();
    for fmt in [RawFormat::Short, RawFormat::Int, RawFormat::Single, RawFormat::Double] {
        let options = RawOptions { fmt, buffer_size_sec: 0.1, ..RawOptions::default() };
        RawWriter::copy(at(&format!("{}_raw.fif", fmt.name())), &raw, options)?;
    }
    // A recording that says that it goes on in the next file.
    let (mut stream, data) = raw.clone().into_parts();
    let mut goes_on = (*stream.info).clone();
    let text = |kind, text: &str| RawTag { kind, type_: FIFFT_STRING, data: text.into() };
    let int = |kind, value: i32| RawTag { kind, type_: FIFFT_INT, data: value.to_be_bytes().to_vec() };
    goes_on.blocks.push(Branch {
        children: vec![Branch {
            tags: vec![
                int(FIFF_REF_ROLE, FIFFV_ROLE_NEXT_FILE),
                text(FIFF_REF_FILE_NAME, "input-1.fif"),
                int(FIFF_REF_FILE_NUM, 1),
            ],
            ..Branch::new(FIFFB_REF)
        }],
        ..Branch::new(FIFFB_ROOT)
    });
    stream.info = Arc::new(goes_on);
    RawWriter::copy(at("goes_on_raw.fif"), &Raw::new(stream, data)?, RawOptions::default())?;

    let info = Arc::clone(&raw.stream().info);
    let events: Vec<Event> = (1..=3).map(|code| Event { sample: 1000 + 10 * code, previous: 0, code }).collect();
    let evoked = Evoked {
        info: info.clone(),
        comment: "auditory".into(),
        nave: 12.0,
        first: -5,
        baseline: Some((-0.05, 0.0)),
        data: Array2::from_elem((4, 15), 1e-12),
    };
    fif::write_evoked(&at("x-ave.fif"), &[evoked.clone(), evoked], ID)?;
    let epochs = Epochs {
        info,
        events: events.clone(),
        event_id: vec![("a".into(), 1), ("b".into(), 2), ("c".into(), 3)],
        selection: vec![0, 1, 3],
        drop_log: vec![vec![], vec![], vec!["EEG 003".into()], vec![]],
        first: -5,
        tmin: -0.05,
        baseline: None,
        data: Array3::from_elem((3, 4, 15), 1e-12),
    };
    fif::write_epochs(&at("x-epo.fif"), &epochs, &EpochsExtras::default(), ID)?;
    fif::write_events(&at("x-eve.fif"), &events, ID)?;
    fif::write_annotations(&at("x-annot.fif"), &raw.stream().annotations, ID)?;
    fif::write_projections(&at("x-proj.fif"), &raw.stream().info.projs, ID)?;
    let names: Vec<String> = raw.stream().info.ch_names().map(Into::into).collect();
    let cov = Covariance {
        bads: names[..1].to_vec(),
        projs: raw.stream().info.projs.clone(),
        nfree: 100,
        method: "empirical".into(),
        data: Array2::eye(names.len()),
        names: names.clone(),
    };
    fif::write_covariance(&at("x-cov.fif"), &cov, ID)?;
    let cross_talk = CrossTalk {
        decoupler: Array2::eye(names.len()),
        ch_names: names,
        creator: Some("x".into()),
        date: Some((1, 2)),
    };
    bakusoku_io::maxfilter::write_cross_talk(at("x_ctc.fif"), &cross_talk, ID)?;
    Ok(())
}
