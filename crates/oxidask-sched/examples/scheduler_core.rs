//! What one task costs the scheduler, without any network: `cargo run --release --example scheduler_core`.
//!
//! Workers are answered for at once: whatever they are sent, they have begun and finished. What it takes to make
//! these answers does not count.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its own memory")]

use std::time::Duration;

use bytes::Bytes;
use oxidask_core::key::{Group, Key};
use oxidask_sched::ids::{BlobHash, ClientId, Time, WorkerId};
use oxidask_sched::message::{
    Action, Blob, ClientInfo, Event, Finished, FromClient, FromWorker, InputRef, NewTask, RunSpec,
    Submission, ToClient, ToWorker, WorkerInfo,
};
use oxidask_sched::scheduler::{Config, Scheduler};

/// Tasks whose inputs are given by their numbers.
fn submission(
    n: usize,
    inputs: impl Fn(usize) -> Vec<u32>,
    wanted: impl Fn(usize) -> bool,
) -> Submission {
    let blobs = vec![Blob { hash: BlobHash(1), family: "x".into(), bytes: b"f".as_slice().into() }];
    let group = Group::new("inc");
    let payload = Bytes::from(vec![0; 16 * n]);
    let tasks = (0..n).map(|i| NewTask {
        key: Key::with_token(group.clone(), i as u128 * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834),
        run: RunSpec { blob: 0, block: 0, payload: payload.slice(16 * i..16 * i + 16).into() },
        inputs: inputs(i).into_iter().map(InputRef::Local).collect(),
        wanted: wanted(i),
        annotations: 0,
    });
    Submission { number: 0, blobs, annotations: Vec::new(), tasks: tasks.collect() }
}

fn run(name: &str, n_workers: u32, submission: impl FnOnce() -> Submission) {
    let before = resident_bytes();
    let submission = submission();
    let mut scheduler = Scheduler::new(Config::default());
    let mut actions = Vec::new();
    let client = ClientId(0);
    let mut now = 0;
    scheduler.handle(
        Time(0),
        Event::ClientJoined(client, ClientInfo { name: "c".into() }),
        &mut actions,
    );
    for id in 0..n_workers {
        let info = WorkerInfo { n_threads: 1, ..WorkerInfo::default() };
        scheduler.handle(Time(0), Event::WorkerJoined(WorkerId(id), info), &mut actions);
    }
    let n = submission.tasks.len();
    let type_name: std::sync::Arc<str> = "int".into();
    let start = cpu_time();
    scheduler.handle(Time(0), Event::Client(client, FromClient::Submit(submission)), &mut actions);
    let submitted = cpu_time() - start;
    let memory = resident_bytes().saturating_sub(before);
    let (mut n_ready, mut n_sent) = (0, 0);
    // To stop the clock takes its time: only if there is much to do.
    let mut ran = submitted;
    let mut clock = cpu_time();
    while !actions.is_empty() {
        now += 100_000;
        let mut answers = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::Worker(id, ToWorker::Compute(compute)) => {
                    n_sent += 1;
                    let (task, run) = (compute.task, compute.run);
                    answers.push(Event::Worker(id, FromWorker::Started { task, run }));
                    let (duration_s, type_name) = (2e-6, type_name.clone());
                    let done = Finished {
                        task,
                        run,
                        nbytes: 28,
                        duration_s,
                        begun_s: 0.0,
                        thread: 0,
                        type_name,
                        inline: None,
                    };
                    answers.push(Event::Worker(id, FromWorker::Finished(Box::new(done))));
                }
                Action::Client(_, ToClient::Ready { .. }) => n_ready += 1,
                _ => {}
            }
        }
        if answers.len() > 100 {
            clock = cpu_time();
        }
        scheduler.handle_all(Time(now), answers, &mut actions);
        if actions.len() > 100 || actions.is_empty() {
            ran += cpu_time() - clock;
            clock = cpu_time();
        }
    }
    let start = cpu_time();
    scheduler.handle(Time(now), Event::ClientLost(client), &mut actions);
    let all = ran + (cpu_time() - start);
    assert!(n_sent == n && n_ready > 0 && scheduler.counts().tasks == 0, "not everything ran");
    let ns = |time: Duration| time.as_nanos() as f64 / n as f64;
    eprintln!(
        "{name:<22} {n_workers:>5} workers: {:>5.0} ns a task ({:.0} to submit, {:.0} to forget), {} bytes a task",
        ns(all),
        ns(submitted),
        ns(all - ran),
        memory / n as u64,
    );
}

/// What this process has had of the processors: other processes' work does not count.
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let ns = schedstat.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    Duration::from_nanos(ns.unwrap_or(0))
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn main() {
    // So many millions of tasks, and nothing else.
    if let Some(millions) = std::env::args().nth(1).and_then(|n| n.parse::<usize>().ok()) {
        let n = millions * 1_000_000;
        run("independent tasks", 100, || submission(n, |_| vec![], |_| true));
        return;
    }
    for n_workers in [2, 100, 1_000] {
        run("1M independent tasks", n_workers, || submission(1_000_000, |_| vec![], |_| true));
    }
    for n_workers in [2, 100, 1_000] {
        // Each task reads two: a tree of sums, only its root is wanted.
        let n = 1 << 20;
        let inputs = move |i: usize| {
            if i < n / 2 {
                vec![]
            } else {
                let j = 2 * (i - n / 2) as u32;
                vec![j, j + 1]
            }
        };
        run("tree of 1M tasks", n_workers, || submission(n - 1, inputs, |i| i == n - 2));
    }
    let chain = |i: usize| if i == 0 { vec![] } else { vec![i as u32 - 1] };
    run("chain of 100k tasks", 2, || submission(100_000, chain, |i| i == 99_999));
}
