//! Memory that chunks share: aligned allocations, given back to a pool, or memory of someone else.
//!
//! A fresh page costs more than the arithmetic on it, so large allocations are kept for the next
//! chunk of their size, up to [`POOL_BYTES`].
#![expect(unsafe_code, reason = "raw allocations behind a safe owner")]

use std::alloc::{Layout, alloc, dealloc};
use std::any::Any;
use std::ptr::NonNull;
use std::sync::Mutex;

use crate::error::{ArrayError, Result};

/// Alignment of every allocation: a cache line, and the widest vector register.
pub const ALIGN: usize = 64;
/// Smaller allocations are left to the allocator.
const POOLED_FROM: usize = 256 << 10;
/// Smaller allocations don't gain by huge pages.
const HUGE_FROM: usize = 4 << 20;
/// Most bytes that wait in the pool.
pub const POOL_BYTES: usize = 64 << 20;

/// The memory behind some chunks.
pub struct Buffer {
    start: NonNull<u8>,
    len: usize,
    owner: Owner,
}

enum Owner {
    /// Allocated here, with this capacity.
    Allocated(usize),
    /// A vector's, which was read from somewhere.
    Bytes { _bytes: Vec<u8> },
    /// Handed over by someone, to read and write; dropped to give it back.
    Given { _owner: Box<dyn Any + Send + Sync> },
    /// Someone else's, to read only; dropped to give it back.
    Foreign { _owner: Box<dyn Any + Send + Sync> },
}

// SAFETY: the bytes are plain data; who writes holds the buffer alone, or parts that no other
// writer or reader has (see `Buffer::as_mut_ptr`).
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

struct Pool {
    free: Vec<(usize, NonNull<u8>)>,
    bytes: usize,
}

// SAFETY: free allocations belong to nobody.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), bytes: 0 });

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(capacity, ALIGN).ok()
}

impl Buffer {
    /// Memory of `len` bytes that must be written before they are read.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub fn new(len: usize) -> Result<Self> {
        let refuse = || ArrayError::Memory { bytes: len as u128 };
        let capacity = if len < POOLED_FROM {
            len.max(1)
        } else {
            len.checked_next_multiple_of(64 << 10).ok_or_else(refuse)?
        };
        if capacity >= POOLED_FROM
            && let Ok(mut pool) = POOL.lock()
            && let Some(at) = pool.free.iter().rposition(|&(size, _)| size == capacity)
        {
            let (_, start) = pool.free.swap_remove(at);
            pool.bytes -= capacity;
            return Ok(Self { start, len, owner: Owner::Allocated(capacity) });
        }
        let layout = layout(capacity).ok_or_else(refuse)?;
        // SAFETY: the layout has a size above zero.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or_else(refuse)?;
        if capacity >= HUGE_FROM {
            ask_for_huge_pages(start.as_ptr(), capacity);
        }
        Ok(Self { start, len, owner: Owner::Allocated(capacity) })
    }

    /// Bytes that came from elsewhere, and are ours now.
    #[must_use]
    pub fn bytes(mut bytes: Vec<u8>) -> Self {
        let start = NonNull::new(bytes.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self { start, len: bytes.len(), owner: Owner::Bytes { _bytes: bytes } }
    }

    /// Memory that somebody has handed over, valid for as long as `owner` lives.
    ///
    /// # Safety
    /// `start` must be valid for reads and writes of `len` bytes until `owner` is dropped, and nobody else may
    /// read or write it.
    #[must_use]
    pub unsafe fn given(start: *mut u8, len: usize, owner: Box<dyn Any + Send + Sync>) -> Self {
        let start = NonNull::new(start).unwrap_or(NonNull::dangling());
        Self { start, len, owner: Owner::Given { _owner: owner } }
    }

    /// Someone else's memory, valid for as long as `owner` lives.
    ///
    /// # Safety
    /// `start` must be valid for reads of `len` bytes until `owner` is dropped, and nobody may write
    /// to it while the buffer lives.
    #[must_use]
    pub unsafe fn foreign(start: *const u8, len: usize, owner: Box<dyn Any + Send + Sync>) -> Self {
        let start = NonNull::new(start.cast_mut()).unwrap_or(NonNull::dangling());
        Self { start, len, owner: Owner::Foreign { _owner: owner } }
    }

    /// Bytes that are usable.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first byte.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The first byte, for writers that hold the buffer alone or write parts of it which no other
    /// writer or reader has.
    #[must_use]
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Whether who holds it alone may write to it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.is_ours()
    }

    /// Whether dropping it frees memory of ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self.owner, Owner::Foreign { .. })
    }
}

/// Asks for pages of 2 MiB, each of which costs one fault in place of 512, as NumPy does.
fn ask_for_huge_pages(start: *mut u8, len: usize) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let skipped = start.align_offset(PAGE);
        if skipped < len {
            // SAFETY: a hint about whole pages of our own allocation.
            unsafe {
                let first = start.wrapping_add(skipped);
                libc::madvise(first.cast(), len - skipped, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, len);
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Owner::Allocated(capacity) = self.owner else { return };
        if capacity >= POOLED_FROM
            && let Ok(mut pool) = POOL.lock()
            && pool.bytes + capacity <= POOL_BYTES
        {
            pool.bytes += capacity;
            pool.free.push((capacity, self.start));
            return;
        }
        if let Some(layout) = layout(capacity) {
            // SAFETY: allocated in `new` with this layout, and this is the only owner.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

/// Gives the pool's memory back to the allocator.
pub fn trim_pool() {
    let free = match POOL.lock() {
        Ok(mut pool) => {
            pool.bytes = 0;
            std::mem::take(&mut pool.free)
        }
        Err(_) => return,
    };
    for (capacity, start) in free {
        if let Some(layout) = layout(capacity) {
            // SAFETY: free allocations of this layout that belong to nobody else.
            unsafe { dealloc(start.as_ptr(), layout) };
        }
    }
}
