//! Arrays of characters.

/// Rows of an array of characters that is stored column by column.
pub(in crate::eeglab::mat) fn rows(codes: &[char], n_rows: u64) -> Vec<String> {
    let n_rows = usize::try_from(n_rows).unwrap_or(usize::MAX).min(codes.len()).max(1);
    let mut out = vec![String::new(); n_rows];
    for (index, &c) in codes.iter().enumerate() {
        out[index % n_rows].push(c);
    }
    for row in &mut out {
        // As NumPy's strings: no zeros at the end.
        row.truncate(row.trim_end_matches('\0').len());
    }
    out
}

/// Characters by the type of the element: 16 bits (UTF-16), UTF-8, UTF-32, or one byte each (Latin-1).
pub(super) fn characters(type_: u32, bytes: &[u8], big_endian: bool) -> Option<Vec<char>> {
    Some(match type_ {
        1 | 2 => bytes.iter().copied().map(char::from).collect(),
        // miINT16 is what some writers use.
        3 | 4 | 17 => {
            let (units, _) = bytes.as_chunks::<2>();
            let one = if big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
            char::decode_utf16(units.iter().map(|&unit| one(unit))).map(|c| c.unwrap_or('\u{fffd}')).collect()
        }
        16 => String::from_utf8_lossy(bytes).chars().collect(),
        5 | 6 | 18 => {
            let (units, _) = bytes.as_chunks::<4>();
            let one = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
            units.iter().map(|&unit| char::from_u32(one(unit)).unwrap_or('\u{fffd}')).collect()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_every_width_and_both_orders_are_read() {
        let expected: Vec<char> = "aµ".chars().collect();
        assert_eq!(characters(2, b"a\xb5", false).unwrap(), expected);
        assert_eq!(characters(4, &[0, b'a', 0, 0xb5], true).unwrap(), expected);
        assert_eq!(characters(17, &[b'a', 0, 0xb5, 0], false).unwrap(), expected);
        assert_eq!(characters(16, "aµ".as_bytes(), false).unwrap(), expected);
        assert_eq!(characters(18, &[0, 0, 0, b'a', 0, 0, 0, 0xb5], true).unwrap(), expected);
        assert!(characters(9, &[0; 8], false).is_none());
        assert_eq!(rows(&['a', 'c', 'b', 'd'], 2), ["ab", "cd"]);
        assert_eq!(rows(&[], 1 << 40), [""]);
    }
}
