//! What comes in over a link, and what becomes of it when its connection breaks.
//!
//! | state | left when |
//! |---|---|
//! | connected | the other side says goodbye, or this one and the other has closed: ended |
//! |  | it breaks the protocol: it is told, and lost |
//! |  | the socket fails, or there is silence for too long: waiting |
//! |  | the opener comes again, though the old connection seems alive: connected |
//! | waiting | there is another connection: connected, and what was not taken is sent again |
//! |  | the time is over, or the other side doesn't know the session: lost |
//!
//! One task of the IO thread is the only reader of a link, so what it has heard of is settled when it
//! says so in a greeting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep_until, timeout_at};

use super::super::codec::{Decoder, HeardNames, Message};
use super::super::frame::{Frame, Kind};
use super::super::greeting::{Hello, Refusal, RefusalCode, read};
use super::connect::Opener;
use super::knock::{Grant, Knock, Wired, refusal};
use super::outlet::{Need, Outlet};
use super::{End, Inbox, Nonsense, Options, Security};

/// One side of a link.
pub(super) struct Link<In, I> {
    outlet: Arc<Outlet>,
    inbox: I,
    names: HeardNames,
    messages: Vec<In>,
    options: Options,
    security: Security,
    renewal: Renewal,
}

/// Where another connection comes from.
pub(super) enum Renewal {
    /// From here.
    Opener(Box<Opener>),
    /// From the listener, which passes on those that ask for this session.
    Acceptor(mpsc::Receiver<Knock>, Grant),
    /// There is no other.
    Never,
}

/// Why a connection is left.
enum Left {
    Closed,
    Lost(Arc<str>),
    Nonsense(Nonsense),
    Broken(Arc<str>),
    /// The other side's system has ended the connection: it runs, and the process most likely does not.
    Gone(Arc<str>),
    Replaced(Box<Knock>),
}

impl<E: Into<Nonsense>> From<E> for Left {
    fn from(error: E) -> Self {
        Self::Nonsense(error.into())
    }
}

fn broken(error: &io::Error) -> Left {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Left::Gone(error.to_string().into())
        }
        _ => Left::Broken(error.to_string().into()),
    }
}

impl<In: Message, I: Inbox<In>> Link<In, I> {
    pub(super) fn new(
        outlet: Arc<Outlet>,
        inbox: I,
        options: Options,
        security: Security,
        renewal: Renewal,
    ) -> Self {
        let (names, messages) = (HeardNames::default(), Vec::new());
        Self { outlet, inbox, names, messages, options, security, renewal }
    }

    /// Runs the link on its first connection and all others, to its end.
    pub(super) async fn run(mut self, mut wired: Wired) {
        let end = loop {
            let left = self.serve(&mut wired).await;
            let next = match left {
                Left::Closed => break End::Closed,
                Left::Lost(reason) => break End::Lost(reason),
                Left::Nonsense(nonsense) => {
                    let text = nonsense.to_string();
                    // It is told if that needs no waiting.
                    let frame = refusal(RefusalCode::Malformed, &text);
                    let _ = wired.channel.try_write(&frame);
                    break End::Lost(text.into());
                }
                Left::Replaced(knock) => {
                    self.outlet.disconnect();
                    self.resume(*knock).await
                }
                Left::Broken(reason) => {
                    drop(wired);
                    self.outlet.disconnect();
                    self.renew(&reason, self.options.linger).await
                }
                Left::Gone(reason) => {
                    drop(wired);
                    self.outlet.disconnect();
                    self.renew(&reason, self.options.linger_gone).await
                }
            };
            match next {
                Ok(next) => wired = next,
                Err(end) => break end,
            }
        };
        self.outlet.end();
        self.inbox.ended(end);
    }

    /// Reads from one connection until it is left.
    async fn serve(&mut self, wired: &mut Wired) -> Left {
        let Wired { channel, patience, .. } = &*wired;
        let (channel, patience) = (Arc::clone(channel), *patience);
        let mut ticks = ticks(self.options.beat / 2);
        let mut last_read = Instant::now();
        let mut nap = Nap::default();
        // Frames may have come with the greeting.
        if let Err(left) = self.take_frames(wired) {
            return left;
        }
        loop {
            let blocked = match self.outlet.need() {
                Need::Connection(reason) => return Left::Broken(reason),
                need => need == Need::Room,
            };
            tokio::select! {
                ready = channel.readable() => {
                    if let Err(error) = ready {
                        return broken(&error);
                    }
                    last_read = Instant::now();
                    if let Err(left) = self.read(wired) {
                        return left;
                    }
                }
                () = self.outlet.changed() => {
                    self.outlet.flush();
                    nap.set(self.outlet.is_watched());
                }
                () = nap.over() => {
                    self.outlet.look();
                    nap.set(self.outlet.is_watched());
                }
                ready = channel.writable(), if blocked => match ready {
                    Ok(()) => self.outlet.unblocked(),
                    Err(error) => return broken(&error),
                },
                knock = knock(&mut self.renewal) => return Left::Replaced(Box::new(knock)),
                _ = ticks.tick() => {
                    let now = Instant::now();
                    if now - last_read > patience {
                        let text = format!("nothing was heard for {:.1?}", now - last_read);
                        return Left::Broken(text.into());
                    }
                    if let Some(then) = now.checked_sub(self.options.beat / 2) {
                        self.outlet.beat(then);
                    }
                }
            }
        }
    }

    /// Reads all that is there.
    fn read(&mut self, wired: &mut Wired) -> Result<(), Left> {
        loop {
            match wired.channel.try_read(&mut wired.assembler) {
                Ok(0) if self.outlet.need() == Need::End => return Err(Left::Closed),
                Ok(0) => return Err(Left::Gone("the other side is gone".into())),
                Ok(_) => self.take_frames(wired)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    /// Takes the frames that are complete, and hands on their messages.
    fn take_frames(&mut self, wired: &mut Wired) -> Result<(), Left> {
        let taken = loop {
            match wired.assembler.next_frame() {
                Ok(Some(frame)) => {
                    if let Err(left) = self.take(frame) {
                        break Err(left);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        if !self.messages.is_empty() {
            self.inbox.deliver(&mut self.messages);
            self.messages.clear();
        }
        if taken.is_ok() && self.outlet.owes() {
            self.outlet.flush();
        }
        taken
    }

    fn take(&mut self, frame: Frame) -> Result<(), Left> {
        let Frame { head, body, attached } = frame;
        match head.kind {
            Kind::Data => {
                let attached_bytes: usize = attached.iter().map(|buffer| buffer.len()).sum();
                if !self.outlet.take(&head, (body.len() + attached_bytes) as u64)? {
                    return Ok(());
                }
                let mut input = Decoder::new(&body, &mut self.names).with_attachments(attached);
                while !input.is_done() {
                    self.messages.push(In::decode(&mut input)?);
                }
                Ok(())
            }
            Kind::Beat => self.outlet.take(&head, 0).map(drop).map_err(Left::from),
            Kind::Goodbye => {
                self.outlet.take(&head, 0)?;
                Err(Left::Closed)
            }
            Kind::Refuse => {
                let refusal: Refusal = read(&body)?;
                Err(Left::Lost(refusal.text))
            }
            Kind::Hello | Kind::Welcome => Err(Left::Nonsense(Nonsense::Unexpected(head.kind))),
        }
    }

    /// Waits for another connection.
    async fn renew(&mut self, reason: &str, linger: Duration) -> Result<Wired, End> {
        let end = tokio::time::Instant::now() + linger;
        let lost = |more: &str| End::Lost(format!("{reason}; {more}").into());
        while !self.outlet.is_closing() {
            let attempt = async {
                match &mut self.renewal {
                    Renewal::Never => Err(Some("such connections are not resumed".to_owned())),
                    Renewal::Acceptor(knocks, _) => match knocks.recv().await {
                        Some(knock) => Ok(Again::Knock(Box::new(knock))),
                        None => Err(Some("nothing listens here any more".into())),
                    },
                    Renewal::Opener(opener) => {
                        let heard = self.outlet.heard();
                        opener.again(heard).await.map(|opened| Again::Opened(Box::new(opened)))
                    }
                }
            };
            let found = tokio::select! {
                found = timeout_at(end, attempt) => found,
                () = self.outlet.changed() => continue,
            };
            match found {
                Ok(Ok(Again::Knock(knock))) => return self.resume(*knock).await,
                Ok(Ok(Again::Opened(opened))) => {
                    let (wired, heard, limit) = *opened;
                    let channel = Arc::clone(&wired.channel);
                    return match self.outlet.connect(channel, heard, limit) {
                        Ok(()) => Ok(wired),
                        Err(error) => Err(lost(&error.to_string())),
                    };
                }
                Ok(Err(Some(why))) => return Err(lost(&why)),
                Ok(Err(None)) => {}
                Err(_) => {
                    let text = format!("no connection was made again within {linger:?}");
                    return Err(lost(&text));
                }
            }
        }
        Err(End::Closed)
    }

    /// Goes on over the connection of an opener that came again.
    async fn resume(&mut self, knock: Knock) -> Result<Wired, End> {
        let Renewal::Acceptor(_, grant) = &self.renewal else {
            return Err(End::Lost("such connections are not resumed".into()));
        };
        let Hello { heard, frame_bytes, .. } = knock.hello;
        let here = self.outlet.heard();
        // If it can't be written, the reader finds out, and waits again.
        let _ = knock.welcome(*grant, here, &self.options, &self.security).await;
        match self.outlet.connect(Arc::clone(&knock.wired.channel), heard, frame_bytes) {
            Ok(()) => Ok(knock.wired),
            Err(error) => {
                knock.refuse(RefusalCode::Session, &error.to_string()).await;
                Err(End::Lost(error.to_string().into()))
            }
        }
    }
}

enum Again {
    Knock(Box<Knock>),
    Opened(Box<(Wired, u64, u64)>),
}

/// The next opener that asks for this session.
async fn knock(renewal: &mut Renewal) -> Knock {
    if let Renewal::Acceptor(knocks, _) = renewal
        && let Some(knock) = knocks.recv().await
    {
        return knock;
    }
    std::future::pending().await
}

/// The wait until a link looks whether something was left to it.
#[derive(Default)]
struct Nap {
    sleep: Option<Pin<Box<Sleep>>>,
    wanted: bool,
}

impl Nap {
    const LENGTH: Duration = Duration::from_millis(1);

    /// Begins anew, or not at all.
    fn set(&mut self, wanted: bool) {
        self.wanted = wanted;
        if wanted {
            let end = tokio::time::Instant::now() + Self::LENGTH;
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(end),
                None => self.sleep = Some(Box::pin(sleep_until(end))),
            }
        }
    }

    /// Waits for its end; for ever if there is none.
    async fn over(&mut self) {
        match self.sleep.as_mut().filter(|_| self.wanted) {
            Some(sleep) => sleep.await,
            None => std::future::pending().await,
        }
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
