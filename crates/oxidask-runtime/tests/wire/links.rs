//! Links over all transports: whole and in order, over connections that break, and closed to those who
//! may not come in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender as Pass, channel};
use std::time::Duration;

use bytes::Bytes;
use oxidask_core::key::Key;
use oxidask_runtime::wire::address::Address;
use oxidask_runtime::wire::greeting::{Preface, RefusalCode, Token};
use oxidask_runtime::wire::peer::{Parcel, PeerReply, PeerRequest, ValueName};
use oxidask_runtime::wire::transport::*;
use oxidask_sched::ids::{RunId, TaskId};
use oxidask_sched::message::*;

/// Far more than any of this takes; a test that hangs fails.
const LONG: Duration = Duration::from_secs(60);

/// Passes on what comes.
struct Post<In>(Pass<Result<In, End>>);

impl<In: Send + 'static> Inbox<In> for Post<In> {
    fn deliver(&mut self, messages: &mut Vec<In>) {
        // A test that has ended doesn't listen.
        messages.drain(..).for_each(|message| drop(self.0.send(Ok(message))));
    }

    fn ended(&mut self, end: End) {
        drop(self.0.send(Err(end)));
    }
}

fn next<In>(post: &Receiver<Result<In, End>>) -> Result<In, End> {
    post.recv_timeout(LONG).expect("something comes")
}

fn end<In: std::fmt::Debug>(post: &Receiver<Result<In, End>>) -> End {
    loop {
        if let Err(end) = next(post) {
            return end;
        }
    }
}

fn lost(end: &End) -> &str {
    match end {
        End::Lost(reason) => reason,
        End::Closed => panic!("closed, not lost"),
    }
}

/// One end of a worker's link: what sends, and what has come.
struct Side<Out, In> {
    sender: Sender<Out>,
    post: Receiver<Result<In, End>>,
}

type Workers = Side<FromWorker, ToWorker>;
type Schedulers = Side<ToWorker, FromWorker>;

fn options() -> Options {
    // However busy the machine is, nobody is given up.
    Options { linger: LONG, linger_gone: LONG, linger_gone_worker: LONG, ..Options::default() }
}

fn worker() -> AsWorker {
    AsWorker(WorkerInfo { name: "w".into(), n_threads: 2, ..WorkerInfo::default() })
}

struct Net {
    io: IoThread,
    options: Options,
    security: Security,
}

impl Net {
    fn new(options: Options, security: Security) -> Self {
        Self { io: IoThread::start("test-io").unwrap(), options, security }
    }

    fn plain() -> Self {
        Self::new(options(), Security::default())
    }

    fn listen(&self, address: &str) -> Result<Listener, ListenError> {
        let address = address.parse().unwrap();
        let listen = Listener::bind(&address, self.options.clone(), self.security.clone());
        self.io.handle().block_on(listen)
    }

    fn open(&self, address: &Address) -> Result<(Workers, u32, u64), ConnectError> {
        let (pass, post) = channel();
        let (options, security) = (self.options.clone(), self.security.clone());
        let connect = connect(address, worker(), options, security, |_| Post(pass));
        let connected = self.io.handle().block_on(connect)?;
        Ok((Side { sender: connected.sender, post }, connected.number, connected.epoch))
    }

    fn accept(&self, listener: &mut Listener) -> Schedulers {
        let (pass, post) = channel();
        self.io.handle().block_on(async {
            let Some(Incoming::Worker(info, offer)) = listener.accept().await else { panic!() };
            assert_eq!((&*info.name, info.n_threads), ("w", 2));
            Side { sender: offer.accept(7, 3, |_| Post(pass)), post }
        })
    }

    /// A link to `listener`, over `address`.
    fn link(&self, listener: &mut Listener, address: &Address) -> (Workers, Schedulers) {
        std::thread::scope(|scope| {
            let opened = scope.spawn(|| self.open(address).unwrap());
            let schedulers = self.accept(listener);
            let (workers, number, epoch) = opened.join().unwrap();
            assert_eq!((number, epoch), (7, 3));
            (workers, schedulers)
        })
    }
}

fn started(n: u32) -> FromWorker {
    FromWorker::Started { task: TaskId { slot: n, generation: 1 }, run: RunId(n) }
}

fn drop_blob(n: u32) -> ToWorker {
    ToWorker::DropBlob(n)
}

/// A message that is larger than what a socket takes at a time, now and then.
fn large(n: u32) -> ToWorker {
    let blob = Blob {
        hash: oxidask_sched::ids::BlobHash(n.into()),
        family: "f".into(),
        bytes: vec![n as u8; 1_000_000].into(),
    };
    ToWorker::Blob { number: n, blob }
}

/// Both sides talk at once, from several threads, and then one closes.
fn converse(mut workers: Workers, schedulers: Schedulers) {
    const N: u32 = 3000;
    std::thread::scope(|scope| {
        for part in 0..2 {
            let sender = workers.sender.clone();
            scope.spawn(move || {
                (0..N).for_each(|i| sender.send(started(i * 2 + part)).unwrap());
            });
        }
        scope.spawn(|| {
            for i in 0..N {
                let message = if i % 500 == 7 { large(i) } else { drop_blob(i) };
                if i % 3 == 0 {
                    schedulers.sender.push(message).unwrap();
                } else {
                    schedulers.sender.send(message).unwrap();
                }
            }
            schedulers.sender.flush();
        });
        let post = &mut workers.post;
        scope.spawn(move || {
            for i in 0..N {
                let expected = if i % 500 == 7 { large(i) } else { drop_blob(i) };
                assert_eq!(next(post).unwrap(), expected);
            }
        });
        let mut seen = [0, 1];
        for _ in 0..2 * N {
            let Ok(FromWorker::Started { run, .. }) = next(&schedulers.post) else { panic!() };
            let next = &mut seen[run.0 as usize % 2];
            assert_eq!(run.0, *next);
            *next += 2;
        }
    });
    workers.sender.send(started(0)).unwrap();
    workers.sender.close();
    assert!(matches!(workers.sender.send(started(1)), Err(SendError::Closed { .. })));
    assert_eq!(next(&schedulers.post).unwrap(), started(0));
    assert_eq!(next(&schedulers.post).unwrap_err(), End::Closed);
    assert_eq!(next(&workers.post).unwrap_err(), End::Closed);
    assert!(matches!(schedulers.sender.send(drop_blob(0)), Err(SendError::Closed { .. })));
}

fn tls(name: &str) -> Security {
    let read = |file: &str| {
        let path = format!(
            "{}/tests/wire/certificates/{file}",
            std::env::var("CARGO_MANIFEST_DIR").unwrap()
        );
        std::fs::read(path).unwrap()
    };
    let authority = if name == "stranger" { "other.pem" } else { "authority.pem" };
    let (certificate, key) = (read(&format!("{name}.pem")), read(&format!("{name}.key")));
    let tls = Tls::new(&read(authority), &certificate, &key, false).unwrap();
    Security { tls: Some(Arc::new(tls)), token: None }
}

#[test]
fn over_every_transport() {
    let directory = tempfile::tempdir().unwrap();
    let unix = format!("unix://{}/socket", directory.path().display());
    let token = Security { token: Some(Token::new("secret")), ..Security::default() };
    for (address, security) in [
        ("inproc://over-every-transport", Security::default()),
        (&unix, Security::default()),
        ("tcp://127.0.0.1:0", Security::default()),
        ("tcp://0.0.0.0:0", token),
        ("tls://127.0.0.1:0", tls("node")),
    ] {
        let net = Net::new(options(), security);
        let mut listener = net.listen(address).unwrap();
        let address = listener.address().clone();
        let (workers, schedulers) = net.link(&mut listener, &address);
        converse(workers, schedulers);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn over_ipv6_where_there_is_any() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let net = Net::plain();
    let mut listener = net.listen("tcp://[::1]:0").unwrap();
    let address = listener.address().clone();
    let (workers, schedulers) = net.link(&mut listener, &address);
    converse(workers, schedulers);
}

/// Passes bytes on between two addresses, and cuts each connection after so many, those after the last cut excepted.
fn cutting_proxy(to: &Address, cuts: Vec<usize>) -> Address {
    let Address::Net { port, .. } = *to else { panic!() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::of_socket(listener.local_addr().unwrap(), false);
    std::thread::spawn(move || {
        for cut in cuts.into_iter().chain(std::iter::repeat(usize::MAX)) {
            let opener = listener.accept().unwrap().0;
            let acceptor = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let left = AtomicUsize::new(cut);
            std::thread::scope(|scope| {
                for (mut from, mut to) in [(&opener, &acceptor), (&acceptor, &opener)] {
                    let left = &left;
                    scope.spawn(move || {
                        let mut bytes = [0; 5000];
                        while let Ok(n) = from.read(&mut bytes) {
                            // Both ways take from it at once.
                            let before = left.fetch_update(Relaxed, Relaxed, |left| {
                                Some(left.saturating_sub(n))
                            });
                            let pass = n.min(before.unwrap_or_default());
                            if to.write_all(&bytes[..pass]).is_err() || n == 0 || pass < n {
                                break;
                            }
                        }
                        // Both ways end together.
                        let _ = from.shutdown(std::net::Shutdown::Both);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            });
        }
    });
    address
}

#[test]
fn whole_over_connections_that_break() {
    let net = Net::plain();
    let mut listener = net.listen("tcp://127.0.0.1:0").unwrap();
    let cuts = vec![20_000, 700, 3000, 150_000, 40, 60_000, 1_000_000, 5000, 400_000];
    let proxy = cutting_proxy(listener.address(), cuts);
    let (workers, schedulers) = net.link(&mut listener, &proxy);
    converse(workers, schedulers);
}

#[test]
fn values_of_many_megabytes() {
    let directory = tempfile::tempdir().unwrap();
    for address in [&*format!("unix://{}/s", directory.path().display()), "tcp://127.0.0.1:0"] {
        let net = Net::plain();
        let mut listener = net.listen(address).unwrap();
        let address = listener.address().clone();
        let (pass, post) = channel();
        let peer = AsPeer(ClientInfo { name: "p".into() });
        let asks = net.io.handle().spawn(async move {
            let inbox = |_: &Sender<PeerRequest>| Post(pass);
            let connected = connect(&address, peer, options(), Security::default(), inbox).await;
            connected.unwrap().sender
        });
        let (pass, asked) = channel();
        let answers = net.io.handle().block_on(async {
            let Some(Incoming::Peer(_, offer)) = listener.accept().await else { panic!() };
            offer.accept(0, 1, |_| Post(pass))
        });
        let asks = net.io.handle().block_on(asks).unwrap();
        let names = vec![ValueName::Key(Key::from("x"))];
        let fetch = PeerRequest::Fetch { request: 1, names };
        asks.send(fetch.clone()).unwrap();
        assert_eq!(next(&asked).unwrap(), fetch);
        let value = Parcel {
            family: "bytes".into(),
            type_name: "bytes".into(),
            nbytes: 30_000_007,
            header: Bytes::from_static(b"h"),
            buffers: vec![vec![1; 30_000_000].into(), Bytes::new(), vec![2; 7].into()],
        };
        for index in 0..3 {
            answers.send(PeerReply::Value { request: 1, index, value: value.clone() }).unwrap();
        }
        answers.wait_for_room(0);
        for index in 0..3 {
            let expected = PeerReply::Value { request: 1, index, value: value.clone() };
            assert_eq!(next(&post).unwrap(), expected);
        }
        asks.close();
        assert_eq!(end(&asked), End::Closed);
    }
}

#[test]
fn nobody_comes_in_without_the_token_or_certificate() {
    let token = |secret| Security { token: Some(Token::new(secret)), ..Security::default() };
    let host = Net::new(options(), token("right"));
    let listener = host.listen("tcp://127.0.0.1:0").unwrap();
    let refused = |security: Security| match Net::new(options(), security).open(listener.address())
    {
        Err(error) => error.to_string(),
        Ok(_) => panic!("let in"),
    };
    assert!(refused(Security::default()).contains("a token is needed"));
    assert!(refused(token("wrong")).contains("another one"));

    let host = Net::new(options(), tls("node"));
    let listener = host.listen("tls://127.0.0.1:0").unwrap();
    let open = |security| match Net::new(options(), security).open(listener.address()) {
        Err(error) => error,
        Ok(_) => panic!("let in"),
    };
    assert!(matches!(open(Security::default()), ConnectError::NoCertificate { .. }));
    assert!(matches!(open(tls("stranger")), ConnectError::Io { .. }));
    // One that trusts the authority, but has no certificate of it.
    let mut socket = TcpStream::connect(port(listener.address())).unwrap();
    socket.write_all(&Preface::new([0; 16]).bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"OXIDASK"));
}

fn port(address: &Address) -> (&str, u16) {
    match address {
        Address::Net { host, port, .. } => (host, *port),
        _ => panic!("{address} has no port"),
    }
}

#[test]
fn an_acceptor_without_the_token_is_not_trusted() {
    let host = Net::plain();
    let mut listener = host.listen("tcp://127.0.0.1:0").unwrap();
    let security = Security { token: Some(Token::new("secret")), ..Security::default() };
    let address = listener.address().clone();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| Net::new(options(), security).open(&address).map(drop));
        let _schedulers = host.accept(&mut listener);
        assert!(matches!(opened.join().unwrap(), Err(ConnectError::Untrusted { .. })));
    });
}

#[test]
fn listening_where_anybody_can_come_is_refused() {
    let net = Net::plain();
    for address in ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://example.org:80"] {
        assert!(matches!(net.listen(address), Err(ListenError::Exposed { .. })), "{address}");
    }
    assert!(matches!(net.listen("tls://127.0.0.1:0"), Err(ListenError::NoCertificate { .. })));
    let first = net.listen("tcp://127.0.0.1:0").unwrap();
    let again = net.listen(&first.address().to_string());
    assert!(matches!(again, Err(ListenError::Taken { .. })));
    let _door = net.listen("inproc://taken").unwrap();
    assert!(matches!(net.listen("inproc://taken"), Err(ListenError::Taken { .. })));
}

#[test]
fn a_socket_that_was_left_behind_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let net = Net::plain();
    let address = format!("unix://{}", path.display());
    let _listener = net.listen(&address).unwrap();
    assert!(matches!(net.listen(&address), Err(ListenError::Taken { .. })));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Somebody that answers with these bytes.
fn answers(bytes: Vec<u8>) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::of_socket(listener.local_addr().unwrap(), false);
    std::thread::spawn(move || {
        let mut socket = listener.accept().unwrap().0;
        socket.write_all(&bytes).unwrap();
        // Until the other side goes.
        let _ = socket.read_to_end(&mut Vec::new());
    });
    address
}

#[test]
fn others_are_told_from_our_own() {
    let net = Net::plain();
    let error = |address: &Address| match net.open(address) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("connected"),
    };
    let newer = Preface { version: 9, oldest: 8, nonce: [0; 16] };
    let text = error(&answers(newer.bytes().to_vec()));
    assert!(text.contains("1 to 1") && text.contains("8 to 9"), "{text}");
    let text = error(&answers(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec()));
    assert!(text.contains("doesn't speak Oxidask"), "{text}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(error(&Address::of_socket(closed, false)).contains("can't connect to tcp://127.0.0.1"));
    assert!(error(&"inproc://nobody".parse().unwrap()).contains("nothing accepts"));
    let short =
        Net::new(Options { greeting: Duration::from_millis(20), ..options() }, Security::default());
    let silent = short.open(&answers(Vec::new())).map(drop);
    assert!(matches!(silent, Err(ConnectError::Timeout { .. })));
}

#[test]
fn an_offer_can_be_refused() {
    for address in ["tcp://127.0.0.1:0", "inproc://refusing"] {
        let net = Net::plain();
        let mut listener = net.listen(address).unwrap();
        let address = listener.address().clone();
        std::thread::scope(|scope| {
            let opened = scope.spawn(|| net.open(&address).map(drop));
            net.io.handle().block_on(async {
                let Some(Incoming::Worker(_, offer)) = listener.accept().await else { panic!() };
                offer.refuse(RefusalCode::Role, "no workers here");
            });
            let error = opened.join().unwrap().unwrap_err().to_string();
            assert!(error.contains("no workers here"), "{error}");
        });
    }
}

/// A worker that is nothing but a socket: greets, and then says what it likes.
fn bare_worker(net: &Net, listener: &mut Listener) -> (TcpStream, Schedulers) {
    let address = listener.address().clone();
    // What a worker says is taken from one, over a proxy that only listens.
    let mut socket = TcpStream::connect(port(&address)).unwrap();
    socket.write_all(&Preface::new([0; 16]).bytes()).unwrap();
    let hello = [
        &[0x9a, 0x00, 0xc4, 0x10][..],
        &[9; 16],
        &[0xc2, 0x00, 0x00, 0xc4, 0x00, 0x00, 0xce, 0x10, 0x00, 0x00, 0x00, 0x14],
        &[0x97, 0xa1, b'w', 0xa0, 0xa0, 0x02, 0x00, 0x90, 0xc0],
    ]
    .concat();
    let mut frame = vec![hello.len() as u8, 0, 0, 0, 1];
    frame.resize(24, 0);
    frame.extend_from_slice(&hello);
    socket.write_all(&frame).unwrap();
    (socket, net.accept(listener))
}

#[test]
fn who_is_silent_for_too_long_is_lost() {
    let quick =
        Options { beat: Duration::from_millis(20), linger: Duration::from_millis(20), ..options() };
    let net = Net::new(quick, Security::default());
    let mut listener = net.listen("tcp://127.0.0.1:0").unwrap();
    let (_socket, schedulers) = bare_worker(&net, &mut listener);
    let reason = end(&schedulers.post);
    assert!(lost(&reason).contains("nothing was heard"), "{reason:?}");
    assert!(matches!(schedulers.sender.send(drop_blob(1)), Err(SendError::Closed { .. })));
}

#[test]
fn who_goes_and_does_not_come_back_is_lost() {
    let brief = Duration::from_millis(1);
    let briefly = Options { linger: brief, linger_gone: brief, ..options() };
    let net = Net::new(briefly, Security::default());
    let mut listener = net.listen("tcp://127.0.0.1:0").unwrap();
    let (socket, schedulers) = bare_worker(&net, &mut listener);
    drop(socket);
    assert!(lost(&end(&schedulers.post)).contains("no connection was made again"));
}

#[test]
fn who_makes_no_sense_is_told_and_lost() {
    let net = Net::plain();
    let mut listener = net.listen("tcp://127.0.0.1:0").unwrap();
    let (mut socket, schedulers) = bare_worker(&net, &mut listener);
    // Data frame 1 with a message of no known kind.
    let mut frame = vec![2, 0, 0, 0, 4, 0, 0, 0, 1];
    frame.resize(24, 0);
    frame.extend_from_slice(&[0x91, 99]);
    socket.write_all(&frame).unwrap();
    let reason = end(&schedulers.post);
    assert!(lost(&reason).contains("no variant 99"), "{reason:?}");
    let mut told = Vec::new();
    socket.read_to_end(&mut told).unwrap();
    assert!(String::from_utf8_lossy(&told).contains("no variant 99"));
}

#[test]
fn an_unknown_session_is_lost() {
    let host = Net::plain();
    let mut listener = host.listen("tcp://127.0.0.1:0").unwrap();
    let address = listener.address().clone();
    let guest = Net::plain();
    let (workers, _) = std::thread::scope(|scope| {
        let opened = scope.spawn(|| guest.open(&address).unwrap());
        let schedulers = host.accept(&mut listener);
        (opened.join().unwrap().0, schedulers)
    });
    // The scheduler dies, and another one listens at its address.
    drop(listener);
    drop(host);
    let other = Net::plain();
    let _listener = other.listen(&address.to_string()).unwrap();
    let reason = end(&workers.post);
    assert!(lost(&reason).contains("not known here"), "{reason:?}");
}

#[test]
fn a_side_that_does_not_read_fills_the_queue() {
    let full = Options { queue_bytes: 5_000_000, ..options() };
    let net = Net::new(full, Security::default());
    let mut listener = net.listen("tcp://127.0.0.1:0").unwrap();
    let (socket, schedulers) = bare_worker(&net, &mut listener);
    let error = (0..1000).find_map(|i| schedulers.sender.send(large(i)).err());
    assert!(matches!(error, Some(SendError::Full { .. })));
    // Whoever waits for room is let go when the link ends.
    schedulers.sender.close();
    drop(socket);
    schedulers.sender.wait_for_room(0);
}
