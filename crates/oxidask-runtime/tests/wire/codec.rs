//! All messages there and back, frames that must never change, and bytes that are no messages.

use bytes::{Bytes, BytesMut};
use oxidask_core::key::{Atom, Group, Key};
use oxidask_runtime::wire::codec::{
    DecodeError, Decoder, EncodeError, Encoder, HeardNames, MAX_TEXT_BYTES, Message,
};
use oxidask_sched::ids::{BlobHash, RunId, TaskId, WorkerId};
use oxidask_sched::message::*;
use proptest::prelude::*;

use crate::any;

const NO_LIMIT: u64 = u64::MAX;

fn encode<M: Message>(messages: &[M]) -> Bytes {
    let mut out = Encoder::new();
    for message in messages {
        let mark = out.begin();
        message.encode(&mut out);
        out.end(mark, NO_LIMIT).unwrap();
    }
    out.take().0.concat().into()
}

fn decode<M: Message>(frame: &Bytes) -> Result<Vec<M>, DecodeError> {
    let mut names = HeardNames::default();
    let mut input = Decoder::new(frame, &mut names);
    let mut messages = Vec::new();
    while !input.is_done() {
        messages.push(M::decode(&mut input)?);
    }
    Ok(messages)
}

/// Bytes of any kind, or of a message with some of them changed.
fn damage(frame: &Bytes, changes: &[(usize, u8)], cut: usize) -> Bytes {
    let mut bytes = BytesMut::from(&**frame);
    for &(at, byte) in changes {
        let len = bytes.len();
        if len > 0 {
            bytes[at % len] = byte;
        }
    }
    let keep = bytes.len() - cut.min(bytes.len());
    bytes.truncate(keep);
    bytes.freeze()
}

macro_rules! properties {
    ($($name:ident, $damaged:ident: $message:ty;)+) => {
        proptest! {
            $(
                #[test]
                fn $name(messages in proptest::collection::vec(any::$name(), 0..6)) {
                    prop_assert_eq!(decode::<$message>(&encode(&messages)), Ok(messages));
                }

                #[test]
                fn $damaged(
                    messages in proptest::collection::vec(any::$name(), 0..3),
                    changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6),
                    cut in 0usize..9,
                ) {
                    let frame = damage(&encode(&messages), &changes, cut);
                    if let Ok(read) = decode::<$message>(&frame) {
                        // What is taken can be told on, though perhaps in fewer bytes.
                        let again = encode(&read);
                        let heard = decode::<$message>(&again);
                        prop_assert_eq!(encode(&heard.unwrap()), again);
                    }
                }
            )+

            #[test]
            fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
                let frame = Bytes::from(bytes);
                $(let _ = decode::<$message>(&frame);)+
            }
        }
    };
}

properties! {
    from_client, from_client_damaged: FromClient;
    to_client, to_client_damaged: ToClient;
    from_worker, from_worker_damaged: FromWorker;
    to_worker, to_worker_damaged: ToWorker;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A body that may never change, and what it says. `docs/protocol.md` shows the same.
fn golden<M: Message + PartialEq + std::fmt::Debug>(messages: &[M], expected: &str) {
    let frame = encode(messages);
    assert_eq!(hex(&frame), expected.replace([' ', '\n'], ""));
    assert_eq!(decode::<M>(&frame).unwrap(), messages);
    let guide = include_str!("../../../../docs/protocol.md").replace([' ', '\n'], "");
    assert!(guide.contains(&hex(&frame)), "docs/protocol.md lacks {expected}");
}

#[test]
fn golden_submission() {
    let submission = Submission {
        number: 1,
        blobs: vec![Blob {
            hash: BlobHash(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
            family: "python".into(),
            bytes: Bytes::from_static(b"\x80\x05N.").into(),
        }],
        annotations: vec![],
        tasks: vec![
            NewTask {
                key: Key::with_token(Group::new("inc"), 7),
                run: RunSpec { blob: 0, block: 0, payload: Bytes::from_static(b"1").into() },
                inputs: vec![],
                wanted: false,
                annotations: 0,
            },
            NewTask {
                key: Key::block(Group::new("inc"), &[300, 2]),
                run: RunSpec { blob: 0, block: 5, payload: Bytes::new().into() },
                inputs: vec![InputRef::Local(0), InputRef::Known(Key::from("x"))],
                wanted: true,
                annotations: 0,
            },
        ],
    };
    golden(
        &[FromClient::Submit(submission)],
        "92 00 94 01
         91 93 c4 10 00112233445566778899aabbccddeeff a6 707974686f6e c4 04 80054e2e
         90
         92 95 92 a3 696e63 c4 10 00000000000000000000000000000007 93 00 00 c4 01 31 90 c2 00
            95 93 00 cd 012c 02 93 00 05 c4 00 92 00 a1 78 c3 00",
    );
}

#[test]
fn golden_keys() {
    let foreign = Atom::Foreign { text: "<A>".into(), bytes: b"a".as_slice().into() };
    let parts = [Atom::Int(-33), Atom::Float(1.5f64.to_bits()), Atom::Str("s".into()), foreign];
    let keys = vec![
        Key::from("load-2013"),
        Key::atom(Atom::Tuple(parts.into()), Group::new),
        Key::block(Group::new("x"), &[]),
    ];
    golden(
        &[FromClient::Want(keys)],
        "92 01 93 a9 6c6f61642d32303133
         92 c0 94 d0 df cb 3ff8000000000000 a1 73 c9 00000008 01 03000000 3c413e 61
         91 a1 78",
    );
}

#[test]
fn golden_worker() {
    let task = TaskId { slot: 300, generation: 1 };
    let place = Location { holders: [WorkerId(2)].into_iter().collect(), nbytes: 80 };
    let compute = Compute {
        task,
        run: RunId(9),
        key: Key::block(Group::new("x"), &[0]),
        spec: RunSpec { blob: 3, block: 0, payload: Bytes::new().into() },
        inputs: vec![Input { task: TaskId { slot: 1, generation: 0 }, place }],
        priority: 4,
        resources: vec![("GPU".into(), 1.0)],
        inline: true,
        actor: false,
    };
    golden(
        &[ToWorker::Compute(Box::new(compute)), ToWorker::Free(vec![task])],
        "92 02 99 cf 000000010000012c 09 92 a1 78 00 93 03 00 c4 00 91 92 01 92 91 02 50 04
            91 92 a3 475055 cb 3ff0000000000000 c3 c2
         92 05 91 cf 000000010000012c",
    );
    let finished = Finished {
        begun_s: 1.5,
        thread: 2,
        task,
        run: RunId(9),
        nbytes: 28,
        duration_s: 0.5,
        type_name: "int".into(),
        inline: Some(Inline {
            family: "python".into(),
            bytes: Bytes::from_static(b"K\x01.").into(),
        }),
    };
    golden(
        &[FromWorker::Started { task, run: RunId(9) }, FromWorker::Finished(Box::new(finished))],
        "93 00 cf 000000010000012c 09
         92 01 98 cf 000000010000012c 09 1c cb 3fe0000000000000 a3 696e74
            92 a6 707974686f6e c4 03 4b012e cb 3ff8000000000000 02",
    );
}

#[test]
fn later_versions_may_add_fields() {
    let frame = Bytes::from_static(&[0x95, 0x00, 0x05, 0x07, 0x92, 0xa1, b'x', 0xc0, 0xc3]);
    let task = TaskId { slot: 5, generation: 0 };
    assert_eq!(decode(&frame), Ok(vec![FromWorker::Started { task, run: RunId(7) }]));
}

#[test]
fn bytes_are_slices_of_their_frame() {
    let blob = Blob { hash: BlobHash(1), family: "f".into(), bytes: vec![1; 100].into() };
    let frame = encode(&[ToWorker::Blob { number: 1, blob }]);
    let [ToWorker::Blob { blob, .. }] = &decode(&frame).unwrap()[..] else { panic!() };
    assert!(frame.as_ptr_range().contains(&blob.bytes.as_bytes().unwrap().as_ptr()));
}

#[test]
fn large_bytes_are_not_copied() {
    let bytes = Bytes::from(vec![1; 100_000]);
    let blob = Blob { hash: BlobHash(1), family: "f".into(), bytes: bytes.clone().into() };
    let mut out = Encoder::new();
    let mark = out.begin();
    oxidask_runtime::wire::codec::Field::encode(&ToWorker::Blob { number: 1, blob }, &mut out);
    out.end(mark, NO_LIMIT).unwrap();
    let (pieces, _) = out.take();
    assert!(pieces.iter().any(|piece| piece.as_ptr() == bytes.as_ptr()));
}

#[test]
fn refused_messages_leave_no_trace() {
    use oxidask_runtime::wire::codec::Field;
    let key = |name: &str| Key::block(Group::new(name), &[1]);
    let mut out = Encoder::new();
    let mut write = |message: &FromClient, limit| {
        let mark = out.begin();
        message.encode(&mut out);
        out.end(mark, limit)
    };
    write(&FromClient::Want(vec![key("a")]), 10_000).unwrap();
    let blob = Blob { hash: BlobHash(1), family: "f".into(), bytes: vec![1; 100_000].into() };
    let large = Submission {
        blobs: vec![blob],
        tasks: vec![NewTask {
            key: key("b"),
            run: RunSpec::default(),
            inputs: vec![],
            wanted: true,
            annotations: 0,
        }],
        ..Submission::default()
    };
    let refusal = write(&FromClient::Submit(large), 10_000).unwrap_err();
    assert!(matches!(refusal, EncodeError::TooLarge { bytes: 100_001.., limit: 10_000 }));
    let long = Key::from(&*"x".repeat(MAX_TEXT_BYTES + 1));
    let refusal = write(&FromClient::Want(vec![key("c"), long]), NO_LIMIT).unwrap_err();
    assert!(matches!(refusal, EncodeError::LongText { .. }));
    let deep = (0..100).fold(Atom::Int(1), |atom, _| Atom::Tuple([atom].into()));
    let refusal = write(&FromClient::Want(vec![Key::atom(deep, Group::new)]), NO_LIMIT);
    assert!(matches!(refusal, Err(EncodeError::TooDeep { .. })));
    let kept = Submission {
        blobs: vec![Blob {
            hash: BlobHash(1),
            family: "f".into(),
            bytes: oxidask_sched::content::Content::object(1),
        }],
        ..Submission::default()
    };
    assert_eq!(write(&FromClient::Submit(kept), NO_LIMIT), Err(EncodeError::Object));
    write(&FromClient::Want(vec![key("c"), key("a"), key("b")]), 10_000).unwrap();
    let frame = Bytes::from(out.take().0.concat());
    let expected =
        [FromClient::Want(vec![key("a")]), FromClient::Want(vec![key("c"), key("a"), key("b")])];
    assert_eq!(decode::<FromClient>(&frame).unwrap(), expected);
}

#[test]
fn a_short_frame_asks_for_little() {
    // Arrays and bytes of 4 GiB, claimed by frames of few bytes.
    for frame in [
        "dd ff ff ff ff",
        "92 01 dd ff ff ff ff 00",
        "92 01 91 db ff ff ff ff",
        "92 05 91 c6 ff ff ff ff",
    ] {
        let bytes: Vec<u8> =
            frame.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        let error = decode::<FromClient>(&bytes.into()).unwrap_err();
        assert!(
            matches!(
                error,
                DecodeError::Truncated { .. }
                    | DecodeError::Limit { .. }
                    | DecodeError::Type { .. }
            ),
            "{frame}: {error}"
        );
    }
}

#[test]
fn errors_say_what_and_where() {
    let error = |bytes: &'static [u8]| {
        decode::<FromWorker>(&Bytes::from_static(bytes)).unwrap_err().to_string()
    };
    assert!(error(&[0x91, 99]).contains("FromWorker has no variant 99"));
    assert!(error(&[0x92, 0, 1]).contains("FromWorker at byte 0 has 2 fields, but needs 3"));
    assert!(
        error(&[0x93, 0, 0xa1, b'x', 0]).contains("byte 2 is 0xa1, where an integer is needed")
    );
    assert!(error(&[0x93, 0, 1, 0xcf, 1, 0, 0, 0, 0, 0, 0, 0]).contains("32 bits"));
    let mut names = HeardNames::default();
    let frame = Bytes::from_static(&[0x92, 1, 0x91, 0x92, 5, 0]);
    let error = <FromClient as oxidask_runtime::wire::codec::Field>::decode(&mut Decoder::new(
        &frame, &mut names,
    ));
    assert_eq!(error, Err(DecodeError::Name { at: 4, number: 5 }));
}
