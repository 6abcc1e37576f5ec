//! Histories of clients that take locks, pass values and go: after each question all invariants must hold, and
//! everybody who does not wait has been answered once.

use std::collections::BTreeSet;

use oxidask_sched::data::Data;
use oxidask_sched::ids::ClientId;
use oxidask_sched::message::{ClientInfo, Event, FromClient, ToClient};

use crate::driver::{Driver, ME, YOU, key};

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }
}

const VERBS: &[&str] = &[
    "lock.acquire",
    "lock.release",
    "multilock.acquire",
    "multilock.release",
    "semaphore.register",
    "semaphore.acquire",
    "semaphore.release",
    "semaphore.refresh",
    "semaphore.close",
    "event.set",
    "event.clear",
    "event.wait",
    "queue.create",
    "queue.put",
    "queue.put",
    "queue.get",
    "queue.get",
    "queue.release",
    "variable.set",
    "variable.get",
    "variable.delete",
    "publish.put",
    "publish.get",
    "publish.delete",
    "topic.subscribe",
    "topic.log",
    "tasks.keep",
    "data.replicate",
];

fn body(random: &mut Random) -> Data {
    let name = |random: &mut Random| Data::from(format!("n{}", random.below(2)));
    let (one, other) = (name(random), name(random));
    let task = Data::Key(key(&format!("t{}", random.below(4))));
    let timeout_s = match random.below(3) {
        0 => Data::Nil,
        n => Data::Float(n as f64 - 1.0),
    };
    let batch = match random.below(4) {
        0 => Data::Bool(true),
        1 => Data::Int(2),
        _ => Data::Nil,
    };
    Data::map([
        ("name", one.clone()),
        ("names", Data::List(vec![one, other])),
        ("id", format!("i{}", random.below(3)).into()),
        ("lease", format!("l{}", random.below(4)).into()),
        ("max_leases", 2i64.into()),
        ("lease_timeout_s", 1.5.into()),
        ("maxsize", 2i64.into()),
        ("n", Data::Int(1 + random.below(2) as i64)),
        ("value", Data::map([("key", task.clone())])),
        ("keys", Data::List(vec![task])),
        ("override", (random.below(2) == 0).into()),
        ("topic", "t".into()),
        ("timeout_s", timeout_s),
        ("batch", batch),
    ])
}

fn history(seed: u64) {
    let mut random = Random(seed);
    let mut driver = Driver::new(1);
    let mut clients = vec![ME, YOU];
    let mut n_clients = 2;
    let mut open: BTreeSet<(ClientId, u64)> = BTreeSet::new();
    for _ in 0..300 {
        let client = clients[random.below(clients.len() as u64) as usize];
        match random.below(40) {
            0 => {
                driver.event(Event::ClientLost(client));
                open.retain(|(other, _)| *other != client);
                let next = ClientId(n_clients);
                n_clients += 1;
                clients.retain(|other| *other != client);
                clients.push(next);
                driver.event(Event::ClientJoined(next, ClientInfo { name: "c".into() }));
                driver.told(client);
            }
            1..4 => driver.pass(0.7),
            4..6 => {
                if let Some(&(client, request)) = open.iter().next() {
                    open.remove(&(client, request));
                    driver.client(client, FromClient::Abandon(request));
                }
            }
            6..10 => {
                driver.submit(client, &format!("t{}", random.below(4)), &[]);
                driver.run_all();
            }
            10..14 => {
                let released = key(&format!("t{}", random.below(4)));
                driver.client(client, FromClient::Release(vec![released]));
            }
            _ => {
                let verb = VERBS[random.below(VERBS.len() as u64) as usize];
                let body = body(&mut random);
                open.insert((client, driver.ask(client, verb, body)));
            }
        }
        for &client in &clients {
            for message in driver.told(client) {
                if let ToClient::Answer { request, .. } = message {
                    assert!(open.remove(&(client, request)), "{client:?} has not asked {request}");
                }
            }
        }
    }
    // What has a limit in time ends, and with the clients all that waits for ever.
    driver.pass(60.0);
    clients.into_iter().for_each(|client| driver.event(Event::ClientLost(client)));
    assert_eq!(driver.scheduler.deadline(), None, "something is still to end");
}

#[test]
fn any_history_of_questions_is_sound() {
    for seed in 0..400 {
        if let Err(panic) = std::panic::catch_unwind(|| history(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
