//! The measurement info (`FIFFB_MEAS_INFO`) to and from [`bakusoku_core::Info`].

mod channels;
mod matrices;
mod read;
mod structs;
mod write;

pub(crate) use matrices::{read_bads, read_projs, write_bads, write_projs};
pub(crate) use read::{Renames, read_info};
pub(crate) use structs::{dig_point_bytes, transform_bytes};
pub(crate) use write::{Header, meas_id, write_info, write_meas_start, write_outside};
