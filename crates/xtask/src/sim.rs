//! `cargo xtask sim`: histories of simulated clusters, many at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use oxidask_sched::sim::{Plan, run, shrink};

/// Seeds played unless said otherwise.
const SEEDS: u64 = 1_000;
/// Events of each.
const EVENTS: u32 = 5_000;

/// Plays the histories that the arguments ask for; false if one of them fails.
pub(crate) fn command(args: &[&str]) -> Result<bool> {
    let (mut first, mut n, mut events) = (0, SEEDS, EVENTS);
    let mut rest = args.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a number"))?;
        let number: u64 = value.parse().with_context(|| format!("{flag} {value}: not a number"))?;
        match *flag {
            "--seeds" => n = number,
            "--from" => first = number,
            "--seed" => (first, n) = (number, 1),
            "--events" => events = u32::try_from(number).context("too many events")?,
            _ => bail!("unknown option {flag}: --seeds N, --from SEED, --seed SEED, --events N"),
        }
    }
    Ok(play(first, n, events))
}

fn play(first: u64, n: u64, events: u32) -> bool {
    let next = AtomicU64::new(first);
    let (n_events, n_runs, n_deaths) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = AtomicU64::new(u64::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.load(Ordering::Relaxed) == u64::MAX {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + n {
                        return;
                    }
                    match run(Plan::of(seed, events)) {
                        Ok(report) => {
                            n_events.fetch_add(report.events, Ordering::Relaxed);
                            n_runs.fetch_add(report.runs, Ordering::Relaxed);
                            n_deaths.fetch_add(report.deaths, Ordering::Relaxed);
                        }
                        Err(_) => {
                            failed.fetch_min(seed, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let seed = failed.into_inner();
    if seed == u64::MAX {
        let [events, runs, deaths] = [n_events, n_runs, n_deaths].map(AtomicU64::into_inner);
        println!(
            "{n} histories from seed {first}: {events} events, {runs} runs of tasks, {deaths} deaths of workers, all well"
        );
        return true;
    }
    let plan = Plan::of(seed, events);
    println!("seed {seed} fails: {}", run(plan).err().unwrap_or_default());
    let (smallest, violation) = shrink(plan);
    println!("the smallest plan that fails: {smallest:?}\n{violation}");
    println!(
        "keep it as a case in crates/oxidask-sched/tests/sim.rs; play it again: cargo xtask sim --seed {seed} --events {events}"
    );
    false
}
