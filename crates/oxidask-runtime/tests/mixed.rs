//! Workers and clients in the scheduler's process and over sockets, at the same time; what tasks know of
//! themselves; values that clients put on workers.
#![cfg(not(loom))]

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{Bytes, BytesFamily, CodecError, Value};
use oxidask_runtime::cluster::ClientNode;
use oxidask_runtime::cluster::here::{connect_here, join_here};
use oxidask_runtime::cluster::inline::{Families, InlineForm};
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{
    Joining, RemoteClient, RemoteWorker, join_here_listening, reach_others, serve,
};
use oxidask_runtime::cluster::running;
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::cluster::worker::{NewWorker, WorkerNode};
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{IoThread, Listener, Options, Security};
use oxidask_sched::client::Event;
use oxidask_sched::ids::{BlobHash, TaskId, WorkerId};
use oxidask_sched::message::{
    Annotations, Blob, InputRef, NewTask, RunSpec, Submission, WorkerInfo,
};
use oxidask_sched::scheduler::Config;

/// No test should take this long, whatever else the machine does.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

/// A function of the inputs' bytes, by the name that the task is sent with.
struct ByName(fn(&[u8], &[&[u8]]) -> Vec<u8>);

impl Ops for ByName {
    fn op(&self, _: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let name = spec.payload.as_bytes().cloned().unwrap_or_default();
        let function = self.0;
        let body = move |inputs: &mut [Value], _: &TaskContext<'_>| {
            let inputs: Vec<&[u8]> = inputs.iter().map(plain).collect();
            Ok(bytes(function(&name, &inputs)))
        };
        Ok(Arc::new(Function::new("by-name", body)))
    }
}

fn plain(value: &Value) -> &[u8] {
    &value.downcast_ref::<Bytes>().expect("bytes").0
}

fn bytes(bytes: Vec<u8>) -> Value {
    Value::new(Bytes(bytes.into()))
}

fn tcp() -> Address {
    "tcp://127.0.0.1:0".parse().expect("an address")
}

fn families() -> Families {
    Families::new(&[&BytesFamily])
}

fn info(name: &str) -> WorkerInfo {
    WorkerInfo { name: name.into(), n_threads: 1, ..WorkerInfo::default() }
}

/// A scheduler that has nodes here and elsewhere.
struct Cluster {
    scheduler: Arc<SchedulerNode>,
    joining: Joining,
    io: IoThread,
}

impl Cluster {
    fn start() -> Self {
        let io = IoThread::start("io").expect("a thread");
        let (options, security) = (Options::default(), Security::default());
        let address = tcp();
        let bind = Listener::bind(&address, options.clone(), security.clone());
        let listener = io.handle().block_on(bind).expect("it listens");
        let scheduler_address = listener.address().clone();
        let scheduler = SchedulerNode::new(Config::default());
        io.handle().spawn(serve(scheduler.clone(), listener, 1));
        let joining =
            Joining { scheduler: scheduler_address, options, security, families: families() };
        reach_others(&scheduler, &io, &joining);
        Self { scheduler, joining, io }
    }

    fn worker_here(&self, name: &str, ops: ByName) -> Arc<WorkerNode> {
        let new = NewWorker::new(info(name), Arc::new(ops));
        let node = join_here_listening(
            &self.scheduler,
            &self.io,
            &self.joining,
            &tcp(),
            new,
            InlineForm::Object,
        );
        let node = node.expect("it listens");
        node.start_thread().expect("a thread");
        node
    }

    fn worker_elsewhere(&self, name: &str, ops: ByName) -> RemoteWorker {
        let ops = Arc::new(ops);
        RemoteWorker::join(&self.io, &self.joining, &tcp(), info(name), ops).expect("it joins")
    }
}

fn submit(client: &ClientNode, tasks: &[(&str, &str, &[&str])]) {
    let blob = Blob { hash: BlobHash(1), family: "test".into(), bytes: b"f".as_slice().into() };
    let annotations = tasks
        .iter()
        .map(|(_, worker, _)| Annotations { workers: names(worker), ..Annotations::default() });
    let new = tasks.iter().enumerate().map(|(i, (name, _, inputs))| NewTask {
        key: Key::from(*name),
        run: RunSpec { blob: 0, block: 0, payload: name.as_bytes().to_vec().into() },
        inputs: inputs.iter().map(|input| InputRef::Known(Key::from(*input))).collect(),
        wanted: true,
        annotations: i as u32 + 1,
    });
    client.handle(Event::Submit(Submission {
        blobs: vec![blob],
        annotations: annotations.collect(),
        tasks: new.collect(),
        ..Submission::default()
    }));
}

fn names(worker: &str) -> Vec<Arc<str>> {
    if worker.is_empty() { Vec::new() } else { vec![worker.into()] }
}

fn gather(client: &ClientNode, keys: &[&str]) -> Vec<Vec<u8>> {
    let keys: Vec<Key> = keys.iter().map(|key| Key::from(*key)).collect();
    let values = client.gather(&keys, PATIENCE).expect("they run");
    values.iter().map(|value| plain(value).to_vec()).collect()
}

/// The task's name and all that its inputs have.
fn join_all(name: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    [&[name], inputs].concat().concat()
}

/// As [`join_all`], too large to travel with the news.
fn join_large(name: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    let all = inputs.iter().map(|input| &input[..input.len() - 100_000]);
    let mut all = [name].into_iter().chain(all).collect::<Vec<_>>().concat();
    all.resize(all.len() + 100_000, b'.');
    all
}

#[test]
fn nodes_here_and_elsewhere_read_each_others_values() {
    for (function, cut) in [(join_all as fn(&[u8], &[&[u8]]) -> _, 0), (join_large, 100_000)] {
        let cluster = Cluster::start();
        let here = cluster.worker_here("here", ByName(function));
        let elsewhere = cluster.worker_elsewhere("elsewhere", ByName(function));
        let (client, _) = connect_here(&cluster.scheduler, "near", families());
        let far = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
        for (client, x) in [(&client, "a"), (far.node(), "b")] {
            let name = |name: &str| format!("{x}{name}");
            let (one, two, three) = (name("1"), name("2"), name("3"));
            submit(
                client,
                &[
                    (&one, "here", &[]),
                    (&two, "elsewhere", &[&one]),
                    (&three, "here", &[&two, &one]),
                ],
            );
            let mut all = gather(client, &[&one, &two, &three]);
            all.iter_mut().for_each(|value| value.truncate(value.len() - cut));
            let expect = [one.clone(), format!("{two}{one}"), format!("{three}{two}{one}{one}")];
            assert_eq!(all, expect.map(String::into_bytes));
        }
        cluster.scheduler.check_invariants().expect("as it must be");
        here.close("the test is over");
        drop(elsewhere);
    }
}

/// What the scheduler knows a task by.
fn number(client: &ClientNode, name: &str, worker: &str) -> TaskId {
    submit(client, &[(name, worker, &[])]);
    gather(client, &[name]);
    *NUMBERS.lock().expect("no panic").get(name).expect("it has run")
}

static NUMBERS: Mutex<BTreeMap<String, TaskId>> = Mutex::new(BTreeMap::new());

fn join_and_tell(name: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    let me = running::current().expect("a task runs");
    let text = std::str::from_utf8(name).expect("text");
    NUMBERS.lock().expect("no panic").insert(text.into(), me.task);
    if text.ends_with("large") { vec![b'.'; 100_000] } else { join_all(name, inputs) }
}

fn put(client: &ClientNode, worker: WorkerId, task: TaskId) -> Result<(), Arc<str>> {
    let (give, take) = channel();
    let then = Box::new(move |result| _ = give.send(result));
    client.put(worker, task, bytes(b"abc".to_vec()), then);
    take.recv().expect("it is told")
}

#[test]
fn values_of_clients_are_put_on_workers_near_and_far() {
    let cluster = Cluster::start();
    let here = cluster.worker_here("here", ByName(join_and_tell));
    let elsewhere = cluster.worker_elsewhere("elsewhere", ByName(join_and_tell));
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let far = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
    for (client, x) in [(&client, "near"), (far.node(), "far")] {
        for (worker, id, other) in
            [("here", here.id(), "elsewhere"), ("elsewhere", elsewhere.id(), "here")]
        {
            let (name, user) = (format!("{x}-{worker}"), format!("user-{x}-{worker}"));
            let task = number(client, &name, other);
            // The client learns where the worker is from what lies there.
            number(client, &format!("{name}-large"), worker);
            assert_eq!(put(client, id, task), Ok(()));
            submit(client, &[(&user, worker, &[&name])]);
            assert_eq!(gather(client, &[&user]), [format!("{user}abc").into_bytes()]);
        }
    }
    cluster.scheduler.check_invariants().expect("as it must be");
}

#[test]
fn a_value_for_a_worker_that_is_gone_is_refused() {
    let cluster = Cluster::start();
    let here = cluster.worker_here("here", ByName(join_and_tell));
    let elsewhere = cluster.worker_elsewhere("elsewhere", ByName(join_and_tell));
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let far = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
    let task = number(far.node(), "gone-1-large", "here");
    let other = number(&client, "gone-2-large", "elsewhere");
    let ids = (here.id(), elsewhere.id());
    here.close("it leaves");
    drop(elsewhere);
    assert!(put(far.node(), ids.0, task).is_err());
    assert!(put(&client, ids.0, task).is_err());
    assert!(put(far.node(), ids.1, other).is_err());
    assert!(put(&client, ids.1, other).is_err());
}

#[test]
fn tasks_know_themselves_and_make_room_for_those_that_they_wait_for() {
    let function = |name: &[u8], _: &[&[u8]]| {
        let me = running::current().expect("a task runs");
        assert_eq!(me.key, Key::from(std::str::from_utf8(name).expect("text")));
        if name == b"waits" {
            let worker = me.worker().expect("it is there");
            assert_eq!(worker.n_executing(), 1);
            me.secede();
            assert!(me.has_seceded());
            // Given by the other task, which the only thread could not run.
            MEET.wait();
            me.rejoin();
        } else if name == b"gives" {
            MEET.wait();
        }
        name.to_vec()
    };
    static MEET: std::sync::LazyLock<std::sync::Barrier> =
        std::sync::LazyLock::new(|| std::sync::Barrier::new(2));
    let cluster = Cluster::start();
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let new = NewWorker::new(info("here"), Arc::new(ByName(function)));
    let node = join_here(&cluster.scheduler, new, InlineForm::Object);
    node.start_thread().expect("a thread");
    submit(&client, &[("waits", "", &[]), ("gives", "", &[])]);
    assert_eq!(gather(&client, &["waits", "gives"]), [b"waits".to_vec(), b"gives".to_vec()]);
    // No thread is left over, and none is missing: tasks still run one after the other.
    let names: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
    let tasks: Vec<_> = names.iter().map(|name| (&**name, "", &[][..])).collect();
    submit(&client, &tasks);
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    assert_eq!(gather(&client, &names).len(), 50);
    node.close("the test is over");
    assert!(node.wait(PATIENCE));
    assert!(running::current().is_none());
}
