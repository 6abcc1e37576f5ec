//! Streams of frames, in pieces of any size, with buffers attached, and streams of anything.

use bytes::Bytes;
use oxidask_core::key::Key;
use oxidask_core::value::Encoded;
use oxidask_runtime::wire::codec::{Decoder, Encoder, Field, HeardNames, Limits};
use oxidask_runtime::wire::frame::{
    Assembler, Frame, FrameError, Head, Kind, Packing, Target, seal,
};
use oxidask_runtime::wire::peer::{Parcel, PeerReply, PeerRequest, Shared, Sharing, ValueName};
use oxidask_sched::ids::TaskId;
use proptest::collection::vec;
use proptest::prelude::*;

/// Feeds a stream to an assembler in reads of these sizes, over and over.
fn assemble(mut stream: &[u8], reads: &[usize], limits: Limits) -> Result<Vec<Frame>, FrameError> {
    let mut assembler = Assembler::new(limits);
    let mut frames = Vec::new();
    for &read in reads.iter().cycle() {
        while let Some(frame) = assembler.next_frame()? {
            frames.push(frame);
        }
        if stream.is_empty() {
            break;
        }
        let mut n = read.min(stream.len());
        match assembler.target() {
            Target::Buffer(buffer) => {
                n = n.min(buffer.capacity() - buffer.len());
                assert!(n > 0, "a target without room");
                buffer.extend_from_slice(&stream[..n]);
            }
            Target::Place(place) => {
                n = n.min(place.len());
                assert!(n > 0, "a target without room");
                place[..n].copy_from_slice(&stream[..n]);
                assembler.filled(n);
            }
        }
        stream = &stream[n..];
    }
    Ok(frames)
}

fn data(number: u64) -> Head {
    Head { kind: Kind::Data, number, acknowledged: number / 2 }
}

fn buffer() -> impl Strategy<Value = Bytes> {
    let length = prop_oneof![0usize..5, 1usize..3000, 60_000usize..200_000];
    let smooth = (any::<u8>(), length.clone()).prop_map(|(byte, n)| vec![byte; n].into());
    let rough = (any::<u64>(), length).prop_map(|(seed, n)| {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..n).map(|_| next()).collect::<Vec<u8>>().into()
    });
    prop_oneof![smooth, rough]
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(
        frames in vec((buffer(), vec(buffer(), 0..4)), 0..6),
        reads in vec(prop_oneof![1usize..40, 1000usize..100_000], 1..5),
        packed in any::<bool>(),
    ) {
        let packing = if packed { Packing::Sampled } else { Packing::Never };
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (i, (body, attached)) in frames.into_iter().enumerate() {
            let head = data(i as u64);
            let pieces = seal(head, vec![body.clone()], attached.clone(), packing);
            pieces.iter().for_each(|piece| stream.extend_from_slice(piece));
            expected.push(Frame { head, body, attached });
        }
        // Reads of a few bytes would take long for the large ones.
        let reads = if stream.len() > 50_000 { vec![7, 60_000] } else { reads };
        prop_assert_eq!(assemble(&stream, &reads, Limits::default()).unwrap(), expected);
    }

    #[test]
    fn any_bytes(stream in vec(any::<u8>(), 0..300), lead in any::<bool>(), kind in 0u8..8, flags in 0u8..3) {
        let limits = Limits { attached_bytes: 1 << 20, frame_bytes: 1 << 20, n_attachments: 9 };
        let mut stream = stream;
        if lead && stream.len() > 24 {
            stream[1..8].copy_from_slice(&[0, 0, 0, kind, flags, 0, 0]);
        }
        let _ = assemble(&stream, &[100], limits);
    }
}

#[test]
fn golden_frames() {
    let hex = |pieces: Vec<Bytes>| {
        pieces.concat().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let guide = include_str!("../../../../docs/protocol.md").replace([' ', '\n'], "");
    let golden = |pieces, expected: &str| {
        let hex = hex(pieces);
        assert_eq!(hex, expected.replace([' ', '\n'], ""));
        assert!(guide.contains(&hex), "docs/protocol.md lacks {expected}");
    };
    let beat = Head { kind: Kind::Beat, number: 0, acknowledged: 300 };
    golden(
        seal(beat, vec![], vec![], Packing::Never),
        "00000000 05 00 0000 0000000000000000 2c01000000000000",
    );
    let value = Parcel {
        family: "bytes".into(),
        type_name: "bytes".into(),
        nbytes: 3,
        header: Bytes::new(),
        buffers: vec![Bytes::from_static(b"abc")],
    };
    let mut out = Encoder::new();
    PeerReply::Value { request: 7, index: 0, value }.encode(&mut out);
    let (body, attached) = out.take();
    let head = Head { kind: Kind::Data, number: 1, acknowledged: 2 };
    golden(
        seal(head, body, attached, Packing::Never),
        "17000000 04 01 0000 0100000000000000 0200000000000000
         91 03
         94 00 07 00 95 a5 6279746573 a5 6279746573 03 c4 00 01
         616263",
    );
}

#[test]
fn values_are_read_into_place_and_leave_without_a_copy() {
    let raw = vec![7u8; 300_000];
    let encoded = Encoded { header: vec![1, 2], buffers: vec![Box::new(raw.clone())] };
    let sent = PeerReply::Value {
        request: 1,
        index: 0,
        value: Parcel::new("array", "ndarray", 300_000, encoded),
    };
    let mut out = Encoder::new();
    sent.encode(&mut out);
    let (body, attached) = out.take();
    let stream = seal(data(1), body, attached, Packing::Never).concat();
    let frame = assemble(&stream, &[50_000], Limits::default()).unwrap().remove(0);
    let place = frame.attached[0].as_ptr();
    let mut names = HeardNames::default();
    let mut input = Decoder::new(&frame.body, &mut names).with_attachments(frame.attached);
    let reply = PeerReply::decode(&mut input).unwrap();
    assert!(input.is_done());
    assert_eq!(reply, sent);
    let PeerReply::Value { value, .. } = reply else { panic!() };
    let buffers = value.into_buffers();
    assert_eq!(buffers, [raw]);
    assert_eq!(buffers[0].as_ptr(), place);
}

#[test]
fn peers_ask_by_task_or_key() {
    let task = TaskId { slot: 3, generation: 0 };
    let names = vec![ValueName::Task(task), ValueName::Key(Key::from("x"))];
    let sent = [
        PeerRequest::Fetch { request: 9, names: names.clone() },
        PeerRequest::Abandon(9),
        PeerRequest::FetchNear { request: 10, names, machine: "boot pid:[1]".into() },
        PeerRequest::Taken { request: 10, index: 1 },
    ];
    let mut out = Encoder::new();
    sent.iter().for_each(|message| message.encode(&mut out));
    let frame = Bytes::from(out.take().0.concat());
    let mut names = HeardNames::default();
    let mut input = Decoder::new(&frame, &mut names);
    assert_eq!(sent, [0; 4].map(|_| PeerRequest::decode(&mut input).unwrap()));
    // A value whose buffers did not come with it.
    let value = Parcel {
        family: "a".into(),
        type_name: "b".into(),
        nbytes: 0,
        header: Bytes::new(),
        buffers: vec![Bytes::new()],
    };
    let mut out = Encoder::new();
    PeerRequest::Put { request: 1, name: ValueName::Key(Key::from("x")), value }.encode(&mut out);
    let frame = Bytes::from(out.take().0.concat());
    assert!(PeerRequest::decode(&mut Decoder::new(&frame, &mut names_of())).is_err());
}

#[test]
fn shared_memory_is_named_by_process_descriptor_and_file() {
    let sharing =
        Sharing { process: 4, descriptor: 5, device: 6, inode: 1 << 40, lengths: vec![3, 0] };
    let value = Shared {
        family: "a".into(),
        type_name: "b".into(),
        nbytes: 3,
        header: Bytes::from_static(b"h"),
        sharing,
    };
    let sent = PeerReply::Shared { request: 10, index: 1, value };
    let mut out = Encoder::new();
    sent.encode(&mut out);
    let frame = Bytes::from(out.take().0.concat());
    assert_eq!(PeerReply::decode(&mut Decoder::new(&frame, &mut names_of())).unwrap(), sent);
}

fn names_of() -> HeardNames {
    HeardNames::default()
}

#[test]
fn limits_hold_before_memory_is_taken() {
    let limits = Limits { frame_bytes: 1000, attached_bytes: 5000, n_attachments: 3 };
    let refused = |pieces: Vec<Bytes>| assemble(&pieces.concat(), &[64], limits).unwrap_err();
    let bytes = |n| Bytes::from(vec![0; n]);
    let error = refused(seal(data(1), vec![bytes(1001)], vec![], Packing::Never));
    assert_eq!(error, FrameError::Limit { what: "a frame", found: 1001, limit: 1000 });
    let error = refused(seal(data(1), vec![], vec![bytes(4000), bytes(2000)], Packing::Never));
    assert!(matches!(error, FrameError::Limit { what: "attached bytes", .. }));
    let error = refused(seal(data(1), vec![], vec![bytes(1); 4], Packing::Never));
    assert!(matches!(error, FrameError::Limit { what: "a number of buffers", .. }));
    // 20 bytes that say to be a gigabyte.
    let mut lengths = vec![0x91, 0x92, 0xce];
    lengths.extend_from_slice(&(1u32 << 30).to_be_bytes());
    lengths.push(20);
    let mut stream = seal(data(1), vec![lengths.into()], vec![], Packing::Never).concat();
    stream[5] = 1;
    stream.extend_from_slice(&[0; 20]);
    let error = assemble(&stream, &[64], Limits::default()).unwrap_err();
    assert_eq!(error, FrameError::Packed { packed: 20, length: 1 << 30 });
    let error = assemble(&[9; 24], &[64], Limits::default()).unwrap_err();
    assert!(matches!(error, FrameError::Kind { kind: 9, flags: 9 }));
}
