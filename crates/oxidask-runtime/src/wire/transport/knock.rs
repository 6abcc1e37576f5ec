//! Greetings over a channel: what both sides say before there is a link.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ring::rand::{SecureRandom, SystemRandom};

use super::super::codec::Limits;
use super::super::frame::{Assembler, Frame, Head, Kind, Packing, seal};
use super::super::greeting::{
    GREETING_BYTES, Hello, PREFACE_BYTES, Preface, PrefaceError, Refusal, RefusalCode, Welcome,
    admits, body, hello_proof, read, trusts, welcome_proof,
};
use super::channel::Channel;
use super::{Nonsense, Options, Security};

/// Smaller bodies than this nobody may insist on.
const NARROWEST: u64 = 1 << 20;

/// What goes wrong with a greeting.
#[derive(Debug)]
pub(super) enum Trouble {
    Io(io::Error),
    Preface(PrefaceError),
    Nonsense(Nonsense),
    Refused(Refusal),
    Untrusted,
}

/// An opener that has said hello, and has a right to an answer.
pub(super) struct Knock {
    pub(super) wired: Wired,
    pub(super) hello: Hello,
    ours: Preface,
    theirs: Preface,
}

/// A connection on which frames come.
pub(super) struct Wired {
    pub(super) channel: Arc<Channel>,
    pub(super) assembler: Assembler,
    /// How long the other side may be silent.
    pub(super) patience: Duration,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<E: Into<Nonsense>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Nonsense(error.into())
    }
}

/// Random bytes.
pub(super) fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    let unavailable = |_| io::Error::other("the system gives no random bytes");
    SystemRandom::new().fill(&mut bytes).map_err(unavailable)?;
    Ok(bytes)
}

/// A frame outside of the numbers.
fn aside(kind: Kind, body: Vec<Bytes>) -> Vec<Bytes> {
    seal(Head { kind, number: 0, acknowledged: 0 }, body, Vec::new(), Packing::Never)
}

/// A refusal, as a frame.
pub(super) fn refusal(code: RefusalCode, text: &str) -> Vec<Bytes> {
    aside(Kind::Refuse, body(&Refusal { code: code as u32, text: text.into() }))
}

async fn read_more(channel: &Channel, assembler: &mut Assembler) -> io::Result<()> {
    loop {
        match channel.try_read(assembler) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => channel.readable().await?,
            Err(error) => return Err(error),
        }
    }
}

async fn prefaces(
    channel: &Channel,
    assembler: &mut Assembler,
) -> Result<(Preface, Preface), Trouble> {
    let ours = Preface::new(random()?);
    channel.write_all(vec![Bytes::copy_from_slice(&ours.bytes())]).await?;
    loop {
        if let Some(bytes) = assembler.raw(PREFACE_BYTES) {
            let mut preface = [0; PREFACE_BYTES];
            preface.copy_from_slice(&bytes);
            return Ok((ours, Preface::read(&preface).map_err(Trouble::Preface)?));
        }
        read_more(channel, assembler).await?;
    }
}

async fn next_frame(channel: &Channel, assembler: &mut Assembler) -> Result<Frame, Trouble> {
    loop {
        if let Some(frame) = assembler.next_frame()? {
            return Ok(frame);
        }
        read_more(channel, assembler).await?;
    }
}

fn narrow() -> Limits {
    Limits { frame_bytes: GREETING_BYTES, attached_bytes: 0, n_attachments: 0 }
}

/// Silence after which a side that says so of its beats is taken for gone.
fn patience(beat_ms: u32) -> Duration {
    Duration::from_millis(u64::from(beat_ms.max(1)) * 4)
}

/// The acceptor's part: hears who is there. Those who may not come in are told so.
pub(super) async fn answer(
    channel: Channel,
    options: &Options,
    security: &Security,
) -> Result<Knock, Trouble> {
    let mut assembler = Assembler::new(narrow());
    let (ours, theirs) = prefaces(&channel, &mut assembler).await?;
    let said = match next_frame(&channel, &mut assembler).await {
        Ok(frame) if frame.head.kind == Kind::Hello => {
            read::<Hello>(&frame.body).map_err(Trouble::from)
        }
        Ok(frame) => Err(Trouble::Nonsense(Nonsense::Unexpected(frame.head.kind))),
        Err(trouble) => Err(trouble),
    };
    let hello = match said {
        Ok(hello) if hello.frame_bytes < NARROWEST => {
            Err(Trouble::Nonsense(Nonsense::Narrow(hello.frame_bytes)))
        }
        said => said,
    };
    let hello = match hello {
        Err(Trouble::Nonsense(nonsense)) => {
            let text = nonsense.to_string();
            channel.write_all(refusal(RefusalCode::Malformed, &text)).await?;
            return Err(Trouble::Nonsense(nonsense));
        }
        hello => hello?,
    };
    if !admits(security.token.as_ref(), &hello, &ours, &theirs) {
        let text = if hello.proof.is_empty() {
            "a token is needed; give the one that the scheduler was started with"
        } else {
            "the token is another one than the scheduler was started with"
        };
        channel.write_all(refusal(RefusalCode::Token, text)).await?;
        return Err(Trouble::Untrusted);
    }
    assembler.set_limits(options.limits);
    let patience = patience(hello.beat_ms);
    let wired = Wired { channel: Arc::new(channel), assembler, patience };
    Ok(Knock { wired, hello, ours, theirs })
}

/// What an acceptor tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) number: u32,
    pub(super) epoch: u64,
}

impl Knock {
    /// Lets the opener in; `heard` is what was taken of its frames.
    pub(super) async fn welcome(
        &self,
        grant: Grant,
        heard: u64,
        options: &Options,
        security: &Security,
    ) -> io::Result<()> {
        let welcome = Welcome {
            resumed: self.hello.resume,
            heard,
            epoch: grant.epoch,
            number: grant.number,
            proof: welcome_proof(security.token.as_ref(), &self.theirs, &self.ours),
            features: 0,
            frame_bytes: options.limits.frame_bytes,
            beat_ms: options.beat.as_millis() as u32,
        };
        self.wired.channel.write_all(aside(Kind::Welcome, body(&welcome))).await
    }

    /// Doesn't.
    pub(super) async fn refuse(&self, code: RefusalCode, text: &str) {
        // Whoever has gone already doesn't need to be told.
        let _ = self.wired.channel.write_all(refusal(code, text)).await;
    }
}

/// The opener's part: says hello, and hears whether it may come in.
pub(super) async fn greet(
    channel: Channel,
    mut hello: Hello,
    options: &Options,
    security: &Security,
) -> Result<(Wired, Welcome), Trouble> {
    let mut assembler = Assembler::new(narrow());
    let (ours, theirs) = prefaces(&channel, &mut assembler).await?;
    hello.proof = hello_proof(security.token.as_ref(), &theirs, &ours);
    channel.write_all(aside(Kind::Hello, body(&hello))).await?;
    let frame = next_frame(&channel, &mut assembler).await?;
    match frame.head.kind {
        Kind::Welcome => {}
        Kind::Refuse => return Err(Trouble::Refused(read(&frame.body)?)),
        kind => return Err(Trouble::Nonsense(Nonsense::Unexpected(kind))),
    }
    let welcome: Welcome = read(&frame.body)?;
    if !trusts(security.token.as_ref(), &welcome, &ours, &theirs) {
        return Err(Trouble::Untrusted);
    }
    if welcome.frame_bytes < NARROWEST {
        return Err(Trouble::Nonsense(Nonsense::Narrow(welcome.frame_bytes)));
    }
    assembler.set_limits(options.limits);
    let patience = patience(welcome.beat_ms);
    Ok((Wired { channel: Arc::new(channel), assembler, patience }, welcome))
}
