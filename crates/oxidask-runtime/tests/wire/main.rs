//! Messages between processes: what is written is read again, and nothing that is read does harm.

#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod any;
mod codec;
mod frames;
mod links;
mod sessions;
