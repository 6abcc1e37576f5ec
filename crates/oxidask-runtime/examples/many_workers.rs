//! A scheduler with a thousand workers over sockets: what a round trip takes, and what a worker costs.
//!
//! `cargo run --release -p oxidask-runtime --example many_workers [number of workers]`
//!
//! The scheduler is a process of its own. The workers are links without anything behind them: they answer each task at
//! once, and send beats as any other.

#![expect(clippy::print_stdout, reason = "what it is for")]
#![cfg(not(loom))]

use std::io::BufRead;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oxidask_core::key::Key;
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::cluster::remote::{Joining, RemoteClient, serve};
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::system::{raise_open_files, resident_bytes};
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{
    AsWorker, End, Inbox, IoThread, Listener, Options, Security, Sender, connect,
};
use oxidask_sched::client::Event;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{
    Blob, Finished, FromWorker, NewTask, RunSpec, Submission, ToWorker, WorkerInfo,
};
use oxidask_sched::scheduler::Config;

/// Any error ends the program.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Answers each task at once.
struct Echo(Sender<FromWorker>);

impl Inbox<ToWorker> for Echo {
    fn deliver(&mut self, messages: &mut Vec<ToWorker>) {
        for message in messages.drain(..) {
            if let ToWorker::Compute(compute) = message {
                let (task, run) = (compute.task, compute.run);
                let finished = Finished {
                    task,
                    run,
                    nbytes: 28,
                    duration_s: 1e-6,
                    type_name: "int".into(),
                    inline: None,
                    begun_s: 0.0,
                    thread: 0,
                };
                // If the other side has gone, so does this one.
                drop(self.0.push(FromWorker::Started { task, run }));
                drop(self.0.push(FromWorker::Finished(Box::new(finished))));
            }
        }
        self.0.flush();
    }

    fn ended(&mut self, end: End) {
        if let End::Lost(reason) = end {
            println!("a worker was lost: {reason}");
        }
    }
}

fn scheduler() -> Outcome {
    let io = IoThread::start("io")?;
    let address: Address = "tcp://127.0.0.1:0".parse()?;
    let bind = Listener::bind(&address, Options::default(), Security::default());
    let listener = io.handle().block_on(bind)?;
    println!("{}", listener.address());
    io.handle().spawn(serve(SchedulerNode::new(Config::default()), listener, 1));
    // Each line is answered with the memory that the process uses; the last one ends it.
    for _ in std::io::stdin().lines() {
        println!("{}", resident_bytes().unwrap_or(0));
    }
    Ok(())
}

fn main() -> Outcome {
    let files = raise_open_files();
    let n: u64 = match std::env::args().nth(1).as_deref() {
        Some("scheduler") => return scheduler(),
        Some(n) => n.parse()?,
        None => 1000,
    };
    if files.is_some_and(|files| files < n + 100) {
        return Err(format!("{n} workers need more open files than {files:?}: ulimit -n").into());
    }
    let mut child = Command::new(std::env::current_exe()?)
        .arg("scheduler")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut ask), Some(lines)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes".into());
    };
    let mut lines = std::io::BufReader::new(lines).lines();
    let mut line = move || -> Result<String, Box<dyn std::error::Error>> {
        Ok(lines.next().ok_or("the scheduler has ended")??)
    };
    let address: Address = line()?.parse()?;
    let mut memory = || -> Result<u64, Box<dyn std::error::Error>> {
        std::io::Write::write_all(&mut ask, b"?\n")?;
        Ok(line()?.parse()?)
    };
    let io = IoThread::start("io")?;
    let (options, security) = (Options::default(), Security::default());
    let families = Families::none();
    let joining =
        Joining { scheduler: address.clone(), options: options.clone(), security, families };
    let client = RemoteClient::join(&io, &joining, "client")?;
    let (before, here) = (memory()?, resident_bytes().unwrap_or(0));
    let start = Instant::now();
    let mut senders = Vec::new();
    for i in 0..n {
        let name = format!("w{i}");
        let info = WorkerInfo { name: name.as_str().into(), n_threads: 1, ..WorkerInfo::default() };
        let inbox = |sender: &Sender<FromWorker>| Echo(sender.clone());
        let link = connect(&address, AsWorker(info), options.clone(), Security::default(), inbox);
        senders.push(io.handle().block_on(link)?.sender);
        if i == 0 {
            report(1, &round_trips(&client, 0));
        }
    }
    let each = start.elapsed().as_secs_f64() / n as f64 * 1e6;
    let (after, there) = (memory()?, resident_bytes().unwrap_or(0));
    let kib = |after: u64, before: u64| after.saturating_sub(before) as f64 / n as f64 / 1024.0;
    println!(
        "a worker joins in {each:.0} us and takes {:.1} KiB of the scheduler and {:.1} KiB of its own process",
        kib(after, before),
        kib(there, here)
    );
    report(n, &round_trips(&client, 1));
    drop(client);
    senders.iter().for_each(Sender::close);
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Submits tasks one after the other.
fn round_trips(client: &RemoteClient, round: u32) -> Vec<Duration> {
    let once = |i: u32| {
        let key = Key::from(format!("task-{round}-{i}").as_str());
        let blob = Blob { hash: BlobHash(1), family: "none".into(), bytes: (&b"f"[..]).into() };
        let task = NewTask {
            key: key.clone(),
            run: RunSpec { blob: 0, block: 0, payload: (&b"1"[..]).into() },
            inputs: Vec::new(),
            wanted: true,
            annotations: 0,
        };
        let submission =
            Submission { blobs: vec![blob], tasks: vec![task], ..Submission::default() };
        let start = Instant::now();
        client.node().handle(Event::Submit(submission));
        client.node().wait_all(std::slice::from_ref(&key), None);
        let time = start.elapsed();
        client.node().handle(Event::Release(vec![key]));
        time
    };
    let mut times: Vec<Duration> = (0..12_000).map(once).skip(2000).collect();
    times.sort_unstable();
    times
}

fn report(n: u64, times: &[Duration]) {
    let us = |share: usize| times[times.len() * share / 1000].as_secs_f64() * 1e6;
    println!(
        "{n:>6} workers: submit until the news of the result p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us",
        us(500),
        us(990),
        us(999)
    );
}
