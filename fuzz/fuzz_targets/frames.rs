//! A stream of anything, in reads of any size, is frames or an error, within its limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oxidask_runtime::wire::codec::Limits;
use oxidask_runtime::wire::frame::{Assembler, Target};

fuzz_target!(|input: (u8, &[u8])| {
    let (step, mut stream) = input;
    let limits = Limits { frame_bytes: 1 << 20, attached_bytes: 1 << 20, n_attachments: 64 };
    let mut assembler = Assembler::new(limits);
    loop {
        match assembler.next_frame() {
            Ok(Some(_)) => continue,
            Ok(None) if stream.is_empty() => return,
            Ok(None) => {}
            Err(_) => return,
        }
        let mut n = (usize::from(step) + 1).min(stream.len());
        match assembler.target() {
            Target::Buffer(buffer) => buffer.extend_from_slice(&stream[..n]),
            Target::Place(place) => {
                n = n.min(place.len());
                place[..n].copy_from_slice(&stream[..n]);
                assembler.filled(n);
            }
        }
        stream = &stream[n..];
    }
});
