//! Large values between processes of one machine: written once to memory that both can see, and not copied again.
//!
//! The holder makes a file that exists in memory only and has no name, writes the buffers, seals it, and says which
//! of its descriptors that is. Who fetches opens it through `/proc`, checks that it is that file and can't change
//! any more, and maps it: pages that nobody writes to are one for all. Nothing is left if either dies: the system frees
//! the memory with the last descriptor and mapping.
//!
//! Whether both are on one machine is known by its boot and the process namespace; descriptors can be opened by
//! processes of the same user only. Where it fails all the same, the value is asked for again and comes as bytes.
#![expect(unsafe_code, reason = "memory maps and libc calls behind a safe owner")]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use oxidask_core::value::{Encoded, Region};

use crate::wire::peer::{Shared, Sharing};

/// Values with fewer bytes in buffers go over the connection: making and mapping a file costs more (see
/// `examples/fetch_speed.rs`).
pub(super) const LEAST_BYTES: u64 = 16 << 20;

/// Buffers begin at multiples of this.
const ALIGN: u64 = 64;

/// Where this process runs: the same text for all that can share memory with it; none where that can't be known.
pub(super) fn machine() -> Option<Arc<str>> {
    static MACHINE: OnceLock<Option<Arc<str>>> = OnceLock::new();
    let find = || {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        Some(format!("{} {}", boot.trim(), namespace.display()).into())
    };
    MACHINE.get_or_init(find).clone()
}

/// Where each buffer begins, and where the last ends.
fn places(lengths: &[u64]) -> Option<(Vec<u64>, u64)> {
    let mut end = 0_u64;
    let mut starts = Vec::with_capacity(lengths.len());
    for &len in lengths {
        let start = end.checked_next_multiple_of(ALIGN)?;
        starts.push(start);
        end = start.checked_add(len)?;
    }
    Some((starts, end))
}

/// Writes the buffers of a value to memory that others can map. It stays for as long as the file is open.
///
/// # Errors
/// If there is not so much memory, or the system doesn't have such files.
pub(super) fn offer(encoded: &Encoded) -> io::Result<(File, Sharing)> {
    let buffers = encoded.buffers.iter().map(|buffer| (**buffer).as_ref());
    let lengths: Vec<u64> = buffers.clone().map(|buffer| buffer.len() as u64).collect();
    let (starts, end) = places(&lengths).ok_or(io::ErrorKind::OutOfMemory)?;
    // SAFETY: the name is a C string, and the flags are those of the call.
    let descriptor = unsafe {
        libc::memfd_create(c"oxidask-value".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
    };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let file = unsafe { File::from_raw_fd(descriptor) };
    file.set_len(end)?;
    for (buffer, start) in buffers.zip(starts) {
        file.write_all_at(buffer, start)?;
    }
    // SAFETY: the descriptor is open.
    let status = unsafe { libc::fcntl(descriptor, libc::F_ADD_SEALS, SEALS) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    let metadata = file.metadata()?;
    let sharing = Sharing {
        process: std::process::id(),
        descriptor: descriptor as u32,
        device: metadata.dev(),
        inode: metadata.ino(),
        lengths,
    };
    Ok((file, sharing))
}

/// Nobody can change or cut a file with these.
const SEALS: i32 = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

/// The buffers that another process offers.
///
/// # Errors
/// If it is gone, may not be looked at, or offers something else than it says.
pub(super) fn take(shared: &Shared) -> io::Result<Vec<Box<dyn Region>>> {
    let Sharing { process, descriptor, device, inode, lengths } = &shared.sharing;
    let file = File::open(format!("/proc/{process}/fd/{descriptor}"))?;
    let metadata = file.metadata()?;
    let wrong = |text| io::Error::new(io::ErrorKind::InvalidData, text);
    if (metadata.dev(), metadata.ino()) != (*device, *inode) {
        return Err(wrong("another file is there"));
    }
    // SAFETY: the descriptor is open.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    if seals < 0 || seals & SEALS != SEALS {
        return Err(wrong("the file can still change"));
    }
    let (starts, end) = places(lengths).ok_or_else(|| wrong("the lengths make no sense"))?;
    if end > metadata.len() {
        return Err(wrong("the file is too short"));
    }
    let mapping = Arc::new(Mapping::of(&file, end)?);
    let regions = starts.into_iter().zip(lengths).map(|(start, &len)| {
        let (start, len) = (start as usize, len as usize);
        Box::new(Mapped { mapping: mapping.clone(), start, len }) as Box<dyn Region>
    });
    Ok(regions.collect())
}

/// A file in memory, of which this process has a view of its own: what it writes, others don't see.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: plain memory; the regions of a mapping don't overlap, and each is one owner's.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn of(file: &File, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        if len == 0 {
            return Ok(Self { start: NonNull::dangling(), len });
        }
        // SAFETY: a new mapping of an open file, which can't be cut: it is sealed.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_NORESERVE,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast())
            .map(|start| Self { start, len })
            .ok_or(io::ErrorKind::Other.into())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: mapped in `of`, and no region is left.
            unsafe { libc::munmap(self.start.as_ptr().cast::<c_void>(), self.len) };
        }
    }
}

/// One buffer of a mapping.
struct Mapped {
    mapping: Arc<Mapping>,
    start: usize,
    len: usize,
}

impl Region for Mapped {
    fn bytes(&self) -> &[u8] {
        // SAFETY: within the mapping, which is valid while this lives; who writes has it alone.
        unsafe { std::slice::from_raw_parts(self.mapping.start.as_ptr().add(self.start), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; regions don't overlap.
        unsafe {
            std::slice::from_raw_parts_mut(self.mapping.start.as_ptr().add(self.start), self.len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(buffers: &[&'static [u8]]) -> Encoded {
        let buffers = buffers.iter().map(|buffer| Box::new(*buffer) as _).collect();
        Encoded { header: vec![1], buffers }
    }

    fn shared(sharing: Sharing) -> Shared {
        Shared {
            family: "f".into(),
            type_name: "t".into(),
            nbytes: 1,
            header: bytes::Bytes::new(),
            sharing,
        }
    }

    #[test]
    fn buffers_are_seen_aligned_and_ones_own_to_write() {
        let (file, sharing) = offer(&encoded(&[b"abc", b"", b"defgh"])).unwrap();
        let (mut one, two) =
            (take(&shared(sharing.clone())).unwrap(), take(&shared(sharing)).unwrap());
        drop(file);
        one[2].bytes_mut()[0] = b'x';
        let all = |regions: &[Box<dyn Region>]| -> Vec<Vec<u8>> {
            regions.iter().map(|region| region.bytes().to_vec()).collect()
        };
        assert_eq!(all(&one), [&b"abc"[..], b"", b"xefgh"]);
        assert_eq!(all(&two), [&b"abc"[..], b"", b"defgh"]);
        assert!(one.iter().all(|region| region.bytes().as_ptr().align_offset(64) == 0));
    }

    #[test]
    fn what_is_gone_or_something_else_is_refused() {
        let (file, sharing) = offer(&encoded(&[b"abc"])).unwrap();
        let mut other = sharing.clone();
        other.inode += 1;
        assert!(take(&shared(other)).is_err());
        let mut longer = sharing.clone();
        longer.lengths = vec![u64::MAX, 5];
        assert!(take(&shared(longer.clone())).is_err());
        longer.lengths = vec![1000];
        assert!(take(&shared(longer)).is_err());
        drop(file);
        assert!(take(&shared(sharing)).is_err());
        let plain = tempfile::tempfile().unwrap();
        plain.set_len(100).unwrap();
        let metadata = plain.metadata().unwrap();
        let unsealed = Sharing {
            process: std::process::id(),
            descriptor: plain.as_raw_fd() as u32,
            device: metadata.dev(),
            inode: metadata.ino(),
            lengths: vec![3],
        };
        assert!(take(&shared(unsealed)).is_err());
    }
}
