//! The fixed records of FIFF: channel, coordinate transformation, digitised point.

use bakusoku_core::{Channel, CoordFrame, DigKind, DigPoint, Transform};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{RawTag, Wrong};

fn int(data: &[u8], at: usize) -> i32 {
    data.get(at..at + 4).map_or(0, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}
fn float(data: &[u8], at: usize) -> f64 {
    f64::from(f32::from_bits(int(data, at) as u32))
}

/// The frame in which a channel's position is given; FIFF says it by the kind (MNE's `_ch_coord_dict`).
pub(crate) fn coord_frame(kind: i32) -> CoordFrame {
    match kind {
        // MEG, reference MEG
        1 | 301 => CoordFrame::DEVICE,
        // EEG, ECoG, sEEG, DBS, fNIRS
        2 | 902 | 802 | 803 | 1100 => CoordFrame::HEAD,
        _ => CoordFrame::UNKNOWN,
    }
}

/// `FIFFT_CH_INFO_STRUCT`, 96 bytes.
pub(crate) fn channel(tag: &RawTag) -> Result<Channel, Wrong> {
    let d = tag.record::<96>(FIFFT_CH_INFO_STRUCT)?;
    let name = &d[80..];
    let name = &name[..name.iter().position(|&b| b == 0).unwrap_or(name.len())];
    let name = std::str::from_utf8(name).map_or_else(|_| name.iter().map(|&b| char::from(b)).collect(), str::to_owned);
    let kind = int(d, 8);
    Ok(Channel {
        name,
        scanno: int(d, 0),
        logno: int(d, 4),
        kind,
        range: float(d, 12),
        cal: float(d, 16),
        coil_type: int(d, 20),
        loc: std::array::from_fn(|i| float(d, 24 + 4 * i)),
        unit: int(d, 72),
        unit_mul: int(d, 76),
        coord_frame: coord_frame(kind),
    })
}

/// The record of a channel under a name of at most 15 bytes.
pub(crate) fn channel_bytes(ch: &Channel, name: &str, scanno: i32, range: f64) -> Vec<u8> {
    let mut d = Vec::with_capacity(96);
    d.extend([scanno, ch.logno, ch.kind].into_iter().flat_map(i32::to_be_bytes));
    d.extend([range as f32, ch.cal as f32].into_iter().flat_map(f32::to_be_bytes));
    d.extend(ch.coil_type.to_be_bytes());
    d.extend(ch.loc.iter().flat_map(|&v| (v as f32).to_be_bytes()));
    d.extend([ch.unit, ch.unit_mul].into_iter().flat_map(i32::to_be_bytes));
    d.extend(name.bytes().take(15));
    d.resize(96, 0);
    d
}

/// `FIFFT_COORD_TRANS_STRUCT`, 104 bytes; the inverse that follows in it is not read.
pub(crate) fn transform(tag: &RawTag) -> Result<Transform, Wrong> {
    let d = tag.record::<104>(FIFFT_COORD_TRANS_STRUCT)?;
    let mut matrix = [[0.0; 4]; 4];
    for (i, row) in matrix.iter_mut().take(3).enumerate() {
        for (j, value) in row.iter_mut().take(3).enumerate() {
            *value = float(d, 8 + 4 * (3 * i + j));
        }
        row[3] = float(d, 44 + 4 * i);
    }
    matrix[3][3] = 1.0;
    Ok(Transform { from: CoordFrame(int(d, 0)), to: CoordFrame(int(d, 4)), matrix })
}

/// The record of a transformation and its inverse.
pub(crate) fn transform_bytes(t: &Transform) -> Vec<u8> {
    let mut d: Vec<u8> = [t.from.0, t.to.0].into_iter().flat_map(i32::to_be_bytes).collect();
    for t in [*t, t.inverse()] {
        d.extend((0..9).flat_map(|k| (t.matrix[k / 3][k % 3] as f32).to_be_bytes()));
        d.extend((0..3).flat_map(|i| (t.matrix[i][3] as f32).to_be_bytes()));
    }
    d
}

/// `FIFFT_DIG_POINT_STRUCT`, 20 bytes.
pub(crate) fn dig_point(tag: &RawTag) -> Result<DigPoint, Wrong> {
    let d = tag.record::<20>(FIFFT_DIG_POINT_STRUCT)?;
    let r = std::array::from_fn(|i| float(d, 8 + 4 * i));
    Ok(DigPoint { kind: DigKind::from_fiff(int(d, 0)), ident: int(d, 4), r, coord_frame: CoordFrame::HEAD })
}

/// `FIFFT_DIG_STRING_STRUCT`: kind, ident, number of points, points.
pub(crate) fn dig_string(tag: &RawTag) -> Result<Vec<DigPoint>, Wrong> {
    let d = &tag.data;
    let n = int(d, 8);
    if tag.type_ != FIFFT_DIG_STRING_STRUCT
        || d.len() < 12
        || usize::try_from(n).ok().is_none_or(|n| d.len() - 12 != 12 * n)
    {
        return Err(Wrong::new(
            "a string of digitised points",
            format!("{} bytes of {}", d.len(), type_name(tag.type_)),
        ));
    }
    let point = |k: usize| DigPoint {
        kind: DigKind::from_fiff(int(d, 0)),
        ident: int(d, 4),
        r: std::array::from_fn(|i| float(d, 12 + 12 * k + 4 * i)),
        coord_frame: CoordFrame::HEAD,
    };
    Ok((0..n as usize).map(point).collect())
}

/// The record of a point.
pub(crate) fn dig_point_bytes(point: &DigPoint) -> Vec<u8> {
    let mut d: Vec<u8> = [point.kind.to_fiff(), point.ident].into_iter().flat_map(i32::to_be_bytes).collect();
    d.extend(point.r.iter().flat_map(|&v| (v as f32).to_be_bytes()));
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_its_golden_bytes() {
        let mut loc = [0.0; 12];
        loc[0] = 0.5;
        let ch = Channel {
            name: "MEG 0113".into(),
            kind: 1,
            coil_type: 3012,
            unit: 201,
            unit_mul: 0,
            coord_frame: CoordFrame::DEVICE,
            loc,
            cal: 2.0,
            range: 1.0,
            scanno: 1,
            logno: 113,
        };
        let bytes = channel_bytes(&ch, &ch.name, 1, 1.0);
        let mut golden = vec![
            0, 0, 0, 1, 0, 0, 0, 113, 0, 0, 0, 1, 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0, 0, 0x0b, 0xc4, 0x3f, 0, 0, 0,
        ];
        golden.extend([0; 44]);
        golden.extend([0, 0, 0, 201, 0, 0, 0, 0]);
        golden.extend(b"MEG 0113\0\0\0\0\0\0\0\0");
        assert_eq!(bytes, golden);
        let tag = RawTag { kind: FIFF_CH_INFO, type_: FIFFT_CH_INFO_STRUCT, data: bytes };
        assert_eq!(channel(&tag).unwrap(), ch);
    }

    #[test]
    fn a_transformation_and_a_point_survive() {
        let t = Transform {
            from: CoordFrame::DEVICE,
            to: CoordFrame::HEAD,
            matrix: [[0.0, -1.0, 0.0, 0.25], [1.0, 0.0, 0.0, -0.5], [0.0, 0.0, 1.0, 0.125], [0.0, 0.0, 0.0, 1.0]],
        };
        let data = transform_bytes(&t);
        assert_eq!(data.len(), 104);
        assert_eq!(transform(&RawTag { kind: FIFF_COORD_TRANS, type_: FIFFT_COORD_TRANS_STRUCT, data }).unwrap(), t);
        let p = DigPoint { kind: DigKind::Cardinal, ident: 2, r: [0.0, 0.09375, 0.0], coord_frame: CoordFrame::HEAD };
        let data = dig_point_bytes(&p);
        assert_eq!(dig_point(&RawTag { kind: FIFF_DIG_POINT, type_: FIFFT_DIG_POINT_STRUCT, data }).unwrap(), p);
    }
}
