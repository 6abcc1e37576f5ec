//! The first bytes of a connection: who is there, which version they speak, whether they may.
//!
//! Preface, hello, welcome and refuse, as `docs/protocol.md` has them. Texts and proofs only; nothing is
//! sent or waited for here.

use std::fmt;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use oxidask_sched::message::{ClientInfo, WorkerInfo};
use ring::hmac;

use super::codec::{DecodeError, Decoder, Encoder, Field, HeardNames, fields, structures};

/// The newest version that is spoken here.
pub const VERSION: u16 = 1;

/// The oldest.
pub const OLDEST_VERSION: u16 = 1;

/// Bytes of a preface.
pub const PREFACE_BYTES: usize = 32;

/// Bytes of a greeting at most.
pub const GREETING_BYTES: u64 = 64 << 10;

const MAGIC: &[u8; 8] = b"OXIDASK\n";

/// What a side sends before all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preface {
    /// The newest version that it speaks.
    pub version: u16,
    /// The oldest.
    pub oldest: u16,
    /// Random bytes, for proofs.
    pub nonce: [u8; 16],
}

/// The other side can't be talked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefaceError {
    /// It is something else.
    #[error(
        "the other side doesn't speak Oxidask's protocol: {hint} (it began with {began:02x?})",
        hint = speaker(.0),
        began = .0
    )]
    Magic([u8; 8]),
    /// There is no version that both speak.
    #[error(
        "this side speaks versions {OLDEST_VERSION} to {VERSION} of the protocol and the other side \
         {oldest} to {version}; install the same version of oxidask on both"
    )]
    Version {
        /// The other side's newest.
        version: u16,
        /// The other side's oldest.
        oldest: u16,
    },
}

/// What somebody who begins so is likely to be, and what to do.
fn speaker(began: &[u8; 8]) -> &'static str {
    match began {
        b"HTTP/1.1" | b"HTTP/1.0" => {
            "it is a web server, a dashboard perhaps; give the address that the scheduler printed first"
        }
        // A TLS record: an alert, most likely, or a handshake.
        [0x15 | 0x16, 3, ..] => {
            "it speaks TLS; write tls:// before its address, and give certificates"
        }
        // Dask's messages begin with their length or with how many frames they have.
        [_, _, 0, 0, 0, 0, 0, 0] => {
            "it may be a scheduler or worker of Dask's; start it with `oxidask` instead of `dask`"
        }
        _ => "is the address right, and is it tls:// on both sides or on neither?",
    }
}

impl Preface {
    /// This side's preface.
    #[must_use]
    pub fn new(nonce: [u8; 16]) -> Self {
        Self { version: VERSION, oldest: OLDEST_VERSION, nonce }
    }

    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> [u8; PREFACE_BYTES] {
        let mut bytes = [0; PREFACE_BYTES];
        let mut place = &mut bytes[..];
        place.put_slice(MAGIC);
        place.put_u16_le(self.version);
        place.put_u16_le(self.oldest);
        place.put_u32_le(0);
        place.put_slice(&self.nonce);
        bytes
    }

    /// The other side's preface.
    ///
    /// # Errors
    /// If there is no common language.
    pub fn read(bytes: &[u8; PREFACE_BYTES]) -> Result<Self, PrefaceError> {
        let mut bytes = &bytes[..];
        let mut magic = [0; 8];
        bytes.copy_to_slice(&mut magic);
        if magic != *MAGIC {
            return Err(PrefaceError::Magic(magic));
        }
        let (version, oldest) = (bytes.get_u16_le(), bytes.get_u16_le());
        if version.min(VERSION) < oldest.max(OLDEST_VERSION) {
            return Err(PrefaceError::Version { version, oldest });
        }
        bytes.advance(4);
        let mut nonce = [0; 16];
        bytes.copy_to_slice(&mut nonce);
        Ok(Self { version, oldest, nonce })
    }
}

/// A secret that all of a cluster share.
#[derive(Clone)]
pub struct Token(Arc<hmac::Key>);

impl Token {
    /// A token of any text.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    /// Shows that one has the token, for this connection only.
    fn proof(&self, what: &str, theirs: &Preface, ours: &Preface) -> Bytes {
        let text = [what.as_bytes(), &theirs.nonce, &ours.nonce].concat();
        Bytes::copy_from_slice(hmac::sign(&self.0, &text).as_ref())
    }

    fn proves(&self, proof: &[u8], what: &str, ours: &Preface, theirs: &Preface) -> bool {
        let text = [what.as_bytes(), &ours.nonce, &theirs.nonce].concat();
        hmac::verify(&self.0, &text, proof).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

const HELLO: &str = "oxidask hello";
const WELCOME: &str = "oxidask welcome";

/// The proof of an opener that it may come in: empty without a token.
#[must_use]
pub fn hello_proof(token: Option<&Token>, theirs: &Preface, ours: &Preface) -> Bytes {
    token.map(|token| token.proof(HELLO, theirs, ours)).unwrap_or_default()
}

/// The proof of an acceptor that it is the right one: empty without a token.
#[must_use]
pub fn welcome_proof(token: Option<&Token>, theirs: &Preface, ours: &Preface) -> Bytes {
    token.map(|token| token.proof(WELCOME, theirs, ours)).unwrap_or_default()
}

/// Whether an opener may come in. Without a token everybody may.
#[must_use]
pub fn admits(token: Option<&Token>, hello: &Hello, ours: &Preface, theirs: &Preface) -> bool {
    token.is_none_or(|token| token.proves(&hello.proof, HELLO, ours, theirs))
}

/// Whether an acceptor is one of this cluster.
#[must_use]
pub fn trusts(token: Option<&Token>, welcome: &Welcome, ours: &Preface, theirs: &Preface) -> bool {
    token.is_none_or(|token| token.proves(&welcome.proof, WELCOME, ours, theirs))
}

/// Who opens a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// A worker, to its scheduler.
    Worker(WorkerInfo),
    /// A client, to the scheduler.
    Client(ClientInfo),
    /// Someone who wants values of a worker.
    Peer(ClientInfo),
}

/// Names a session; random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub [u8; 16]);

/// What an opener says first.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// Who it is.
    pub who: Who,
    /// The session.
    pub session: SessionId,
    /// Whether the session exists already.
    pub resume: bool,
    /// Frames of the acceptor that were taken in it.
    pub heard: u64,
    /// The acceptor's epoch as it was last told; 0 if it never was.
    pub epoch: u64,
    /// Shows that it has the token.
    pub proof: Bytes,
    /// Nothing yet.
    pub features: u64,
    /// The largest body that it takes.
    pub frame_bytes: u64,
    /// It sends something at least every so many milliseconds.
    pub beat_ms: u32,
}

/// What an acceptor answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Whether the session goes on.
    pub resumed: bool,
    /// Frames of the opener that were taken in it.
    pub heard: u64,
    /// The acceptor's epoch.
    pub epoch: u64,
    /// The number of the worker or client.
    pub number: u32,
    /// Shows that it has the token.
    pub proof: Bytes,
    /// Nothing yet.
    pub features: u64,
    /// The largest body that it takes.
    pub frame_bytes: u64,
    /// It sends something at least every so many milliseconds.
    pub beat_ms: u32,
}

/// Why an acceptor doesn't want a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The token is missing or another one.
    Token = 1,
    /// This role is not served.
    Role = 2,
    /// The session is not known.
    Session = 3,
    /// What was said makes no sense.
    Malformed = 4,
    /// Not wanted.
    Unwanted = 5,
}

/// What an acceptor answers otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A [`RefusalCode`], or one of a later version.
    pub code: u32,
    /// Why, and what to do.
    pub text: Arc<str>,
}

structures! {
    Welcome { resumed, heard, epoch, number, proof, features, frame_bytes, beat_ms }
    Refusal { code, text }
}

impl Field for SessionId {
    fn encode(&self, out: &mut Encoder) {
        out.binary(&self.0);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let at = input.at();
        let bytes = input.binary()?;
        let range = DecodeError::Range { at, value: bytes.len() as i128, expected: "16 bytes" };
        bytes.try_into().map(Self).map_err(|_| range)
    }
}

impl Field for Hello {
    fn encode(&self, out: &mut Encoder) {
        out.array(10);
        out.uint(match self.who {
            Who::Worker(_) => 0,
            Who::Client(_) => 1,
            Who::Peer(_) => 2,
        });
        self.session.encode(out);
        self.resume.encode(out);
        self.heard.encode(out);
        self.epoch.encode(out);
        self.proof.encode(out);
        self.features.encode(out);
        self.frame_bytes.encode(out);
        self.beat_ms.encode(out);
        match &self.who {
            Who::Worker(info) => info.encode(out),
            Who::Client(info) | Who::Peer(info) => info.encode(out),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        fields(input, "Hello", 10, |input| {
            let at = input.at();
            let role = input.uint()?;
            Ok(Self {
                session: Field::decode(input)?,
                resume: Field::decode(input)?,
                heard: Field::decode(input)?,
                epoch: Field::decode(input)?,
                proof: Field::decode(input)?,
                features: Field::decode(input)?,
                frame_bytes: Field::decode(input)?,
                beat_ms: Field::decode(input)?,
                who: match role {
                    0 => Who::Worker(Field::decode(input)?),
                    1 => Who::Client(Field::decode(input)?),
                    2 => Who::Peer(Field::decode(input)?),
                    tag => return Err(DecodeError::Tag { at, kind: "a role", tag }),
                },
            })
        })
    }
}

/// The body of a greeting.
#[must_use]
pub fn body(greeting: &impl Field) -> Vec<Bytes> {
    let mut out = Encoder::new();
    greeting.encode(&mut out);
    out.take().0
}

/// A greeting of a body.
///
/// # Errors
/// If it is something else.
pub fn read<T: Field>(body: &Bytes) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::new(body, &mut HeardNames::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(proof: Bytes) -> Hello {
        Hello {
            who: Who::Client(ClientInfo { name: "me".into() }),
            session: SessionId([7; 16]),
            resume: true,
            heard: 300,
            epoch: 2,
            proof,
            features: 0,
            frame_bytes: 1 << 28,
            beat_ms: 1000,
        }
    }

    #[test]
    fn greetings_come_back() {
        let sent = hello(Bytes::new());
        assert_eq!(read::<Hello>(&body(&sent).concat().into()), Ok(sent));
        let preface = Preface::new([3; 16]);
        assert_eq!(Preface::read(&preface.bytes()), Ok(preface));
    }

    #[test]
    fn versions_that_no_side_shares_are_named() {
        let theirs = Preface { version: 9, oldest: 5, nonce: [0; 16] };
        let error = Preface::read(&theirs.bytes()).unwrap_err().to_string();
        assert!(error.contains("versions 1 to 1") && error.contains("5 to 9"), "{error}");
        let newer = Preface { version: 9, oldest: 1, nonce: [0; 16] };
        assert_eq!(Preface::read(&newer.bytes()), Ok(newer));
        let says = |began: &[u8; 32], what: &str| {
            let error = Preface::read(began).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(b"HTTP/1.1 400 Bad Request\r\nServer", "web server");
        says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "is the address right");
        let mut began = [0; 32];
        began[..7].copy_from_slice(&[0x15, 3, 1, 0, 2, 2, 70]);
        says(&began, "write tls://");
        began[..8].copy_from_slice(&[0x9a, 0, 0, 0, 0, 0, 0, 0]);
        says(&began, "`oxidask` instead of `dask`");
    }

    #[test]
    fn a_proof_is_good_for_its_token_and_connection_only() {
        let (opener, acceptor) = (Preface::new([1; 16]), Preface::new([2; 16]));
        let token = Token::new("secret");
        let good = hello(hello_proof(Some(&token), &acceptor, &opener));
        assert!(admits(Some(&token), &good, &acceptor, &opener));
        assert!(admits(None, &good, &acceptor, &opener));
        let other = Token::new("other");
        assert!(!admits(Some(&other), &good, &acceptor, &opener));
        assert!(!admits(Some(&token), &good, &Preface::new([3; 16]), &opener));
        assert!(!admits(Some(&token), &hello(Bytes::new()), &acceptor, &opener));
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
