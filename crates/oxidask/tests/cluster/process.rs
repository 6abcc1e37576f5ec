//! Processes that are gone when the test is.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use oxidask::core::key::Key;
use oxidask::native::families;
use oxidask::runtime::cluster::ClusterError;
use oxidask::runtime::cluster::remote::{Joining, RemoteClient};
use oxidask::runtime::wire::transport::{IoThread, Options, Security};
use oxidask_core::value::{Bytes, Value};
use oxidask_sched::client::Event;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, InputRef, NewTask, RunSpec, Submission};

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A process of the program.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) complaints: String,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oxidask"));
        command.args(arguments).env_clear().envs(variables.iter().copied());
        command.env("HOME", "/nonexistent").env("OXIDASK_ROOT_CONFIG", "/nonexistent");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (give, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(give.send(line)));
        });
        Self { child, lines }
    }

    /// The address in its next line.
    pub(crate) fn address(&mut self, what: &str) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let address = line.strip_prefix(&format!("{what} at: "));
                address.unwrap_or_else(|| panic!("{line:?} is no address of a {what}")).to_owned()
            }
            Err(_) => panic!("no address: {:?}", self.end()),
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let number = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &number]).status().expect("kill");
        assert!(status.success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => panic!("the process doesn't end"),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let mut complaints = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut complaints).expect("text");
        }
        Ended { code: status.code(), complaints }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A file in a folder, with a text.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

/// A client of a cluster.
pub(crate) struct Client {
    pub(crate) client: RemoteClient,
    _io: IoThread,
}

pub(crate) fn client(address: &str, security: Security) -> Client {
    let io = IoThread::start("client").expect("a thread");
    let scheduler = address.parse().expect("an address");
    let joining =
        Joining { scheduler, options: Options::default(), security, families: families() };
    let client = RemoteClient::join(&io, &joining, "test").expect("it joins");
    Client { client, _io: io }
}

/// A task of the family `bytes`.
pub(crate) fn task(key: &str, blob: u32, payload: &[u8], inputs: &[u32]) -> NewTask {
    NewTask {
        key: key.into(),
        run: RunSpec { blob, block: 0, payload: payload.to_vec().into() },
        inputs: inputs.iter().map(|&at| InputRef::Local(at)).collect(),
        wanted: true,
        annotations: 0,
    }
}

pub(crate) fn blob(family: &str, bytes: &[u8]) -> Blob {
    let hash = bytes.iter().fold(family.len() as u128, |hash, &byte| hash * 257 + u128::from(byte));
    Blob { hash: BlobHash(hash), family: family.into(), bytes: bytes.to_vec().into() }
}

impl Client {
    pub(crate) fn submit(&self, blobs: Vec<Blob>, tasks: Vec<NewTask>) {
        let submission = Submission { blobs, tasks, ..Submission::default() };
        self.client.node().handle(Event::Submit(submission));
    }

    pub(crate) fn gather(&self, key: &str) -> Result<Value, ClusterError> {
        let values = self.client.node().gather(&[Key::from(key)], Some(PATIENCE));
        values.map(|mut values| values.remove(0))
    }

    /// Runs one little task.
    pub(crate) fn check(&self, key: &str) {
        let parts = [task(key, 0, key.as_bytes(), &[])];
        self.submit(vec![blob("bytes", b"constant")], parts.into());
        assert_eq!(&*bytes(&self.gather(key).expect("a value")), key.as_bytes());
    }
}

pub(crate) fn bytes(value: &Value) -> std::sync::Arc<[u8]> {
    value.downcast_ref::<Bytes>().expect("bytes").0.clone()
}
