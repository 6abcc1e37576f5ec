//! Workers and clients in the scheduler's process and over sockets, at the same time; what tasks know of
//! themselves; values that clients put on workers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use oxidask_core::key::Key;
use oxidask_runtime::cluster::ClientNode;
use oxidask_runtime::cluster::here::{connect_here, join_here};
use oxidask_runtime::cluster::inline::InlineForm;
use oxidask_runtime::cluster::remote::RemoteClient;
use oxidask_runtime::cluster::running;
use oxidask_runtime::cluster::worker::NewWorker;
use oxidask_sched::ids::{TaskId, WorkerId};

use crate::cluster::{ByName, Cluster, PATIENCE, bytes, families, gather, info, submit};

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
fn what_lies_out_of_reach_is_said_and_not_computed_again_and_again() {
    static N_RUNS: AtomicUsize = AtomicUsize::new(0);
    let function = |name: &[u8], _: &[&[u8]]| {
        N_RUNS.fetch_add(1, Ordering::Relaxed);
        name.to_vec()
    };
    let cluster = Cluster::start();
    let new = NewWorker::new(info("here"), Arc::new(ByName(function)));
    // It listens nowhere, and what it tells of its values are objects of this process.
    let here = join_here(&cluster.scheduler, new, InlineForm::Object);
    here.start_thread().expect("a thread");
    let elsewhere = cluster.worker_elsewhere("elsewhere", ByName(join_all));
    let (near, _) = connect_here(&cluster.scheduler, "near", families());
    let far = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
    submit(far.node(), &[("x", "here", &[])]);
    let error = far.node().gather(&[Key::from("x")], PATIENCE).expect_err("it can't come");
    assert!(error.to_string().contains("listens nowhere"), "{error}");
    submit(&near, &[("x", "here", &[])]);
    assert_eq!(gather(&near, &["x"]), [b"x".to_vec()]);
    submit(far.node(), &[("y", "elsewhere", &["x"])]);
    let error = far.node().gather(&[Key::from("y")], PATIENCE).expect_err("its input can't come");
    assert!(error.to_string().contains("listens nowhere"), "{error}");
    assert_eq!(
        put(far.node(), here.id(), TaskId { slot: 9, generation: 9 }).map_err(|_| ()),
        Err(())
    );
    assert_eq!(N_RUNS.load(Ordering::Relaxed), 1);
    cluster.scheduler.check_invariants().expect("as it must be");
    drop(elsewhere);
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
