//! Breaks files whose headers are text where it hurts: numbers, words, lines, ends.

use crate::chance::Chance;
use std::ops::Range;

/// Words that parsers stumble over.
const WORDS: [&[u8]; 24] = [
    b"0",
    b"-1",
    b"1",
    b"2",
    b"65536",
    b"99999999",
    b"4294967296",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"1e308",
    b"1e-308",
    b"nan",
    b"inf",
    b"",
    b",",
    b"=",
    b"[",
    b"\xff",
    b"\0",
    b"\n",
    b"+",
    b"VECTORIZED",
    b"ASCII",
    b"EDF+D",
];

/// Runs of digits, letters and points.
fn words(bytes: &[u8]) -> Vec<Range<usize>> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|&&byte| inside(byte)).count();
        if len > 0 {
            out.push(at..at + len);
        }
        at += len + 1;
    }
    out
}

/// Breaks a file in one to four places.
pub(crate) fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..1 + chance.below(4) {
        once(bytes, chance);
    }
}

fn once(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let words = words(bytes);
    if words.is_empty() {
        return bytes.extend_from_slice(chance.of(&WORDS));
    }
    let word = words[chance.below(words.len())].clone();
    match chance.below(10) {
        // As long as before, as fields of a fixed width need it.
        0..=3 => {
            let mut new = chance.of(&WORDS).to_vec();
            new.resize(word.len(), b' ');
            bytes[word].copy_from_slice(&new);
        }
        4 | 5 => _ = bytes.splice(word, chance.of(&WORDS).iter().copied()),
        6 => {
            let other = bytes[words[chance.below(words.len())].clone()].to_vec();
            bytes.splice(word, other);
        }
        7 => bytes.truncate(chance.below(bytes.len() + 1)),
        8 => {
            // A line goes, or comes twice.
            let start = bytes[..word.start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let end =
                bytes[word.end..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| word.end + at + 1);
            let line = bytes[start..end].to_vec();
            let times = if chance.below(2) == 0 { 0 } else { 2 };
            bytes.splice(start..end, line.repeat(times));
        }
        _ => {
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
        }
    }
}
