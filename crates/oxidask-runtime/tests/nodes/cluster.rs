//! Clusters for the tests: nodes of this process and others over sockets.

use std::sync::Arc;
use std::time::Duration;

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{Bytes, BytesFamily, CodecError, Value};
use oxidask_runtime::cluster::ClientNode;
use oxidask_runtime::cluster::inline::{Families, InlineForm};
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{
    Joining, RemoteWorker, join_here_listening, reach_others, serve,
};
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::cluster::worker::{NewWorker, WorkerNode};
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::transport::{IoThread, Listener, Options, Security};
use oxidask_sched::client::Event;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{
    Annotations, Blob, InputRef, NewTask, RunSpec, Submission, WorkerInfo,
};
use oxidask_sched::scheduler::Config;

/// No test should take this long, whatever else the machine does.
pub(crate) const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

/// A function of the inputs' bytes, by the name that the task is sent with.
pub(crate) struct ByName(pub(crate) fn(&[u8], &[&[u8]]) -> Vec<u8>);

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

pub(crate) fn plain(value: &Value) -> &[u8] {
    &value.downcast_ref::<Bytes>().expect("bytes").0
}

pub(crate) fn bytes(bytes: Vec<u8>) -> Value {
    Value::new(Bytes(bytes.into()))
}

pub(crate) fn tcp() -> Address {
    "tcp://127.0.0.1:0".parse().expect("an address")
}

pub(crate) fn families() -> Families {
    Families::new(&[&BytesFamily])
}

pub(crate) fn info(name: &str) -> WorkerInfo {
    WorkerInfo { name: name.into(), n_threads: 1, ..WorkerInfo::default() }
}

/// A scheduler that has nodes here and elsewhere.
pub(crate) struct Cluster {
    pub(crate) scheduler: Arc<SchedulerNode>,
    pub(crate) joining: Joining,
    pub(crate) io: IoThread,
}

impl Cluster {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn worker_here(&self, name: &str, ops: ByName) -> Arc<WorkerNode> {
        let new = NewWorker::new(info(name), Arc::new(ops));
        let node = join_here_listening(
            &self.scheduler,
            &self.io,
            &self.joining,
            &tcp(),
            new,
            InlineForm::Object,
        );
        let (node, _) = node.expect("it listens");
        node.start_thread().expect("a thread");
        node
    }

    pub(crate) fn worker_elsewhere(&self, name: &str, ops: ByName) -> RemoteWorker {
        let ops = Arc::new(ops);
        RemoteWorker::join(&self.io, &self.joining, &tcp(), info(name), ops).expect("it joins")
    }
}

pub(crate) fn submit(client: &ClientNode, tasks: &[(&str, &str, &[&str])]) {
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

pub(crate) fn names(worker: &str) -> Vec<Arc<str>> {
    if worker.is_empty() { Vec::new() } else { vec![worker.into()] }
}

pub(crate) fn gather(client: &ClientNode, keys: &[&str]) -> Vec<Vec<u8>> {
    let keys: Vec<Key> = keys.iter().map(|key| Key::from(*key)).collect();
    let values = client.gather(&keys, PATIENCE).expect("they run");
    values.iter().map(|value| plain(value).to_vec()).collect()
}
