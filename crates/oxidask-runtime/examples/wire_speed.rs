//! How fast messages go between two processes: round trips one by one, and streams.
//!
//! `cargo run --release -p oxidask-runtime --example wire_speed`

#![expect(clippy::print_stdout, reason = "what it is for")]
#![cfg(not(loom))]

use std::sync::mpsc::{Receiver, Sender as Pass, channel};
use std::time::{Duration, Instant};

use oxidask_core::key::{Group, Key};
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{
    AsWorker, End, Inbox, Incoming, IoThread, Listener, Options, Security, Sender, connect,
};
use oxidask_sched::content::Content;
use oxidask_sched::ids::{RunId, TaskId};
use oxidask_sched::message::{Compute, Finished, FromWorker, RunSpec, ToWorker, WorkerInfo};

/// Answers each task at once, on the IO thread, as a worker without any work would.
struct Echo(Sender<FromWorker>);

impl Inbox<ToWorker> for Echo {
    fn deliver(&mut self, messages: &mut Vec<ToWorker>) {
        for message in messages.drain(..) {
            if let ToWorker::Compute(compute) = message {
                let finished = Finished {
                    begun_s: 0.0,
                    thread: 0,
                    task: compute.task,
                    run: compute.run,
                    nbytes: 28,
                    duration_s: 1e-6,
                    type_name: "int".into(),
                    inline: None,
                };
                // The other side has gone: so does this process.
                let _ = self.0.push(FromWorker::Finished(Box::new(finished)));
            }
        }
        self.0.flush();
    }

    fn ended(&mut self, _: End) {
        std::process::exit(0);
    }
}

struct Count(Pass<usize>);

impl Inbox<FromWorker> for Count {
    fn deliver(&mut self, messages: &mut Vec<FromWorker>) {
        let _ = self.0.send(messages.len());
    }

    fn ended(&mut self, _: End) {}
}

fn compute(i: u32, group: &Group) -> ToWorker {
    ToWorker::Compute(Box::new(Compute {
        task: TaskId { slot: i, generation: 0 },
        run: RunId(1),
        key: Key::with_token(group.clone(), u128::from(i) << 64 | 0x1234_5678),
        spec: RunSpec { blob: 1, block: 0, payload: Content::from(b"0123456789".as_slice()) },
        inputs: Vec::new(),
        priority: i.into(),
        resources: Vec::new(),
        inline: true,
        actor: false,
    }))
}

fn measure(sender: &Sender<ToWorker>, answers: &Receiver<usize>, what: &str) -> Outcome {
    let group = Group::new("increment");
    let mut times = Vec::new();
    for i in 0..22_000 {
        let start = Instant::now();
        sender.send(compute(i, &group))?;
        answers.recv()?;
        times.push(start.elapsed());
    }
    let times = &mut times[2000..];
    times.sort_unstable();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    const N: u32 = 1_000_000;
    const BATCH: u32 = 64;
    let start = Instant::now();
    let mut back = 0;
    for i in 0..N {
        sender.push(compute(i, &group))?;
        if i % BATCH == BATCH - 1 {
            sender.flush();
            back += answers.try_iter().sum::<usize>();
        }
    }
    sender.flush();
    while back < N as usize {
        back += answers.recv()?;
    }
    let each = us(start.elapsed()) / f64::from(N);
    println!(
        "{what:<8} round trip p50 {:6.1} us, p99 {:6.1} us; task there and answer back {each:.2} us, {:.2} M/s",
        us(p50),
        us(p99),
        1.0 / each
    );
    Ok(())
}

/// Any error ends the program.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let io = IoThread::start("io")?;
    let (options, security) = (Options::default(), Security::default());
    if let Some(address) = std::env::args().nth(1) {
        let address: Address = address.parse()?;
        let role = AsWorker(WorkerInfo { name: "echo".into(), ..WorkerInfo::default() });
        let inbox = |sender: &Sender<FromWorker>| Echo(sender.clone());
        let link = connect(&address, role, options, security, inbox);
        let _link = io.handle().block_on(link)?;
        loop {
            std::thread::park();
        }
    }
    let directory = tempfile::tempdir()?;
    let unix = format!("unix://{}/s", directory.path().display());
    for (what, address) in [("unix", &*unix), ("tcp", "tcp://127.0.0.1:0")] {
        let (pass, answers) = channel();
        let address = address.parse()?;
        let listen = Listener::bind(&address, options.clone(), security.clone());
        let mut listener = io.handle().block_on(listen)?;
        let mut child = std::process::Command::new(std::env::current_exe()?)
            .arg(listener.address().to_string())
            .spawn()?;
        let sender = io.handle().block_on(async {
            match listener.accept().await {
                Some(Incoming::Worker(_, offer)) => Ok(offer.accept(1, 1, |_| Count(pass))),
                _ => Err("no worker came"),
            }
        })?;
        measure(&sender, &answers, what)?;
        sender.close();
        child.wait()?;
    }
    Ok(())
}
