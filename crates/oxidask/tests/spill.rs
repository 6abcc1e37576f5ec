//! Values on disk: they come back equal, and types that fail to come back say so.

use std::error::Error as StdError;

use oxidask::prelude::*;
use proptest::prelude::*;

/// A mebibyte of one byte, of a type of the user's own. `Broken` ones can't be read back.
struct Block {
    fill: u8,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Whole,
    Broken,
    Panicking,
}

const MIB: u64 = 1 << 20;

impl Spillable for Block {
    fn nbytes(&self) -> u64 {
        MIB
    }

    fn to_bytes(&self) -> Vec<u8> {
        assert!(self.mode != Mode::Panicking, "no bytes for you");
        let mut bytes = vec![self.fill; MIB as usize];
        bytes[0] = u8::from(self.mode == Mode::Whole);
        bytes
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        match bytes[..] {
            [1, fill, ..] => Ok(Self { fill, mode: Mode::Whole }),
            _ => Err("the block is broken".into()),
        }
    }
}

/// Blocks that must all be alive at once, in a sixteenth of the memory that they take.
fn summed(mode: Mode) -> (Delayed<u64>, u64) {
    let blocks: Vec<Delayed<Block>> = (0..64u8)
        .map(|fill| delayed(move || Block { fill, mode }).named("block").spillable())
        .collect();
    let firsts: Vec<_> = blocks.iter().map(|block| block.then(|b| u64::from(b.fill))).collect();
    let all = join(&firsts).then(|firsts| firsts.into_iter().sum::<u64>());
    let parts: Vec<_> = blocks
        .iter()
        .map(|block| join((block, &all)).then(|(b, all)| all + u64::from(b.fill)))
        .collect();
    let sum = (0..64).sum::<u64>();
    (join(&parts).then(|parts| parts.into_iter().sum::<u64>()), sum * 65)
}

#[test]
fn blocks_of_the_users_own_type_go_to_disk_and_come_back() {
    let directory = tempfile::tempdir().unwrap();
    for scheduler in [Scheduler::threads().n_workers(2), Scheduler::sync()] {
        let scheduler = scheduler.memory_limit_bytes(4 * MIB).spill_directory(directory.path());
        let (total, want) = summed(Mode::Whole);
        let computation = scheduler.start(&total).unwrap();
        computation.finish().unwrap();
        assert!(computation.spilled_bytes() >= 16 * MIB, "{}", computation.spilled_bytes());
        assert_eq!(*computation.wait().unwrap(), want);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_type_that_cannot_be_read_back_is_named() {
    let scheduler = Scheduler::threads().n_workers(2).memory_limit_bytes(4 * MIB);
    let error = scheduler.compute(&summed(Mode::Broken).0).unwrap_err().to_string();
    assert!(error.contains("Block") && error.contains("the block is broken"), "{error}");
}

#[test]
fn values_whose_encoding_panics_stay_in_memory() {
    let scheduler = Scheduler::threads().n_workers(2).memory_limit_bytes(4 * MIB);
    let (total, want) = summed(Mode::Panicking);
    assert_eq!(*scheduler.compute(&total).unwrap(), want);
}

fn comes_back<T: Spillable + PartialEq + std::fmt::Debug>(value: &T) {
    assert_eq!(&T::from_bytes(value.to_bytes()).expect("its own bytes"), value);
}

proptest! {
    #[test]
    fn vectors_and_strings_come_back(
        bytes: Vec<u8>,
        text: String,
        small: Vec<i16>,
        large: Vec<u128>,
        floats in proptest::collection::vec(proptest::num::f64::NORMAL, 0..50),
    ) {
        comes_back(&bytes);
        comes_back(&text);
        comes_back(&small);
        comes_back(&large);
        comes_back(&floats);
    }
}

#[test]
fn torn_bytes_are_refused() {
    assert!(Vec::<u32>::from_bytes(vec![0; 7]).unwrap_err().to_string().contains('3'));
    assert!(String::from_bytes(vec![0xff]).is_err());
}
