//! How long it takes to get a large value from a worker of this machine, over the connection and by shared memory,
//! each to where every page was read.
//!
//! `cargo run --release -p oxidask-runtime --example fetch_speed [megabytes]`

#![expect(clippy::print_stdout, reason = "what it is for")]
#![cfg(not(loom))]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Sender as Give, channel};
use std::time::Instant;

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{CodecError, Encoded, Family, Payload, Region, Value};
use oxidask_runtime::cluster::here::connect_here;
use oxidask_runtime::cluster::inline::{Families, InlineForm};
use oxidask_runtime::cluster::link::Peers;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{Joining, RemotePeers, join_here_listening};
use oxidask_runtime::cluster::running;
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::cluster::worker::NewWorker;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::peer::{PeerReply, PeerRequest, ValueName};
use oxidask_runtime::wire::transport::{AsPeer, End, Inbox, IoThread, Options, Security, connect};
use oxidask_sched::client::Event;
use oxidask_sched::content::Content;
use oxidask_sched::ids::{BlobHash, TaskId};
use oxidask_sched::message::{Blob, ClientInfo, NewTask, RunSpec, Submission, WorkerInfo};
use oxidask_sched::scheduler::Config;

const ROUNDS: u32 = 15;

struct Raw(Arc<dyn Region>);

struct RawFamily;

impl Family for RawFamily {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn decode(&self, _: &[u8], mut buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        Ok(Value::new(Raw(Arc::new(buffers.pop().unwrap_or_default()))))
    }

    fn decode_around(
        &self,
        _: &[u8],
        mut regions: Vec<Box<dyn Region>>,
    ) -> Result<Value, CodecError> {
        Ok(Value::new(Raw(regions.pop().unwrap_or_else(|| Box::new(Vec::new())).into())))
    }
}

struct Lent(Arc<dyn Region>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl Payload for Raw {
    fn family(&self) -> &'static dyn Family {
        &RawFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.bytes().len() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        "raw".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Ok(Encoded { header: vec![], buffers: vec![Box::new(Lent(self.0.clone()))] })
    }
}

/// Makes the value, and says which task it is.
struct Makes(usize, Give<TaskId>);

impl Ops for Makes {
    fn op(&self, _: &Blob, _: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let (len, give) = (self.0, self.1.clone());
        Ok(Arc::new(Function::new("make", move |_: &mut [Value], _: &TaskContext<'_>| {
            let _ = running::current().map(|me| give.send(me.task));
            Ok(Value::new(Raw(Arc::new(vec![1_u8; len]))))
        })))
    }
}

/// Reads one byte of each page.
fn look(bytes: &[u8]) -> u64 {
    bytes.iter().step_by(4096).map(|&byte| u64::from(byte)).sum()
}

struct Told(Give<Vec<u8>>);

impl Inbox<PeerReply> for Told {
    fn deliver(&mut self, messages: &mut Vec<PeerReply>) {
        for message in messages.drain(..) {
            if let PeerReply::Value { value, .. } = message {
                let bytes = value.into_buffers().pop().unwrap_or_default();
                drop(self.0.send(bytes));
            }
        }
    }

    fn ended(&mut self, _: End) {}
}

/// Milliseconds of processor time that this process has had.
fn processor_ms() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok();
    let main: f64 = text?.split(' ').next()?.parse().ok()?;
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of = |path: std::path::PathBuf| -> Option<f64> {
        std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    let all: f64 = tasks.filter_map(|task| of(task.ok()?.path())).sum();
    Some(all.max(main) / 1e6)
}

fn measure(what: &str, mut round: impl FnMut() -> u64) {
    let before = processor_ms();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(round());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let processor = processor_ms().zip(before).map_or(0.0, |(after, before)| after - before);
    times.sort_by(f64::total_cmp);
    println!(
        "{what}: best {:.2} ms, median {:.2} ms, {:.2} ms of processors",
        times[0],
        times[times.len() / 2],
        processor / f64::from(ROUNDS)
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let megabytes: usize = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?;
    let (holder, taker) = (IoThread::start("holder")?, IoThread::start("taker")?);
    let (options, security) = (Options::default(), Security::default());
    let families = Families::new(&[&RawFamily]);
    let scheduler = SchedulerNode::new(Config::default());
    let address: Address = "tcp://127.0.0.1:0".parse()?;
    let joining = Joining {
        scheduler: address.clone(),
        options: options.clone(),
        security: security.clone(),
        families: families.clone(),
    };
    let (give, made) = channel();
    let ops = Arc::new(Makes(megabytes * 1_000_000, give));
    let new = NewWorker::new(WorkerInfo { n_threads: 1, ..WorkerInfo::default() }, ops);
    let form = InlineForm::Bytes;
    let (worker, _) = join_here_listening(&scheduler, &holder, &joining, &address, new, form)?;
    worker.start_thread()?;
    let (client, _) = connect_here(&scheduler, "client", Families::none());
    let blob =
        Blob { hash: BlobHash(0), family: "none".into(), bytes: Content::from(b"make".as_slice()) };
    let tasks = vec![NewTask {
        key: Key::from("x"),
        run: RunSpec::default(),
        inputs: Vec::new(),
        wanted: true,
        annotations: 0,
    }];
    let submission = Submission { blobs: vec![blob], tasks, ..Submission::default() };
    client.handle(Event::Submit(submission));
    client.wait_all(&[Key::from("x")], None);
    let task = made.recv()?;
    let at: Address = worker.address().parse()?;

    let (give, take) = channel();
    let info = ClientInfo { name: "plain".into() };
    let link = connect(&at, AsPeer(info), options.clone(), security.clone(), |_| Told(give));
    let link = taker.handle().block_on(link)?;
    measure(&format!("{megabytes} MB over the connection"), || {
        let names = vec![ValueName::Task(task)];
        drop(link.sender.send(PeerRequest::Fetch { request: 1, names }));
        take.recv().map_or(0, |bytes| look(&bytes))
    });

    let peers =
        RemotePeers::new(taker.handle().clone(), "near".into(), options, security, families);
    peers.learn(worker.id(), worker.address());
    let mut held = Vec::new();
    measure(&format!("{megabytes} MB by shared memory"), || {
        let (give, take) = channel();
        peers.fetch(worker.id(), vec![task], Box::new(move |fetched| _ = give.send(fetched)));
        let fetched = take.recv().ok().flatten().unwrap_or_default();
        held = fetched;
        let values = held.iter().filter_map(|(_, value)| value.as_ref().ok()?.downcast_ref());
        values.map(|Raw(region)| look(region.bytes())).sum()
    });
    worker.close("done");
    Ok(())
}
