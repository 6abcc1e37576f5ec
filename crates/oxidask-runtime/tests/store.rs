//! The store under several threads: what was put is what is got, and every byte is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use oxidask_core::value::{Bytes, Native, Value};
use oxidask_runtime::store::{Budget, Store, StoreError};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Put { slot: u32, kib: usize },
    Get { slot: u32 },
    Hold { slot: u32 },
    Take { slot: u32 },
    Remove { slot: u32 },
    Relieve { salt: u32 },
}

const N_SLOTS: u32 = 12;

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..N_SLOTS;
    prop_oneof![
        3 => (slot.clone(), 64usize..400).prop_map(|(slot, kib)| Step::Put { slot, kib }),
        2 => slot.clone().prop_map(|slot| Step::Get { slot }),
        1 => slot.clone().prop_map(|slot| Step::Hold { slot }),
        1 => slot.clone().prop_map(|slot| Step::Take { slot }),
        1 => slot.prop_map(|slot| Step::Remove { slot }),
        1 => any::<u32>().prop_map(|salt| Step::Relieve { salt }),
    ]
}

/// What each slot should hold: a byte, so many times.
type Model = BTreeMap<u32, (u8, usize)>;

fn check(got: Result<Value, StoreError>, want: Option<&(u8, usize)>) -> Option<Value> {
    match (got, want) {
        (Ok(value), Some(&(byte, len))) => {
            match value.downcast_ref::<Bytes>() {
                Some(bytes) => assert!(bytes.0.len() == len && bytes.0.iter().all(|&b| b == byte)),
                None => assert_eq!(
                    value.downcast_ref::<Native<[u8; 1 << 16]>>().map(|v| v.0[0]),
                    Some(byte)
                ),
            }
            Some(value)
        }
        (Err(StoreError::Empty(_)), None) => None,
        (got, want) => panic!("{got:?} instead of {want:?}"),
    }
}

/// Carries out the steps on the slots from `base` on; gives what is left there.
fn walk(store: &Store, base: u32, steps: &[Step]) -> Model {
    let mut model = Model::new();
    let mut held = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let byte = number as u8;
        match *step {
            // Every third value has no byte form.
            Step::Put { slot, .. } if number.is_multiple_of(3) => {
                store.put(base + slot, Value::new(Native([byte; 1 << 16])));
                model.insert(slot, (byte, 1 << 16));
            }
            Step::Put { slot, kib } => {
                store.put(base + slot, Value::new(Bytes(vec![byte; kib << 10].into())));
                model.insert(slot, (byte, kib << 10));
            }
            Step::Get { slot } => drop(check(store.get(base + slot), model.get(&slot))),
            Step::Hold { slot } => held.extend(check(store.get(base + slot), model.get(&slot))),
            Step::Take { slot } => {
                check(store.take(base + slot), model.get(&slot));
                model.remove(&slot);
            }
            Step::Remove { slot } => {
                store.remove(base + slot);
                model.remove(&slot);
            }
            Step::Relieve { salt } => {
                let next_use = |slot: u32| u64::from(slot.wrapping_mul(salt | 1));
                store.relieve(0, &next_use).expect("room on disk");
            }
        }
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn threads_find_what_they_put(
        walks in proptest::collection::vec(proptest::collection::vec(step(), 1..60), 1..4),
        budget_kib in 128u64..4096,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let memory_bytes = budget_kib << 10;
        let store = Store::new(Budget { memory_bytes, spill_directory: directory.path().into() });
        let is_over = AtomicBool::new(false);
        let models: Vec<Model> = std::thread::scope(|scope| {
            let walkers: Vec<_> = walks
                .iter()
                .enumerate()
                .map(|(i, steps)| (i as u32 * N_SLOTS, steps))
                .map(|(base, steps)| scope.spawn({
                    let store = &store;
                    move || walk(store, base, steps)
                }))
                .collect();
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    store.relieve(memory_bytes, &|slot| slot.into()).expect("room on disk");
                    std::thread::yield_now();
                }
            });
            let ends: Vec<_> = walkers.into_iter().map(|walker| walker.join()).collect();
            is_over.store(true, Ordering::Relaxed);
            ends.into_iter().map(|end| end.expect("no panic")).collect()
        });
        let on_disk: u64 = (0..walks.len() as u32 * N_SLOTS).map(|s| store.bytes_on_disk(s)).sum();
        let all: usize = models.iter().flat_map(Model::values).map(|&(_, len)| len).sum();
        prop_assert_eq!(store.memory_bytes() + on_disk, all as u64);
        for (i, model) in models.iter().enumerate() {
            for slot in 0..N_SLOTS {
                check(store.take(i as u32 * N_SLOTS + slot), model.get(&slot));
            }
        }
        prop_assert_eq!(store.memory_bytes(), 0);
    }
}
