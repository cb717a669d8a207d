//! A global allocator that zeroes memory before it gives it back (I6; fact F7, test A50).
//!
//! Buffers of libraries (TLS records, HTTP heads, serde scratch) hold plaintext we cannot wrap in `Sensitive`; zeroing on
//! free clears them when they end. It must never be the only protection: it clears what is freed, not what lives. One of the
//! two modules that may be unsafe.
#![expect(
    unsafe_code,
    reason = "GlobalAlloc is an unsafe trait; this module is one of the two named exceptions"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{Ordering, compiler_fence};

/// The system allocator, zeroing each block before it is freed or moved.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroOnFree;

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    /// glibc's own: sets a parameter of its allocator; 0 when it does not know it.
    safe fn mallopt(parameter: i32, value: i32) -> i32;
}

/// Has the system allocator give back what large batches, streams and password hashes took: few arenas, and blocks of a
/// megabyte and more straight from the system. Call it before the first thread starts. Where the allocator is
/// not glibc's, nothing is done; nothing but the resident size depends on it.
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    {
        // M_ARENA_MAX, M_MMAP_THRESHOLD (fixed, or it grows with every large block that is freed), M_TRIM_THRESHOLD.
        for (parameter, value) in [(-8, 2), (-3, 1024 * 1024), (-1, 4 * 1024 * 1024)] {
            let _known = mallopt(parameter, value) != 0;
        }
    }
}

/// Zeroes a block in a way the compiler may not leave out although the block is about to be freed.
///
/// # Safety
/// `start` must be valid for writes of `size` bytes.
unsafe fn wipe(start: *mut u8, size: usize) {
    // SAFETY: the caller vouches for the block. `write_bytes` compiles to memset, which keeps large blocks cheap.
    unsafe { start.write_bytes(0, size) };
    // The pointer escapes into the assembly block, which may read through it: the stores above must be done by then.
    // SAFETY: the block holds no instruction; it only forbids the optimiser to drop the stores.
    unsafe { std::arch::asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags, readonly)) };
    compiler_fence(Ordering::SeqCst);
}

// SAFETY: every block comes from and goes back to `System` with the layout it was made with; contents are only changed
// where the contract of `GlobalAlloc` leaves them to the allocator (freed blocks, the old block of a reallocation).
unsafe impl GlobalAlloc for ZeroOnFree {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller owns `block`, which is `layout.size()` bytes and is not used after this call.
        unsafe {
            wipe(block, layout.size());
            System.dealloc(block, layout);
        }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // The system's realloc may leave the old bytes behind, so the move is made by hand.
        // SAFETY: the caller guarantees that `new_size`, rounded up to the alignment, does not overflow `isize`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the caller guarantees that `new_size` is not zero.
        let moved = unsafe { System.alloc(new_layout) };
        if !moved.is_null() {
            // SAFETY: both blocks are at least as long as the shorter size and do not overlap; then the old one is freed
            // as in `dealloc`. When no block was to be had the old one stays valid and untouched, as the contract asks.
            unsafe {
                moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_a_block_is_zero_after_the_wipe_that_precedes_every_free() {
        for size in [1, 7, 64, 4096, 1 << 20] {
            let mut block = vec![0xa5_u8; size];
            // SAFETY: the vector is valid for writes of its length.
            unsafe { wipe(block.as_mut_ptr(), size) };
            assert!(block.iter().all(|b| *b == 0), "{size}");
        }
    }

    #[test]
    fn i6_growing_and_shrinking_keeps_the_contents_and_moves_them() {
        let layout = Layout::from_size_align(64, 16).unwrap();
        // SAFETY: blocks are made, moved and freed with their own layouts and never used after their move.
        unsafe {
            let block = ZeroOnFree.alloc(layout);
            block.write_bytes(0x5a, 64);
            let grown = ZeroOnFree.realloc(block, layout, 4096);
            assert_ne!(
                block, grown,
                "a reallocation never works in place, so the old bytes are always wiped"
            );
            assert!((0..64).all(|i| *grown.add(i) == 0x5a));
            let grown_layout = Layout::from_size_align(4096, 16).unwrap();
            let shrunk = ZeroOnFree.realloc(grown, grown_layout, 8);
            assert!((0..8).all(|i| *shrunk.add(i) == 0x5a));
            ZeroOnFree.dealloc(shrunk, Layout::from_size_align(8, 16).unwrap());
        }
    }

    #[test]
    fn i6_a_freed_block_does_not_keep_what_it_held() {
        // The system allocator keeps its own list pointers in the first words of a freed block; the rest must be zero.
        // Read through a fresh allocation of the same size, which glibc serves from the block just freed.
        let layout = Layout::from_size_align(256, 8).unwrap();
        // SAFETY: the second block is initialised in full by the first use or by `wipe`; only bytes past the list pointers are
        // read, and only when the allocator handed the same block out again.
        unsafe {
            let first = ZeroOnFree.alloc_zeroed(layout);
            first.write_bytes(0x77, 256);
            let address = first as usize;
            ZeroOnFree.dealloc(first, layout);
            let second = ZeroOnFree.alloc(layout);
            if second as usize == address {
                assert!((32..256).all(|i| second.add(i).read_volatile() == 0));
            }
            ZeroOnFree.dealloc(second, layout);
        }
    }
}
