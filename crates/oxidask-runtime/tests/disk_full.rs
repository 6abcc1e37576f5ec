//! A worker whose disk is full while it writes values there. A process of its own: a limit on the sizes of
//! files stands for the disk's.
#![cfg(all(not(loom), target_os = "linux"))]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "nodes/cluster.rs"]
mod cluster;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxidask_core::key::Key;
use oxidask_runtime::cluster::here::{connect_here, join_here};
use oxidask_runtime::cluster::inline::InlineForm;
use oxidask_runtime::cluster::worker::{MemoryPolicy, NewWorker};
use oxidask_runtime::system;

use crate::cluster::{ByName, Cluster, PATIENCE, families, info, submit};

const MIB: u64 = 1 << 20;

/// Sets how large files may be; none for any.
#[expect(unsafe_code, reason = "libc calls")]
fn limit_files(bytes: Option<u64>) {
    let limit = bytes.unwrap_or(libc::RLIM_INFINITY);
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limit is valid, and the signal, which is ignored, would say what the call's result says too.
    let status = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
    };
    assert_eq!(status, 0);
}

#[test]
fn a_worker_with_a_full_disk_pauses_until_there_is_room_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start();
    let fill = |name: &[u8], _: &[&[u8]]| vec![name[name.len() - 1]; 2 * MIB as usize];
    let mut new = NewWorker::new(info("small"), Arc::new(ByName(fill)));
    let limit = 2 * (system::resident_bytes().expect("it can be read") + 100 * MIB);
    new.info.memory_limit_bytes = limit;
    new.memory = MemoryPolicy {
        target: Some(20.0 * MIB as f64 / limit as f64),
        spill: None,
        pause: Some(0.5),
        directory: folder.path().into(),
        every: Duration::from_millis(5),
    };
    limit_files(Some(8 * MIB));
    let node = join_here(&cluster.scheduler, new, InlineForm::Object);
    node.start_thread().expect("a thread");
    let (client, _) = connect_here(&cluster.scheduler, "near", families());
    let names: Vec<String> = (0..100).map(|i| format!("t{i}")).collect();
    let tasks: Vec<_> = names.iter().map(|name| (&**name, "", &[][..])).collect();
    let keys: Vec<Key> = names.iter().map(|name| Key::from(&**name)).collect();
    submit(&client, &tasks);
    let end = Instant::now() + PATIENCE.expect("a limit");
    while !node.health().paused {
        assert!(Instant::now() < end, "it never pauses: {:?}", node.health());
        std::thread::yield_now();
    }
    assert!(node.health().spilled_bytes <= 8 * MIB);
    assert!(client.settlement(keys.last().expect("there are keys")).is_none());
    limit_files(None);
    let values = client.gather(&keys, PATIENCE).expect("they run");
    for (value, name) in values.iter().zip(&names) {
        let last = name.as_bytes()[name.len() - 1];
        let bytes = cluster::plain(value);
        assert!(bytes.len() == 2 << 20 && bytes.iter().all(|&byte| byte == last), "{name}");
    }
    assert!(node.health().spilled_bytes > 8 * MIB);
    node.close("the test is over");
}
