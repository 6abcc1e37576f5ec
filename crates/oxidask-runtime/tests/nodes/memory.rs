//! Workers whose memory is short.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{CodecError, Encoded, Family, NativeFamily, Payload, Value};
use oxidask_runtime::cluster::here::{connect_here, join_here};
use oxidask_runtime::cluster::inline::InlineForm;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::RemoteWorker;
use oxidask_runtime::cluster::worker::{MemoryPolicy, NewWorker};
use oxidask_sched::message::{Blob, RunSpec};

use crate::cluster::{ByName, Cluster, PATIENCE, families, gather, info, submit, tcp};

const MIB: u64 = 1 << 20;

/// Two megabytes that tell the tasks that made them.
fn fill(name: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    let sum = inputs.iter().map(|input| u64::from(input[0])).sum::<u64>();
    let byte = name.iter().map(|&byte| u64::from(byte)).sum::<u64>() + sum;
    vec![byte as u8; 2 * MIB as usize]
}

/// Values may have 20 MiB of a gigabyte; the process may have anything.
fn small(directory: &std::path::Path) -> NewWorker {
    let mut new = NewWorker::new(info("small"), Arc::new(ByName(fill)));
    new.info.memory_limit_bytes = 1024 * MIB;
    new.memory = MemoryPolicy {
        target: Some(20.0 / 1024.0),
        spill: None,
        pause: None,
        directory: directory.into(),
        every: Duration::from_millis(5),
    };
    new
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE.expect("a limit");
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("t{i}")).collect()
}

#[test]
fn what_does_not_fit_goes_to_disk_and_is_read_by_tasks_clients_and_peers() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start();
    let new = small(folder.path());
    let small =
        RemoteWorker::join_idle(&cluster.io, &cluster.joining, &tcp(), new).expect("it joins");
    small.node().start_thread().expect("a thread");
    let peer = cluster.worker_elsewhere("peer", ByName(fill));
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let names = names(30);
    let tasks: Vec<_> = names.iter().map(|name| (&**name, "small", &[][..])).collect();
    submit(&client, &tasks);
    let all: Vec<&str> = names.iter().map(|name| &**name).collect();
    submit(&client, &[("here", "small", &all), ("there", "peer", &all)]);
    let keys = [&all[..], &["here", "there"]].concat();
    for (value, name) in gather(&client, &keys).iter().zip(&keys) {
        let inputs: Vec<Vec<u8>> = match *name {
            "here" | "there" => all.iter().map(|name| fill(name.as_bytes(), &[])).collect(),
            _ => Vec::new(),
        };
        let inputs: Vec<&[u8]> = inputs.iter().map(|input| &input[..]).collect();
        assert_eq!((value.len(), value[0]), (2 << 20, fill(name.as_bytes(), &inputs)[0]), "{name}");
    }
    until("values are on disk", || small.node().health().spilled_bytes >= 40 * MIB);
    until("no more is in memory than may be", || small.node().health().managed_bytes <= 20 * MIB);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    drop(peer);
}

/// A value of its process only.
struct Stuck(Vec<u8>);

impl Payload for Stuck {
    fn family(&self) -> &'static dyn Family {
        &NativeFamily
    }

    fn nbytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        "stuck".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Err(CodecError {
            family: "test",
            type_name: "stuck".into(),
            direction: "encoded",
            reason: "it has no bytes".into(),
        })
    }
}

struct MakesStuck;

impl Ops for MakesStuck {
    fn op(&self, _: &Blob, _: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        Ok(Arc::new(Function::new("stuck", |_: &mut [Value], _: &TaskContext<'_>| {
            Ok(Value::new(Stuck(vec![1; 2 * MIB as usize])))
        })))
    }
}

#[test]
fn what_has_no_bytes_stays_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start();
    let mut new = small(folder.path());
    new.ops = Arc::new(MakesStuck);
    let node = join_here(&cluster.scheduler, new, InlineForm::Object);
    node.start_thread().expect("a thread");
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let names = names(20);
    let tasks: Vec<_> = names.iter().map(|name| (&**name, "", &[][..])).collect();
    submit(&client, &tasks);
    let keys: Vec<Key> = names.iter().map(|name| Key::from(&**name)).collect();
    assert_eq!(client.gather(&keys, PATIENCE).expect("they run").len(), 20);
    let health = node.health();
    assert!(health.managed_bytes >= 40 * MIB && health.spilled_bytes == 0, "{health:?}");
    node.close("the test is over");
}
