//! Bytes over one socket, from any thread, without waiting.
//!
//! Reads are the IO thread's; writes are whoever's turn it is. Within TLS both go through one state, which a
//! lock guards for as long as it takes to encrypt what a socket has room for.

use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use rustls::Connection;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

use super::super::frame::{Assembler, Target};

/// A connected socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection.
pub(super) struct Channel {
    socket: Socket,
    tls: Option<Mutex<Connection>>,
}

/// Bytes that TLS decrypts at a time: those of one of its records.
const RECORD_BYTES: usize = 16 << 10;

impl Socket {
    fn try_read(&self, place: &mut [u8]) -> io::Result<usize> {
        let room = place.len();
        self.read_once(room, |socket| (&*socket).read(place))
    }

    /// Reads to the end of a buffer, as much as it has room for.
    fn try_read_buffer(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        let place = buffer.chunk_mut();
        let room = place.len();
        let n = self.read_once(room, |socket| socket.recv(uninit(place)))?;
        #[expect(unsafe_code, reason = "the buffer can't see what the system has written")]
        // SAFETY: `n` bytes of the chunk were received, so they are initialised.
        unsafe {
            buffer.advance_mut(n);
        }
        Ok(n)
    }

    /// Calls the system once. If it gives less than there is room for, nothing is left: the next read is told so
    /// without a call, until the event loop hears of more.
    fn read_once(
        &self,
        room: usize,
        read: impl FnOnce(SockRef<'_>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut found = None;
        let once = |socket: SockRef<'_>| {
            let n = read(socket)?;
            if n == 0 || n == room {
                return Ok(n);
            }
            found = Some(n);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let result = match self {
            Self::Tcp(socket) => socket.try_io(Interest::READABLE, || once(SockRef::from(socket))),
            Self::Unix(socket) => socket.try_io(Interest::READABLE, || once(SockRef::from(socket))),
        };
        match found {
            Some(n) => Ok(n),
            None => result,
        }
    }

    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write_vectored(pieces),
            Self::Unix(socket) => socket.try_write_vectored(pieces),
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.ready(interest).await.map(drop),
            Self::Unix(socket) => socket.ready(interest).await.map(drop),
        }
    }
}

/// The room of a buffer, as sockets take it.
#[expect(unsafe_code, reason = "two views of memory that is not initialised")]
fn uninit(place: &mut bytes::buf::UninitSlice) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the caller, `recv`, only writes to it, and only initialised bytes.
    unsafe { place.as_uninit_slice_mut() }
}

/// A socket as `std`'s traits have it.
struct Blocking<'a>(&'a Socket);

impl Read for Blocking<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(place)
    }
}

impl Write for Blocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel {
    /// A socket without TLS.
    pub(super) fn plain(socket: Socket) -> Self {
        Self { socket, tls: None }
    }

    /// A socket with TLS; returns when both have shown their certificates.
    pub(super) async fn secured(socket: Socket, mut tls: Connection) -> io::Result<Self> {
        while tls.is_handshaking() || tls.wants_write() {
            if tls.wants_write() {
                match tls.write_tls(&mut Blocking(&socket)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        socket.ready(Interest::WRITABLE).await?;
                    }
                    written => drop(written?),
                }
                continue;
            }
            match tls.read_tls(&mut Blocking(&socket)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.ready(Interest::READABLE).await?;
                }
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {
                    if let Err(error) = tls.process_new_packets() {
                        // The other side is told why, if it still listens.
                        let _ = tls.write_tls(&mut Blocking(&socket));
                        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self { socket, tls: Some(Mutex::new(tls)) })
    }

    /// Waits until there may be something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.ready(Interest::READABLE).await
    }

    /// Waits until there may be room to write.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.socket.ready(Interest::WRITABLE).await
    }

    /// Reads what is there, once. Zero bytes are the end.
    pub(super) fn try_read(&self, assembler: &mut Assembler) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return self.try_read_plain(assembler) };
        let mut tls = tls.lock();
        loop {
            let read = match assembler.target() {
                Target::Place(place) => {
                    let read = tls.reader().read(place);
                    read.inspect(|&n| assembler.filled(n))
                }
                Target::Buffer(buffer) => {
                    let mut record = [0; RECORD_BYTES];
                    let read = tls.reader().read(&mut record);
                    read.inspect(|&n| buffer.extend_from_slice(&record[..n]))
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if tls.read_tls(&mut Blocking(&self.socket))? == 0 {
                return Ok(0);
            }
            tls.process_new_packets()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn try_read_plain(&self, assembler: &mut Assembler) -> io::Result<usize> {
        match assembler.target() {
            Target::Buffer(buffer) => self.socket.try_read_buffer(buffer),
            Target::Place(place) => {
                let n = self.socket.try_read(place)?;
                assembler.filled(n);
                Ok(n)
            }
        }
    }

    /// Writes what there is room for. `WouldBlock` if that is nothing.
    pub(super) fn try_write(&self, pieces: &[Bytes]) -> io::Result<usize> {
        let slices: smallvec::SmallVec<[IoSlice<'_>; 16]> =
            pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let Some(tls) = &self.tls else { return self.socket.try_write(&slices) };
        let mut tls = tls.lock();
        while tls.wants_write() {
            tls.write_tls(&mut Blocking(&self.socket))?;
        }
        let n = tls.writer().write_vectored(&slices)?;
        self.push_out(&mut tls)?;
        Ok(n)
    }

    /// Writes what TLS holds back. Whether that was all.
    pub(super) fn try_flush(&self) -> io::Result<bool> {
        let Some(tls) = &self.tls else { return Ok(true) };
        self.push_out(&mut tls.lock())
    }

    fn push_out(&self, tls: &mut Connection) -> io::Result<bool> {
        while tls.wants_write() {
            match tls.write_tls(&mut Blocking(&self.socket)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                written => drop(written?),
            }
        }
        Ok(true)
    }

    /// Writes all of it, waiting for room.
    pub(super) async fn write_all(&self, mut pieces: Vec<Bytes>) -> io::Result<()> {
        pieces.retain(|piece| !piece.is_empty());
        while !pieces.is_empty() {
            match self.try_write(&pieces) {
                Ok(mut n) => pieces.retain_mut(|piece| {
                    let cut = n.min(piece.len());
                    n -= cut;
                    bytes::Buf::advance(piece, cut);
                    !piece.is_empty()
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        while !self.try_flush()? {
            self.writable().await?;
        }
        Ok(())
    }
}
