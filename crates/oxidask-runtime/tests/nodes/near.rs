//! Large values between processes of one machine.

use std::any::Any;
use std::borrow::Cow;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use oxidask_core::key::Key;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{CodecError, Encoded, Family, Payload, Region, Value};
use oxidask_runtime::cluster::ClusterError;
use oxidask_runtime::cluster::inline::Families;
use oxidask_runtime::cluster::link::Peers;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_runtime::cluster::remote::{RemoteClient, RemotePeers, RemoteWorker};
use oxidask_runtime::wire::peer::{Parcel, PeerReply, PeerRequest, Shared, Sharing};
use oxidask_runtime::wire::transport::{End, Inbox, Incoming, Listener, Options, Security, Sender};
use oxidask_sched::ids::{TaskId, WorkerId};
use oxidask_sched::message::{Blob, Cause, RunSpec};

use crate::cluster::{Cluster, PATIENCE, info, submit, tcp};

/// A value that is whatever memory it came in.
struct Raw(Arc<dyn Region>);

struct RawFamily;

/// Whether each value that was read came in a vector.
static CAME_COPIED: Mutex<Vec<bool>> = Mutex::new(Vec::new());

impl Family for RawFamily {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn decode(&self, header: &[u8], mut buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        self.decode_around(header, vec![Box::new(buffers.remove(0))])
    }

    fn decode_around(&self, _: &[u8], regions: Vec<Box<dyn Region>>) -> Result<Value, CodecError> {
        let region = regions.into_iter().next().expect("a region");
        if region.bytes()[0] == b'!' {
            return Err(error("decoded", "it must not be read"));
        }
        CAME_COPIED.lock().expect("no panic").push((&*region as &dyn Any).is::<Vec<u8>>());
        Ok(Value::new(Raw(region.into())))
    }
}

fn error(direction: &'static str, reason: &str) -> CodecError {
    CodecError { family: "raw", type_name: "raw".into(), direction, reason: reason.into() }
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
        if self.0.bytes()[0] == b'?' {
            return Err(error("encoded", "it must not be written"));
        }
        Ok(Encoded { header: vec![], buffers: vec![Box::new(Lent(self.0.clone()))] })
    }
}

/// Many bytes of the first letter of the task's name.
struct Megabytes;

const LEN: usize = 17 << 20;

impl Ops for Megabytes {
    fn op(&self, _: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        let letter = spec.payload.as_bytes().expect("bytes")[0];
        let body = move |inputs: &mut [Value], _: &TaskContext<'_>| {
            assert!(inputs.iter().all(|input| {
                let bytes = input.downcast_ref::<Raw>().expect("raw").0.bytes();
                bytes.len() == LEN && bytes.iter().all(|&byte| byte == bytes[0])
            }));
            Ok(Value::new(Raw(Arc::new(vec![letter; LEN]))))
        };
        Ok(Arc::new(Function::new("megabytes", body)))
    }
}

fn raw() -> Families {
    Families::new(&[&RawFamily])
}

fn workers(cluster: &mut Cluster) -> [RemoteWorker; 2] {
    cluster.joining.families = raw();
    ["one", "two"].map(|name| {
        let ops = Arc::new(Megabytes);
        RemoteWorker::join(&cluster.io, &cluster.joining, &tcp(), info(name), ops)
            .expect("it joins")
    })
}

#[test]
fn large_values_of_the_same_machine_are_not_copied() {
    let mut cluster = Cluster::start();
    let _workers = workers(&mut cluster);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
    submit(client.node(), &[("a", "one", &[]), ("b", "two", &["a"]), ("c", "one", &["b", "a"])]);
    let keys = ["a", "b", "c"].map(Key::from);
    let values = client.node().gather(&keys, PATIENCE).expect("they run");
    for (value, letter) in values.iter().zip(b"abc") {
        let bytes = value.downcast_ref::<Raw>().expect("raw").0.bytes();
        assert!(bytes.len() == LEN && bytes.iter().all(|byte| byte == letter));
    }
    let copied = CAME_COPIED.lock().expect("no panic").clone();
    if cfg!(target_os = "linux") {
        assert!(copied.iter().filter(|copied| !**copied).count() >= 5, "{copied:?}");
    }
}

#[test]
fn what_can_not_be_written_or_read_is_said_and_not_computed_again() {
    let mut cluster = Cluster::start();
    let _workers = workers(&mut cluster);
    let client = RemoteClient::join(&cluster.io, &cluster.joining, "far").expect("it joins");
    for (name, user, reason) in
        [("?", "user-1", "must not be written"), ("!", "user-2", "must not be read")]
    {
        submit(client.node(), &[(name, "one", &[]), (user, "two", &[name])]);
        let error = client.node().gather(&[Key::from(name)], PATIENCE).expect_err("it can't come");
        let is_said = matches!(&error, ClusterError::Unreadable(_, text) if text.contains(reason));
        assert!(is_said, "{error}");
        let error = client.node().gather(&[Key::from(user)], PATIENCE).expect_err("it can't run");
        let ClusterError::Failed(failure) = &error else { panic!("{error:?}") };
        assert_eq!(failure.cause, Cause::Codec);
        assert!(failure.text.contains(reason), "{error}");
    }
}

/// A peer whose shared memory is not there.
struct Liar(Sender<PeerReply>);

impl Inbox<PeerRequest> for Liar {
    fn deliver(&mut self, messages: &mut Vec<PeerRequest>) {
        for message in messages.drain(..) {
            let reply = match message {
                PeerRequest::FetchNear { request, .. } => {
                    let (process, descriptor) = (std::process::id(), 1_000_000);
                    let lengths = vec![1 << 20];
                    let sharing = Sharing { process, descriptor, device: 0, inode: 0, lengths };
                    let value = Shared {
                        family: "raw".into(),
                        type_name: "raw".into(),
                        nbytes: 1 << 20,
                        header: bytes::Bytes::new(),
                        sharing,
                    };
                    PeerReply::Shared { request, index: 0, value }
                }
                PeerRequest::Fetch { request, .. } => {
                    let buffers = vec![Box::new(vec![b'x'; 1 << 20]) as _];
                    let encoded = Encoded { header: vec![], buffers };
                    let value = Parcel::new("raw", "raw", 1 << 20, encoded);
                    PeerReply::Value { request, index: 0, value }
                }
                _ => continue,
            };
            self.0.send(reply).expect("it is open");
        }
    }

    fn ended(&mut self, _: End) {}
}

#[test]
fn memory_that_can_not_be_shared_comes_over_the_connection() {
    let cluster = Cluster::start();
    let address = tcp();
    let bind = Listener::bind(&address, Options::default(), Security::default());
    let mut listener = cluster.io.handle().block_on(bind).expect("it listens");
    let at = listener.address().to_string();
    cluster.io.handle().spawn(async move {
        while let Some(Incoming::Peer(_, offer)) = listener.accept().await {
            offer.accept(0, 0, |sender| Liar(sender.clone()));
        }
    });
    let io = cluster.io.handle().clone();
    let peers = RemotePeers::new(io, "test".into(), Options::default(), Security::default(), raw());
    let (worker, task) = (WorkerId(7), TaskId { slot: 1, generation: 0 });
    peers.learn(worker, &at);
    let (give, take) = channel();
    peers.fetch(worker, vec![task], Box::new(move |fetched| _ = give.send(fetched)));
    let mut fetched = take.recv().expect("it is told").expect("it is reached");
    let (of, value) = fetched.pop().expect("a value");
    let value = value.expect("it can be read");
    assert_eq!(of, task);
    assert_eq!(value.downcast_ref::<Raw>().expect("raw").0.bytes()[..4], *b"xxxx");
}
