//! A body of anything is messages or an error; what is read can be written, and is then read as the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxidask_runtime::wire::codec::{Decoder, Encoder, HeardNames, Message};
use oxidask_runtime::wire::peer::{PeerReply, PeerRequest};
use oxidask_sched::message::{FromClient, FromWorker, ToClient, ToWorker};

fn read<M: Message>(body: &Bytes) -> Option<Vec<M>> {
    let mut names = HeardNames::default();
    let buffers = vec![Bytes::from_static(b"buffer"); 4];
    let mut input = Decoder::new(body, &mut names).with_attachments(buffers);
    let mut messages = Vec::new();
    while !input.is_done() {
        messages.push(M::decode(&mut input).ok()?);
    }
    Some(messages)
}

fn write<M: Message>(messages: &[M]) -> Bytes {
    let mut out = Encoder::new();
    for message in messages {
        let mark = out.begin();
        message.encode(&mut out);
        out.end(mark, u64::MAX).expect("what was read can be sent");
    }
    out.take().0.concat().into()
}

fn check<M: Message>(body: &Bytes) {
    if let Some(messages) = read::<M>(body) {
        let again = write(&messages);
        let heard = read::<M>(&again).expect("what was written can be read");
        assert_eq!(write(&heard), again);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let body = Bytes::copy_from_slice(bytes);
    check::<FromClient>(&body);
    check::<ToClient>(&body);
    check::<FromWorker>(&body);
    check::<ToWorker>(&body);
    check::<PeerRequest>(&body);
    check::<PeerReply>(&body);
});
