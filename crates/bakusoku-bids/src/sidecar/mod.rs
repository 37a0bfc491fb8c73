//! What stands beside a recording: `channels.tsv`, `events.tsv`, `electrodes.tsv`, JSON files.
//!
//! Sidecars are inherited: one that names fewer entities, in the same folder or above, speaks about all recordings
//! that have these; the nearest wins.

mod channels;
mod electrodes;
mod events;
mod find;
mod json;

pub use channels::{ChannelRow, ChannelsTable, channel_type, read_channels};
pub use electrodes::{ElectrodesTable, HeadFrame, read_electrodes};
pub use events::{EventRow, EventsTable, UnusableOnset, read_events};
pub use find::{Finder, find};
pub use json::read_json;
