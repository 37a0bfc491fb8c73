//! Breaks binary files where it hurts: words that may be types, sizes, dimensions, offsets; stretches; ends.

use crate::chance::Chance;

/// Numbers that parsers stumble over.
const NUMBERS: [u32; 24] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    14,
    15,
    16,
    64,
    255,
    256,
    4096,
    65_535,
    65_536,
    0x0001_0005,
    1 << 24,
    1 << 30,
    i32::MAX as u32,
    u32::MAX,
];

/// Breaks a file in one to four places. What matters stands at multiples of `align` from `start` on.
pub(crate) fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance, start: usize, align: usize) {
    for _ in 0..1 + chance.below(4) {
        once(bytes, chance, start, align);
    }
}

fn once(bytes: &mut Vec<u8>, chance: &mut Chance, start: usize, align: usize) {
    let len = bytes.len();
    if len < start + 32 {
        return bytes.extend_from_slice(&[0; 8]);
    }
    let mut place = || start + align * chance.below((len - start - 4) / align);
    let (at, from) = (place(), place());
    match chance.below(10) {
        0..=4 => {
            let number = chance.of(&NUMBERS);
            let word = if chance.below(4) == 0 { number.to_be_bytes() } else { number.to_le_bytes() };
            bytes[at..at + 4].copy_from_slice(&word);
        }
        5 => bytes[at] = bytes[at].wrapping_add(1),
        6 => bytes.truncate(chance.below(len + 1)),
        7 => _ = bytes.drain(at..(at + 8 * (1 + chance.below(8))).min(len)),
        8 => {
            let piece = bytes[from..(from + 8 * (1 + chance.below(8))).min(len)].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let at = chance.below(len);
            bytes[at] ^= 1 << chance.below(8);
        }
    }
}
