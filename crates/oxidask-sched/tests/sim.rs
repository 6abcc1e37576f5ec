//! Histories of whole clusters. `cargo xtask sim --seeds N` plays more of them.

use oxidask_sched::sim::{Plan, run, shrink};

/// Events of a history, before it comes to rest.
const EVENTS: u32 = 2_000;

#[test]
fn any_history_ends_as_the_sequential_model_does() {
    for seed in 0..40 {
        let plan = Plan::of(seed, EVENTS);
        if run(plan).is_err() {
            let (smallest, violation) = shrink(plan);
            panic!("seed {seed}: {violation}\nthe smallest plan that fails: {smallest:?}");
        }
    }
}

#[test]
fn equal_plans_are_equal_histories() {
    let plan = Plan::of(11, EVENTS);
    assert_eq!(run(plan), run(plan));
    assert_ne!(run(plan), run(Plan { seed: 16, ..plan }));
}
