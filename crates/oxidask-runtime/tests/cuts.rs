//! Links that are cut, links that fall silent, and schedulers that are gone: work goes on over the next connection, or
//! with the next scheduler.
#![cfg(not(loom))]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{Bytes, BytesFamily, CodecError, Value};
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{Joining, RemoteClient, RemoteWorker, serve};
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{IoThread, Listener, Options, Security};
use oxidask_sched::client::{ClientConfig, Event};
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, InputRef, NewTask, RunSpec, Submission, WorkerInfo};
use oxidask_sched::scheduler::Config;
use parking_lot::Mutex;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

/// Adds one to the number that a task reads, or to zero.
struct Increment;

impl Ops for Increment {
    fn op(&self, _: &Blob, _: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        Ok(Arc::new(Function::new("increment", |inputs: &mut [Value], _: &TaskContext<'_>| {
            let before = inputs.first().map_or(0, number);
            Ok(Value::new(Bytes((before + 1).to_le_bytes().to_vec().into())))
        })))
    }
}

fn number(value: &Value) -> u64 {
    let bytes = &value.downcast_ref::<Bytes>().expect("bytes").0;
    u64::from_le_bytes(bytes[..].try_into().expect("eight bytes"))
}

/// Passes bytes on, until it is told otherwise.
struct Proxy {
    address: Address,
    connections: Arc<Mutex<Vec<Arc<Connection>>>>,
}

struct Connection {
    ends: [TcpStream; 2],
    /// Nothing comes through any more, and nobody is told.
    silent: AtomicBool,
}

impl Proxy {
    fn start(to: &Address) -> Self {
        let Address::Net { port, .. } = *to else { panic!("{to}") };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = Address::of_socket(listener.local_addr().expect("an address"), false);
        let connections: Arc<Mutex<Vec<Arc<Connection>>>> = Arc::default();
        let all = connections.clone();
        thread::spawn(move || {
            for opener in listener.incoming().map_while(Result::ok) {
                let Ok(acceptor) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let silent = AtomicBool::new(false);
                let connection = Arc::new(Connection { ends: [opener, acceptor], silent });
                all.lock().push(connection.clone());
                for from in 0..2 {
                    let connection = connection.clone();
                    thread::spawn(move || connection.pass(from));
                }
            }
        });
        Self { address, connections }
    }

    fn cut(&self) {
        self.connections.lock().drain(..).for_each(|connection| connection.close());
    }

    fn fall_silent(&self) {
        for connection in self.connections.lock().drain(..) {
            connection.silent.store(true, Ordering::Relaxed);
        }
    }
}

impl Connection {
    fn pass(&self, from: usize) {
        let (mut from, mut to) = (&self.ends[from], &self.ends[1 - from]);
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if !self.silent.load(Ordering::Relaxed) && to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        self.close();
    }

    fn close(&self) {
        for end in &self.ends {
            // It may be closed.
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

/// Chains of tasks whose links are disturbed again and again while they run.
fn work_goes_on(beat: Duration, disturb: impl Fn(&Proxy)) {
    const LENGTH: usize = 12;
    let io = IoThread::start("io").expect("a thread");
    let options = Options { beat, ..Options::default() };
    let anywhere: Address = "tcp://127.0.0.1:0".parse().expect("an address");
    let bind = Listener::bind(&anywhere, options.clone(), Security::default());
    let listener = io.handle().block_on(bind).expect("it listens");
    let proxy = Proxy::start(listener.address());
    let scheduler = SchedulerNode::new(Config::default());
    io.handle().spawn(serve(scheduler.clone(), listener, 1));
    let families = Families::new(&[&BytesFamily]);
    let address = proxy.address.clone();
    let joining = Joining { scheduler: address, options, security: Security::default(), families };
    let workers: Vec<RemoteWorker> = (0..2)
        .map(|i| {
            let name = format!("w{i}").into();
            let info = WorkerInfo { name, n_threads: 1, ..WorkerInfo::default() };
            RemoteWorker::join(&io, &joining, &anywhere, info, Arc::new(Increment))
                .expect("it joins")
        })
        .collect();
    let ids: Vec<_> = workers.iter().map(RemoteWorker::id).collect();
    let client = RemoteClient::join(&io, &joining, "test").expect("it joins");
    for round in 0..10 {
        let key = |i: usize| Key::from(format!("{round}-{i}").as_str());
        let blob = Blob { hash: BlobHash(1), family: "f".into(), bytes: (&b"f"[..]).into() };
        let tasks = (0..4 * LENGTH).map(|i| NewTask {
            key: key(i),
            run: RunSpec { blob: 0, block: 0, payload: Vec::new().into() },
            inputs: i
                .checked_sub(4)
                .map(|before| InputRef::Local(before as u32))
                .into_iter()
                .collect(),
            wanted: true,
            annotations: 0,
        });
        let submission =
            Submission { blobs: vec![blob], tasks: tasks.collect(), ..Submission::default() };
        client.node().handle(Event::Submit(submission));
        let early: Vec<Key> = (0..4).map(key).collect();
        client.node().gather(&early, PATIENCE).expect("the first ones come");
        disturb(&proxy);
        let last: Vec<Key> = (4 * LENGTH - 4..4 * LENGTH).map(key).collect();
        let values = client.node().gather(&last, PATIENCE).expect("the last ones come");
        assert!(values.iter().all(|value| number(value) == LENGTH as u64), "{values:?}");
    }
    scheduler.check_invariants().expect("as it must be");
    // Nobody was lost on the way: all of it went on in the same sessions.
    assert_eq!(scheduler.counts().workers, 2);
    assert_eq!(ids, workers.iter().map(RemoteWorker::id).collect::<Vec<_>>());
    assert!(workers.iter().all(|worker| !worker.node().is_closed()));
    drop((client, workers));
}

#[test]
fn work_goes_on_over_links_that_are_cut() {
    work_goes_on(Duration::from_secs(60), Proxy::cut);
}

#[test]
fn work_goes_on_over_links_that_fall_silent() {
    // A half-open connection is found by its silence, of four beats.
    work_goes_on(Duration::from_millis(25), Proxy::fall_silent);
}

/// A scheduler at an address, until it is dropped: then it is gone without a word.
fn scheduler_at(address: &Address, epoch: u64) -> (IoThread, Address) {
    let io = IoThread::start("scheduler-io").expect("a thread");
    let bind = Listener::bind(address, Options::default(), Security::default());
    let listener = io.handle().block_on(bind).expect("it listens");
    let bound = listener.address().clone();
    io.handle().spawn(serve(SchedulerNode::new(Config::default()), listener, epoch));
    (io, bound)
}

#[test]
fn a_client_presents_its_work_to_the_next_scheduler() {
    let io = IoThread::start("io").expect("a thread");
    let anywhere: Address = "tcp://127.0.0.1:0".parse().expect("an address");
    let (first, address) = scheduler_at(&anywhere, 1);
    let (options, security) = (Options::default(), Security::default());
    let families = Families::new(&[&BytesFamily]);
    let joining = Joining { scheduler: address.clone(), options, security, families };
    let config = ClientConfig { resubmits: true, ..ClientConfig::default() };
    let client = RemoteClient::join_as(&io, &joining, "returns", config).expect("it joins");
    let other = RemoteClient::join(&io, &joining, "does not").expect("it joins");
    drop(first);
    let submit = |name: &str| {
        let blob = Blob { hash: BlobHash(1), family: "f".into(), bytes: (&b"f"[..]).into() };
        let task = NewTask {
            key: name.into(),
            run: RunSpec { blob: 0, block: 0, payload: Vec::new().into() },
            inputs: Vec::new(),
            wanted: true,
            annotations: 0,
        };
        let submission =
            Submission { blobs: vec![blob], tasks: vec![task], ..Submission::default() };
        client.node().handle(Event::Submit(submission));
    };
    let gather = |name: &str| client.node().gather(&[name.into()], PATIENCE);
    submit("while there was none");
    let (second, _) = scheduler_at(&address, 2);
    let info = WorkerInfo { name: "w".into(), n_threads: 1, ..WorkerInfo::default() };
    let worker = RemoteWorker::join(&io, &joining, &anywhere, info, Arc::new(Increment));
    let worker = worker.expect("it joins");
    assert_eq!(number(&gather("while there was none").expect("a value")[0]), 1);
    submit("with the next one");
    assert_eq!(number(&gather("with the next one").expect("a value")[0]), 1);
    // One that does not come back says so to whoever waits.
    let lost = other.node().gather(&["x".into()], PATIENCE);
    assert!(lost.is_err(), "{lost:?}");
    drop((client, other, worker, second));
}
