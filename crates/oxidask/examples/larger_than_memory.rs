//! Work on four times as much data as the memory budget allows: what is needed last waits on disk.
//!
//! `cargo run --release -p oxidask --example larger_than_memory`

use oxidask::prelude::*;

const MIB: usize = 1 << 20;
const BUDGET: usize = 32 * MIB;
const N_CHUNKS: usize = 64;
/// Numbers of eight bytes in a chunk; all chunks together are four budgets.
const CHUNK: usize = 4 * BUDGET / N_CHUNKS / 8;

fn chunk(number: &usize) -> Vec<u64> {
    (0..CHUNK).map(|i| (number * CHUNK + i) as u64).collect()
}

fn main() -> Result<(), oxidask::Error> {
    // Vectors of numbers are `Spillable`; other types say in three functions how they are.
    let chunks: Vec<Delayed<Vec<u64>>> =
        (0..N_CHUNKS).map(|number| delayed_pure(chunk, number).spillable()).collect();
    // The mean needs every chunk, and each deviation the mean: all chunks are alive at once.
    let sums: Vec<Delayed<u64>> =
        chunks.iter().map(|chunk| chunk.then(|chunk| chunk.iter().sum()).named("sum")).collect();
    let mean = join(&sums)
        .then(|sums| sums.into_iter().sum::<u64>() as f64 / (N_CHUNKS * CHUNK) as f64)
        .named("mean");
    let deviations: Vec<Delayed<f64>> = chunks
        .iter()
        .map(|chunk| {
            join((chunk, &mean))
                .then(|(chunk, mean)| chunk.iter().map(|&x| (x as f64 - mean).abs()).sum::<f64>())
                .named("deviation")
        })
        .collect();
    let total = join(&deviations).then(|parts| parts.into_iter().sum::<f64>()).named("total");

    let scheduler = Scheduler::threads().n_workers(2).memory_limit_bytes(BUDGET as u64);
    let computation = scheduler.start((&mean, &total))?;
    computation.finish()?;
    assert!(computation.spilled_bytes() > 0, "four budgets of chunks don't fit into one");
    let (mean, total) = computation.wait()?;
    let n = (N_CHUNKS * CHUNK) as f64;
    assert_eq!(*mean, (n - 1.0) / 2.0);
    assert_eq!(*total, n * n / 4.0);
    Ok(())
}
