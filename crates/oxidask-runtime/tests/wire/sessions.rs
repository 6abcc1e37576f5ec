//! Two sides of a session over connections that break anywhere: every frame arrives, once, in order.

use std::collections::VecDeque;

use bytes::Bytes;
use oxidask_runtime::wire::session::{ACK_FRAMES, Session, SessionError};
use proptest::collection::vec;
use proptest::prelude::*;

/// Frames of 16 bytes: the number, and what it acknowledges.
const FRAME: usize = 16;

struct Side {
    session: Session,
    /// Bytes from the other side, some of them in flight.
    inbound: VecDeque<u8>,
    taken: Vec<u64>,
}

impl Side {
    fn new() -> Self {
        Self { session: Session::new(true), inbound: VecDeque::new(), taken: Vec::new() }
    }

    fn send(&mut self) {
        let (number, acknowledged) = self.session.next_numbers();
        // Two pieces, so that writes end within and between them.
        self.session.push(vec![
            Bytes::copy_from_slice(&number.to_le_bytes()),
            Bytes::copy_from_slice(&acknowledged.to_le_bytes()),
        ]);
    }

    fn write(&mut self, n: usize, to: &mut VecDeque<u8>) {
        let mut pieces = Vec::new();
        self.session.unwritten(5, &mut pieces);
        let bytes: Vec<u8> = pieces.concat().into_iter().take(n).collect();
        to.extend(&bytes);
        self.session.wrote(bytes.len());
        if self.session.at_boundary() && self.session.owes_acknowledgement() {
            to.extend(0u64.to_le_bytes());
            to.extend(self.session.tell().to_le_bytes());
        }
    }

    fn read(&mut self) {
        while self.inbound.len() >= FRAME {
            let bytes: Vec<u8> = self.inbound.drain(..FRAME).collect();
            let number = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let acknowledged = u64::from_le_bytes(bytes[8..].try_into().unwrap());
            self.session.acknowledge(acknowledged).unwrap();
            if number > 0 && self.session.take(number, FRAME as u64).unwrap() {
                self.taken.push(number);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send(bool, usize),
    Write(bool, usize),
    Read(bool),
    /// The connection breaks, and so many of the bytes in flight are lost.
    Break(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 1usize..90).prop_map(|(side, n)| Step::Send(side, n)),
        8 => (any::<bool>(), 1usize..2000).prop_map(|(side, n)| Step::Write(side, n)),
        4 => any::<bool>().prop_map(Step::Read),
        1 => (0usize..200, 0usize..200).prop_map(|(a, b)| Step::Break(a, b)),
    ]
}

fn write(sides: &mut [Side; 2], from: usize, n: usize) {
    let [a, b] = sides;
    let (writer, reader) = if from == 0 { (a, b) } else { (b, a) };
    writer.write(n, &mut reader.inbound);
}

proptest! {
    #[test]
    fn every_frame_arrives_once_and_in_order(steps in vec(step(), 0..120)) {
        let mut sides = [Side::new(), Side::new()];
        for step in steps {
            match step {
                Step::Send(side, n) => (0..n).for_each(|_| sides[usize::from(side)].send()),
                Step::Write(side, n) => write(&mut sides, usize::from(side), n),
                Step::Read(side) => sides[usize::from(side)].read(),
                Step::Break(lost_a, lost_b) => {
                    for (side, lost) in sides.iter_mut().zip([lost_a, lost_b]) {
                        let left = side.inbound.len().saturating_sub(lost);
                        side.inbound.truncate(left);
                        side.read();
                        side.inbound.clear();
                        side.session.interrupted();
                    }
                    let [a, b] = &mut sides;
                    let (heard_a, heard_b) = (a.session.tell(), b.session.tell());
                    a.session.resume(heard_b).unwrap();
                    b.session.resume(heard_a).unwrap();
                }
            }
        }
        // Acknowledgements are owed in turn until all is said.
        let mut moved = true;
        while moved {
            let written = sides.each_ref().map(|side| side.session.is_written());
            write(&mut sides, 0, usize::MAX);
            write(&mut sides, 1, usize::MAX);
            moved = written != [true; 2] || sides.iter().any(|side| !side.inbound.is_empty());
            sides.iter_mut().for_each(Side::read);
        }
        for i in 0..2 {
            prop_assert!(sides[i].session.is_written());
            let sent = sides[i].session.sent();
            prop_assert_eq!(&sides[1 - i].taken, &(1..=sent).collect::<Vec<_>>());
            let kept = sides[i].session.kept_bytes() / FRAME;
            prop_assert!(kept < ACK_FRAMES as usize + 1, "{} frames are kept", kept);
        }
    }
}

fn frame() -> Vec<Bytes> {
    vec![Bytes::from_static(b"frame")]
}

#[test]
fn rules_that_the_other_side_breaks() {
    let mut session = Session::new(true);
    assert_eq!(session.take(1, 5), Ok(true));
    assert_eq!(session.take(1, 5), Ok(false));
    assert_eq!(session.take(3, 5), Err(SessionError::Gap { last: 1, found: 3 }));
    session.push(frame());
    session.push(frame());
    assert_eq!(session.acknowledge(3), Err(SessionError::Unsent { found: 3, sent: 2 }));
    // The acknowledgement may come before the writer has said that it is done.
    session.acknowledge(1).unwrap();
    assert_eq!(session.kept_bytes(), 10);
    session.wrote(5);
    assert_eq!(session.kept_bytes(), 5);
    assert_eq!(session.resume(0), Err(SessionError::Forgotten { found: 0, acknowledged: 1 }));
    assert_eq!(session.resume(3), Err(SessionError::Unsent { found: 3, sent: 2 }));
    session.resume(2).unwrap();
    assert_eq!((session.kept_bytes(), session.is_written()), (0, true));
}

#[test]
fn what_is_not_resumable_is_forgotten_when_written() {
    let mut session = Session::new(false);
    (0..3).for_each(|_| session.push(frame()));
    session.wrote(7);
    assert_eq!(session.kept_bytes(), 10);
    assert!(!session.at_boundary());
    session.wrote(8);
    assert_eq!((session.kept_bytes(), session.is_written(), session.sent()), (0, true, 3));
    session.acknowledge(0).unwrap();
    assert!(!session.owes_acknowledgement());
}
