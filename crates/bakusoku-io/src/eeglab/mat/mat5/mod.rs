//! MAT files of version 5 (MATLAB's `-v6` and `-v7`), as The MathWorks describes them in *MAT-File Format*.
//!
//! A file is a header of 128 bytes and elements: type, length, bytes. A variable is an element `miMATRIX`, or one of
//! these compressed (`miCOMPRESSED`). All offsets are checked against the element around before anything is read.

mod input;
mod matrix;
mod text;

pub(in crate::eeglab) use input::inflate;
pub(in crate::eeglab::mat) use text::rows;

use super::{Variables, Wanted};
use crate::{Error, Result};
use bakusoku_fiff::{FileSource, ReadAt};
use input::Input;
use matrix::Parser;
use std::path::Path;

const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;

/// Reads what is wanted of a file that starts with `start`.
pub(super) fn read(path: &Path, file: FileSource, start: &[u8; 128], wanted: Wanted) -> Result<Variables> {
    let big_endian = match &start[126..] {
        b"IM" => false,
        b"MI" => true,
        other => {
            let got = format!("the bytes {:02x} {:02x}", other[0], other[1]);
            return Err(Error::Byte {
                path: path.to_owned(),
                at: 126,
                expected: "`IM` or `MI`, the byte order".into(),
                got,
            });
        }
    };
    let len = file.len();
    let mut parser = Parser::new(path, len, wanted);
    let mut input = Input::plain(path, &file, big_endian);
    let mut all = Vec::new();
    input.skip_to(128)?;
    while input.pos() < len {
        let tag = input.tag(len)?;
        match tag.type_ {
            MI_MATRIX => all.extend(parser.variable(&mut input, &tag)?),
            MI_COMPRESSED => {
                let element = tag.at..tag.at + tag.len;
                let mut inflated = Input::inflated(path, &file, big_endian, element);
                // How long it gets is what the element inside says.
                let inner = inflated.tag(u64::MAX)?;
                if inner.type_ != MI_MATRIX {
                    return Err(inflated.wrong(
                        0,
                        "a variable (type 14)",
                        format!("an element of type {}", inner.type_),
                    ));
                }
                all.extend(parser.variable(&mut inflated, &inner)?);
            }
            type_ => {
                return Err(input.wrong(
                    tag.start,
                    "a variable (type 14 or 15)",
                    format!("an element of type {type_}"),
                ));
            }
        }
        // A compressed variable is not padded.
        input.skip_to(if tag.type_ == MI_COMPRESSED { tag.at + tag.len } else { tag.next })?;
    }
    Ok(Variables { all })
}
