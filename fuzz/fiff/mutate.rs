//! Breaks FIFF files where it hurts: sizes, types, kinds and `next` of tags, dimensions behind matrices, the directory.

use crate::chance::Chance;
use std::ops::Range;

/// Numbers that parsers stumble over.
const NUMBERS: [i32; 30] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    12,
    15,
    16,
    20,
    64,
    96,
    100,
    127,
    128,
    255,
    256,
    300,
    65_535,
    65_536,
    1 << 20,
    1 << 24,
    1 << 26,
    1 << 28,
    1 << 30,
    i32::MAX,
    i32::MIN,
    -1,
    -2,
];
/// Types of data, and codings of matrices.
const TYPES: [i32; 22] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 16, 20, 21, 30, 31, 32, 33, 35, 0x4000_0004, 0x4010_0004, 0x4020_0004];

fn number(chance: &mut Chance, len: usize) -> i32 {
    match chance.below(4) {
        0 => chance.next() as i32,
        1 => chance.below(2 * len + 1) as i32,
        _ => chance.of(&NUMBERS),
    }
}

/// Where the tags stand, as far as they can be followed.
fn tags(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(header) = bytes.get(at..at + 16) {
        let word = |k: usize| i32::from_be_bytes([header[k], header[k + 1], header[k + 2], header[k + 3]]);
        let end = at + 16 + usize::try_from(word(8)).unwrap_or(0).min(bytes.len());
        out.push(at..end.min(bytes.len()));
        at = match word(12) {
            next if next > 0 && next as usize > at => next as usize,
            _ => end,
        };
    }
    out
}

fn put(bytes: &mut [u8], at: usize, value: i32) {
    if let Some(to) = bytes.get_mut(at..at + 4) {
        to.copy_from_slice(&value.to_be_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> i32 {
    bytes.get(at..at + 4).map_or(0, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// Breaks a file in one to four places.
pub(crate) fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..1 + chance.below(4) {
        once(bytes, chance);
    }
}

fn once(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let tags = tags(bytes);
    let Some(tag) = (!tags.is_empty()).then(|| tags[chance.below(tags.len())].clone()) else {
        bytes.extend_from_slice(&chance.next().to_be_bytes());
        return;
    };
    let len = bytes.len();
    let (start, n_data) = (tag.start, tag.len().saturating_sub(16));
    match chance.below(14) {
        0 | 1 => {
            let size = word(bytes, start + 8);
            let near = size.wrapping_add(chance.of(&[-4, -1, 1, 4, size]));
            let value = if chance.below(2) == 0 { near } else { number(chance, len) };
            put(bytes, start + 8, value);
        }
        2 => {
            let value = chance.of(&TYPES);
            put(bytes, start + 4, value);
        }
        3 => {
            let other = tags[chance.below(tags.len())].start;
            let kind = word(bytes, other);
            put(bytes, start, kind);
        }
        4 => {
            let other = tags[chance.below(tags.len())].start as i32;
            let value = if chance.below(2) == 0 { other } else { number(chance, len) };
            put(bytes, start + 12, value);
        }
        5 => bytes.truncate(chance.below(len + 1)),
        6 => bytes.truncate(start),
        // Tags go, come twice, or move: the directory is wrong then, so that the tags are walked.
        7 => {
            bytes.drain(tag);
            put(bytes, 52, -1);
        }
        8 => {
            let (copy, to) = (bytes[tag].to_vec(), tags[chance.below(tags.len())].start);
            bytes.splice(to..to, copy);
            put(bytes, 52, -1);
        }
        // The last numbers of a matrix are its dimensions.
        9 => {
            let value = number(chance, len);
            let back = 4 * (1 + chance.below(4));
            if n_data >= back {
                put(bytes, tag.end - back, value);
            }
        }
        10 | 11 if n_data >= 4 => {
            let value = number(chance, len);
            put(bytes, start + 16 + 4 * chance.below(n_data / 4), value);
        }
        12 => {
            let value = number(chance, len);
            put(bytes, 52, value);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(start + chance.below(tag.len())) {
                *byte ^= 1 << chance.below(8);
            }
        }
    }
}
