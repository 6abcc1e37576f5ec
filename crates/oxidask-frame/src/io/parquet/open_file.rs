//! An open file that can be read at any place without a cursor, and errors that name it.

use std::fs;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{FrameError, Result};
use crate::io::failed;

/// A file for the reader of the parquet crate: reads at places, so that no descriptor is copied per page.
#[derive(Clone)]
pub(super) struct OpenFile {
    file: Arc<fs::File>,
    len: u64,
}

impl OpenFile {
    pub(super) fn open(path: &str) -> Result<Self> {
        let file = fs::File::open(path).map_err(|error| failed(path, error))?;
        let len = file.metadata().map_err(|error| failed(path, error))?.len();
        Ok(Self { file: Arc::new(file), len })
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&*self.file, buffer, at);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, at);
    }
}

impl Length for OpenFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for OpenFile {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(Cursor { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF(format!(
                "bytes {start} to {} of a file of {} bytes",
                start.saturating_add(length as u64),
                self.len
            )));
        }
        let mut buffer = Vec::with_capacity(length);
        Cursor { file: self.clone(), at: start }.take(length as u64).read_to_end(&mut buffer)?;
        if buffer.len() < length {
            return Err(ParquetError::EOF("the file was cut while it was read".to_owned()));
        }
        Ok(buffer.into())
    }
}

/// A place in a file.
pub(super) struct Cursor {
    file: OpenFile,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// An error of the parquet crate about a file: it is not what its name says, or it is damaged.
pub(super) fn damaged(path: &str, error: &ParquetError) -> FrameError {
    FrameError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
