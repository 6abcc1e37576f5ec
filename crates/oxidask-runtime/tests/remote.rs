//! A scheduler, workers and clients that talk over sockets.
#![cfg(not(loom))]

use std::sync::Arc;
use std::time::Duration;

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext, TaskError};
use oxidask_core::value::{Bytes, BytesFamily, CodecError, Value};
use oxidask_runtime::cluster::ClusterError;
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{Joining, RemoteClient, RemoteWorker, serve};
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{IoThread, Listener, Options, Security};
use oxidask_sched::client::Event;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, Cause, InputRef, NewTask, RunSpec, Submission, WorkerInfo};
use oxidask_sched::scheduler::Config;

/// No test should take this long, whatever else the machine does.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

/// A worker that knows two functions by name: `repeat` makes so many bytes, `sum` adds all bytes of its
/// inputs and its payload.
struct ByName;

impl Ops for ByName {
    fn op(&self, blob: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let name = blob.bytes.as_bytes().cloned().unwrap_or_default();
        let payload = spec.payload.as_bytes().cloned().unwrap_or_default();
        let number = u64::from_le_bytes(payload[..].try_into().expect("eight bytes"));
        Ok(match &name[..] {
            b"repeat" => {
                Arc::new(Function::new("repeat", move |_: &mut [Value], _: &TaskContext<'_>| {
                    Ok(bytes(vec![1; number as usize]))
                }))
            }
            b"sum" => {
                Arc::new(Function::new("sum", move |inputs: &mut [Value], _: &TaskContext<'_>| {
                    let all = inputs.iter().flat_map(|input| {
                        input
                            .downcast_ref::<Bytes>()
                            .expect("bytes")
                            .0
                            .iter()
                            .copied()
                            .collect::<Vec<u8>>()
                    });
                    Ok(bytes((all.map(u64::from).sum::<u64>() + number).to_le_bytes().to_vec()))
                }))
            }
            _ => Arc::new(Function::new("fail", |_: &mut [Value], _: &TaskContext<'_>| {
                Err(TaskError::raised(std::io::Error::other("no such function")))
            })),
        })
    }
}

fn bytes(bytes: Vec<u8>) -> Value {
    Value::new(Bytes(bytes.into()))
}

struct Cluster {
    // Dropped in this order: clients first, the scheduler last.
    workers: Vec<RemoteWorker>,
    scheduler: Arc<SchedulerNode>,
    joining: Joining,
    io: IoThread,
    _folder: tempfile::TempDir,
}

impl Cluster {
    fn start(n_workers: usize, unix: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let io = IoThread::start("io").expect("a thread");
        let (options, security) = (Options::default(), Security::default());
        let address = match unix {
            true => format!("unix://{}/scheduler", folder.path().display()),
            false => "tcp://127.0.0.1:0".into(),
        };
        let address: Address = address.parse().expect("an address");
        let bind = Listener::bind(&address, options.clone(), security.clone());
        let listener = io.handle().block_on(bind).expect("it listens");
        let scheduler_address = listener.address().clone();
        let scheduler = SchedulerNode::new(Config::default());
        io.handle().spawn(serve(scheduler.clone(), listener, 1));
        let families = Families::new(&[&BytesFamily]);
        let joining = Joining { scheduler: scheduler_address, options, security, families };
        let workers = Vec::new();
        let mut cluster = Self { workers, scheduler, joining, io, _folder: folder };
        (0..n_workers).for_each(|_| cluster.add_worker());
        cluster
    }

    fn add_worker(&mut self) {
        let info = WorkerInfo { name: "w".into(), n_threads: 1, ..WorkerInfo::default() };
        let listen: Address = "tcp://127.0.0.1:0".parse().expect("an address");
        let worker = RemoteWorker::join(&self.io, &self.joining, &listen, info, Arc::new(ByName));
        self.workers.push(worker.expect("it joins"));
    }
}

/// `n` arrays of a thousand bytes and more, a sum of each with its neighbour, and the sum of sums.
fn submission(n: u64, nbytes: u64) -> (Submission, Key) {
    let blob = |i: u128, name: &'static [u8]| Blob {
        hash: BlobHash(i),
        family: "test".into(),
        bytes: name.into(),
    };
    let task = |name: String, blob: u32, number: u64, inputs: Vec<InputRef>, wanted| NewTask {
        key: Key::from(name.as_str()),
        run: RunSpec { blob, block: 0, payload: number.to_le_bytes().to_vec().into() },
        inputs,
        wanted,
        annotations: 0,
    };
    let mut tasks = Vec::new();
    for i in 0..n {
        tasks.push(task(format!("repeat-{i}"), 0, nbytes + i, vec![], false));
    }
    for i in 0..n {
        let inputs = vec![InputRef::Local(i as u32), InputRef::Local(((i + 1) % n) as u32)];
        tasks.push(task(format!("pair-{i}"), 1, i, inputs, false));
    }
    let inputs = (n..2 * n).map(|i| InputRef::Local(i as u32)).collect();
    tasks.push(task("total".into(), 1, 0, inputs, true));
    let blobs = vec![blob(1, b"repeat"), blob(2, b"sum")];
    (Submission { blobs, tasks, ..Submission::default() }, Key::from("total"))
}

/// Sums of bytes of little-endian sums, as the tasks compute them.
fn expected(n: u64, nbytes: u64) -> u64 {
    let pair = |i: u64| nbytes + i + nbytes + (i + 1) % n + i;
    (0..n).flat_map(|i| pair(i).to_le_bytes()).map(u64::from).sum()
}

fn number(value: &Value) -> u64 {
    let bytes = &value.downcast_ref::<Bytes>().expect("bytes").0;
    u64::from_le_bytes(bytes[..].try_into().expect("eight bytes"))
}

fn run(cluster: &Cluster, n: u64, nbytes: u64) -> Result<u64, ClusterError> {
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "test").expect("it joins");
    let (submission, total) = submission(n, nbytes);
    client.node().handle(Event::Submit(submission));
    let values = client.node().gather(&[total], PATIENCE)?;
    Ok(number(&values[0]))
}

#[test]
fn values_go_from_worker_to_worker_and_the_result_to_the_client() {
    for unix in [false, true] {
        let cluster = Cluster::start(3, unix);
        assert_eq!(run(&cluster, 40, 1_000).expect("it runs"), expected(40, 1_000));
        assert_eq!(run(&cluster, 8, 300_000).expect("it runs"), expected(8, 300_000));
        cluster.scheduler.check_invariants().expect("as it must be");
    }
}

#[test]
fn large_results_are_fetched_from_the_worker_that_holds_them() {
    let cluster = Cluster::start(2, false);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "test").expect("it joins");
    let (mut submission, _) = submission(3, 5_000_000);
    submission.tasks.truncate(3);
    submission.tasks.iter_mut().for_each(|task| task.wanted = true);
    let keys: Vec<Key> = submission.tasks.iter().map(|task| task.key.clone()).collect();
    client.node().handle(Event::Submit(submission));
    let values = client.node().gather(&keys, PATIENCE).expect("they run");
    let lengths: Vec<usize> =
        values.iter().map(|v| v.downcast_ref::<Bytes>().expect("bytes").0.len()).collect();
    assert_eq!(lengths, [5_000_000, 5_000_001, 5_000_002]);
}

#[test]
fn a_failure_crosses_the_wire() {
    let cluster = Cluster::start(1, false);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "test").expect("it joins");
    let (mut submission, total) = submission(2, 10);
    submission.blobs[0].bytes = b"nonsense".as_slice().into();
    client.node().handle(Event::Submit(submission));
    let error = client.node().gather(&[total], PATIENCE).expect_err("it fails");
    let ClusterError::Failed(failure) = &error else { panic!("{error:?}") };
    assert!(matches!(failure.cause, Cause::Raised(_)), "{failure:?}");
    assert!(error.to_string().contains("no such function"), "{error}");
}

#[test]
fn a_worker_that_leaves_takes_nothing_with_it() {
    let mut cluster = Cluster::start(2, false);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "test").expect("it joins");
    let (submission, total) = submission(30, 2_000);
    client.node().handle(Event::Submit(submission));
    cluster.add_worker();
    drop(cluster.workers.remove(0));
    drop(cluster.workers.remove(0));
    let values = client.node().gather(&[total], PATIENCE).expect("it runs");
    assert_eq!(number(&values[0]), expected(30, 2_000));
    cluster.scheduler.check_invariants().expect("as it must be");
}

#[test]
fn a_client_whose_scheduler_is_gone_does_not_hang() {
    let cluster = Cluster::start(0, false);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "test").expect("it joins");
    let (submission, total) = submission(2, 10);
    client.node().handle(Event::Submit(submission));
    let node = client.node().clone();
    let waiter = std::thread::spawn(move || node.gather(&[total], PATIENCE));
    drop(client);
    let error = waiter.join().expect("no panic").expect_err("nobody runs it");
    assert!(matches!(error, ClusterError::Closed(_)), "{error:?}");
    drop(cluster);
}
