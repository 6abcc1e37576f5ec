//! The spill file: values' bytes on disk.
//!
//! One file a store, unlinked as soon as it is open, so that nothing is left behind however the
//! process ends. Space of values that are gone is used again: free extents are kept by offset,
//! neighbours are merged, and a value takes the first that fits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use oxidask_core::value::Encoded;
use parking_lot::Mutex;

/// An encoded value in the file. Dropping it gives the space back.
pub struct Extent {
    file: Arc<Inner>,
    offset: u64,
    header: u32,
    buffers: Box<[u64]>,
}

impl Extent {
    /// Bytes on disk.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::from(self.header) + self.buffers.iter().sum::<u64>()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the value back: its header and its buffers.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn read(&self) -> io::Result<(Vec<u8>, Vec<Vec<u8>>)> {
        let mut at = self.offset;
        let mut piece = |len: u64| {
            let len = usize::try_from(len).map_err(io::Error::other)?;
            let mut bytes = vec![0; len];
            self.file.file.read_exact_at(&mut bytes, at)?;
            at += len as u64;
            io::Result::Ok(bytes)
        };
        let header = piece(self.header.into())?;
        let buffers = self.buffers.iter().map(|&len| piece(len)).collect::<io::Result<_>>()?;
        Ok((header, buffers))
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        self.file.space.lock().release(self.offset, self.len());
    }
}

/// A file of extents.
pub struct SpillFile(Arc<Inner>);

struct Inner {
    file: File,
    space: Mutex<Space>,
}

/// Which bytes of the file are free.
#[derive(Default)]
struct Space {
    end: u64,
    held: u64,
    free: BTreeMap<u64, u64>,
}

impl Space {
    fn allocate(&mut self, len: u64) -> u64 {
        self.held += len;
        let hole = self.free.iter().find(|&(_, &free)| free >= len).map(|(&at, &free)| (at, free));
        if let Some((at, free)) = hole {
            self.free.remove(&at);
            if free > len {
                self.free.insert(at + len, free - len);
            }
            at
        } else {
            let at = self.end;
            self.end += len;
            at
        }
    }

    fn release(&mut self, mut at: u64, mut len: u64) {
        if len == 0 {
            return;
        }
        self.held -= len;
        if let Some((&before, &free)) = self.free.range(..at).next_back()
            && before + free == at
        {
            self.free.remove(&before);
            at = before;
            len += free;
        }
        if let Some(after) = self.free.remove(&(at + len)) {
            len += after;
        }
        if at + len == self.end {
            self.end = at;
        } else {
            self.free.insert(at, len);
        }
    }
}

impl SpillFile {
    /// Opens a nameless file in `directory`, which is made if it isn't there.
    ///
    /// # Errors
    /// If the directory or the file can't be made.
    pub fn create(directory: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self(Arc::new(Inner { file, space: Mutex::default() })))
    }

    /// Bytes between the start of the file and the end of its last value.
    #[must_use]
    pub fn extent_bytes(&self) -> u64 {
        self.0.space.lock().end
    }

    /// Bytes of the values in it.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.0.space.lock().held
    }

    /// Writes a value.
    ///
    /// # Errors
    /// If the disk is full or fails; the space is given back.
    pub fn write(&self, value: &Encoded) -> io::Result<Extent> {
        let header = u32::try_from(value.header.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a header of over 4 GiB"))?;
        let buffers: Box<[u64]> =
            value.buffers.iter().map(|b| (**b).as_ref().len() as u64).collect();
        let offset = self.0.space.lock().allocate(value.nbytes());
        let extent = Extent { file: Arc::clone(&self.0), offset, header, buffers };
        let mut at = offset;
        let first: &[u8] = &value.header;
        for piece in std::iter::once(first).chain(value.buffers.iter().map(|b| (**b).as_ref())) {
            self.0.file.write_all_at(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(byte: u8, lengths: &[usize]) -> Encoded {
        let buffers = lengths.iter().map(|&n| Box::new(vec![byte; n]) as _).collect();
        Encoded { header: vec![byte; 3], buffers }
    }

    #[test]
    fn freed_space_is_used_again_and_the_directory_stays_empty() {
        let directory = tempfile::tempdir().unwrap();
        let file = SpillFile::create(directory.path()).unwrap();
        let a = file.write(&encoded(1, &[100, 7])).unwrap();
        let b = file.write(&encoded(2, &[])).unwrap();
        let end = file.extent_bytes();
        drop(a);
        let c = file.write(&encoded(3, &[50])).unwrap();
        assert_eq!(file.extent_bytes(), end);
        assert_eq!(b.read().unwrap(), (vec![2; 3], vec![]));
        assert_eq!(c.read().unwrap(), (vec![3; 3], vec![vec![3; 50]]));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn values_never_overlap(lengths in proptest::collection::vec((0usize..40, any::<bool>()), 1..60)) {
            let directory = tempfile::tempdir().unwrap();
            let file = SpillFile::create(directory.path()).unwrap();
            let mut held: Vec<(Extent, u8, usize)> = Vec::new();
            for (number, (len, drop_one)) in lengths.into_iter().enumerate() {
                if drop_one && !held.is_empty() {
                    held.swap_remove(number % held.len());
                }
                let byte = number as u8;
                held.push((file.write(&encoded(byte, &[len])).unwrap(), byte, len));
            }
            for (extent, byte, len) in &held {
                prop_assert_eq!(extent.read().unwrap(), (vec![*byte; 3], vec![vec![*byte; *len]]));
            }
            drop(held);
            prop_assert_eq!(file.extent_bytes(), 0);
        }
    }
}
