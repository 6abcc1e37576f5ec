//! What a scheduler says of itself, its workers and its tasks.

use oxidask_sched::data::{AskError, Data};
use oxidask_sched::message::{Cause, Event, FromWorker, Health, TaskFailure, ToClient, WorkerInfo};

use crate::driver::{A, B, Driver, ME, YOU, key};

fn keys(names: &[&str]) -> Data {
    names.iter().map(|name| Data::Key(key(name))).collect()
}

fn of(names: &[&str]) -> Data {
    Data::map([("keys", keys(names))])
}

/// A value of `x` on one of two workers, and `y` over it that runs.
fn busy() -> Driver {
    let mut driver = Driver::new(2);
    driver.submit(ME, "x", &[]);
    driver.run_all();
    driver.submit(ME, "y", &["x"]);
    driver
}

#[test]
fn a_scheduler_knows_who_it_is() {
    let mut driver = busy();
    driver.scheduler.set_name("s-1", "tcp://here:1");
    driver.worker(A, FromWorker::Health(Health { memory_bytes: 70, ..Health::default() }));
    let identity = driver.learn("info.identity", Data::Nil).expect("known");
    assert_eq!(identity.get("type"), Some(&"Scheduler".into()));
    assert_eq!(identity.get("address"), Some(&"tcp://here:1".into()));
    assert_eq!(identity.get("started_s"), Some(&1000.0.into()));
    let worker = identity.get("workers").and_then(|all| all.get("tcp://a")).expect("known");
    assert_eq!(worker.get("nthreads"), Some(&1i64.into()));
    assert_eq!(worker.get("status"), Some(&"running".into()));
    assert_eq!(worker.get("metrics").and_then(|m| m.get("memory")), Some(&70i64.into()));
    let none = Data::map([("workers", false.into())]);
    let identity = driver.learn("info.identity", none).expect("known");
    assert_eq!(identity.get("workers"), Some(&Data::Map(Vec::new())));
}

#[test]
fn workers_say_more_of_themselves() {
    let mut driver = Driver::new(0);
    let extra = Data::map([("pid", 5i64.into()), ("name", 0i64.into())]);
    let info = WorkerInfo { address: "tcp://a".into(), extra, ..WorkerInfo::default() };
    driver.event(Event::WorkerJoined(A, info));
    let identity = driver.learn("info.identity", Data::Nil).expect("known");
    let worker = identity.get("workers").and_then(|all| all.get("tcp://a")).expect("known");
    assert_eq!((worker.get("pid"), worker.get("name")), (Some(&5i64.into()), Some(&0i64.into())));
}

#[test]
fn values_are_found() {
    let mut driver = busy();
    let holder = driver.scheduler.locate(&key("x")).expect("there").holders[0];
    let address = if holder == A { "tcp://a" } else { "tcp://b" };
    let there: Data = [address].into_iter().collect();
    let row = |name: &str, what: Data| Data::List(vec![Data::Key(key(name)), what]);
    let who = driver.learn("info.who_has", of(&["x", "z"])).expect("known");
    assert_eq!(who.items(), [row("x", there.clone()), row("z", Data::List(Vec::new()))]);
    assert_eq!(driver.learn("info.who_has", Data::Nil), Ok(Data::List(vec![row("x", there)])));
    let what = driver.learn("info.has_what", Data::Nil).expect("known");
    assert_eq!(what.get(address), Some(&keys(&["x"])));
    let nbytes = driver.learn("info.nbytes", Data::Nil);
    assert_eq!(nbytes, Ok(Data::List(vec![row("x", 10i64.into())])));
    let summary = driver.learn("info.nbytes", Data::map([("summary", true.into())]));
    assert_eq!(summary, Ok(Data::List(vec![Data::List(vec!["x".into(), 10i64.into()])])));
    let threads =
        driver.learn("info.nthreads", Data::map([("workers", ["b"].into_iter().collect())]));
    assert_eq!(threads, Ok(Data::map([("tcp://b", 1i64.into())])));
    let processing = driver.learn("info.processing", Data::Nil).expect("known");
    assert_eq!(processing.get(address), Some(&keys(&["y"])));
}

#[test]
fn a_task_is_described() {
    let mut driver = busy();
    let task = driver.learn("info.task", Data::map([("key", Data::Key(key("y")))])).expect("known");
    assert_eq!(task.get("state"), Some(&"assigned".into()));
    assert_eq!(task.get("dependencies"), Some(&keys(&["x"])));
    assert_eq!(driver.learn("info.task", Data::map([("key", "z".into())])), Ok(Data::Nil));
    let groups = driver.learn("info.groups", Data::Nil).expect("known");
    let x = groups.get("x").expect("a group");
    assert_eq!(x.get("states"), Some(&Data::map([("memory", 1i64.into())])));
    assert_eq!(x.get("duration_s"), Some(&0.5.into()));
    let dump = driver.learn("info.dump", Data::Nil).expect("known");
    assert_eq!(dump.get("tasks").map(|tasks| tasks.items().len()), Some(2));
}

#[test]
fn stories_are_told_once_they_are_asked_for() {
    let mut driver = Driver::new(1);
    driver.learn("story.start", Data::Nil).expect("started");
    driver.submit(ME, "x", &[]);
    driver.run_all();
    let story = driver.learn("info.story", of(&["x"])).expect("told");
    let states: Vec<&str> =
        story.items().iter().filter_map(|step| Some(&**step.items()[2].as_text()?)).collect();
    assert_eq!(states, ["waiting", "queued", "assigned", "processing", "memory"]);
    assert_eq!(story.items()[4].items()[3], "tcp://a".into());
    assert_eq!(driver.learn("info.story", of(&["y"])), Ok(Data::List(Vec::new())));
}

#[test]
fn transitions_are_pushed_to_those_who_follow() {
    let mut driver = Driver::new(1);
    driver.ask(YOU, "topic.subscribe", Data::map([("topic", "transitions".into())]));
    driver.told(YOU);
    driver.submit(ME, "x", &[]);
    let told = driver.told(YOU);
    assert_eq!(told.len(), 3, "{told:?}");
    let last = match &told[2] {
        ToClient::Push { topic, body } if &**topic == "transitions" => &body.items()[1],
        other => panic!("{other:?}"),
    };
    assert_eq!(last.items()[1..3], ["queued".into(), "assigned".into()]);
    driver.ask(YOU, "topic.unsubscribe", Data::map([("topic", "transitions".into())]));
    driver.told(YOU);
    driver.run_all();
    assert_eq!(driver.told(YOU), []);
}

#[test]
fn the_task_stream_has_what_was_run() {
    let mut driver = Driver::new(1);
    driver.submit(ME, "before", &[]);
    driver.run_all();
    driver.learn("tasks.stream.start", Data::map([("maxlen", 2i64.into())])).expect("started");
    for (i, name) in ["x", "y", "z"].into_iter().enumerate() {
        driver.now_s = 10.0 * i as f64;
        driver.submit(ME, name, &[]);
        if name == "z" {
            let (worker, compute) = driver.computes().remove(0);
            let (task, run) = (compute.task, compute.run);
            driver.worker(worker, FromWorker::Started { task, run });
            driver.now_s += 2.0;
            let failure = TaskFailure {
                origin: key("z"),
                cause: Cause::Raised("ValueError".into()),
                text: "no".into(),
                bytes: Default::default(),
            };
            driver.worker(worker, FromWorker::Failed { task, run, failure: failure.into() });
        }
        driver.run_all();
    }
    let all = driver.learn("tasks.stream.get", Data::Nil).expect("started");
    let [y, z] = all.items() else { panic!("{all:?}") };
    assert_eq!(y.get("key"), Some(&Data::Key(key("y"))));
    assert_eq!(y.get("worker"), Some(&"tcp://a".into()));
    assert_eq!((y.get("thread"), y.get("duration_s")), (Some(&3i64.into()), Some(&0.5.into())));
    assert_eq!(
        (z.get("status"), z.get("type")),
        (Some(&"error".into()), Some(&"ValueError".into()))
    );
    assert_eq!(z.get("duration_s"), Some(&2.0.into()));
    let late = driver.learn("tasks.stream.get", Data::map([("start_s", 1015.0.into())]));
    assert_eq!(late.map(|all| all.items().len()), Ok(1));
    let one = driver.learn("tasks.stream.get", Data::map([("count", 1i64.into())]));
    assert_eq!(one.map(|all| all.items()[0].get("status").cloned()), Ok(Some("error".into())));
}

#[test]
fn a_busy_cluster_wants_more_workers() {
    let mut driver = Driver::new(2);
    let target = |driver: &mut Driver, s: f64| {
        driver.learn("adaptive.target", Data::map([("target_duration_s", s.into())]))
    };
    assert_eq!(target(&mut driver, 5.0), Ok(0i64.into()));
    driver.submit(ME, "x", &[]);
    driver.run_all();
    for i in 0..10 {
        // Half a second each, as those of their group before.
        driver.submit(ME, "x", &[]);
        driver.submit(ME, &format!("y{i}"), &["x"]);
    }
    assert_eq!(target(&mut driver, 1.0), Ok(5i64.into()));
    assert_eq!(target(&mut driver, 0.01), Ok(10i64.into()));
    driver.run_all();
    driver.worker(B, FromWorker::Health(Health { memory_bytes: 1900, ..Health::default() }));
    assert_eq!(target(&mut driver, 5.0), Ok(4i64.into()));
}

#[test]
fn who_is_to_go_is_idle_and_holds_little() {
    let mut driver = busy();
    driver.run_all();
    driver.join(oxidask_sched::ids::WorkerId(2));
    let holder = driver.scheduler.locate(&key("x")).expect("there").holders[0];
    let other = if holder == A { "tcp://b" } else { "tcp://a" };
    let plan = |driver: &mut Driver, body: Data| driver.learn("workers.plan", body);
    let text = |names: &[&str]| -> Data { names.iter().copied().collect() };
    let one = plan(&mut driver, Data::map([("n", 1i64.into())]));
    assert_eq!(one, Ok(text(&["tcp://c"])));
    let two = plan(&mut driver, Data::map([("target", 1i64.into())]));
    assert_eq!(two, Ok(text(&["tcp://c", other])));
    // 20 bytes are held: one worker has memory enough for them.
    let free = plan(&mut driver, Data::map([("minimum", 1i64.into())]));
    assert_eq!(free, Ok(text(&["tcp://c", other])));
    let wrong = plan(&mut driver, Data::map([("n", "many".into())]));
    assert!(matches!(wrong, Err(AskError { class, .. }) if &*class == "ValueError"));
}
