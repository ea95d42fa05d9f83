//! Numbers of a level, placed so that the machine reads them quickly.

use std::ops::{Deref, DerefMut};

/// Cells in a line of the cache.
const LINE: usize = 16;
/// Cells after which addresses look alike to a load that waits for a store: 4 KiB.
const ALIKE: usize = 1024;

/// Numbers whose first lies at the start of a line of the cache, so many cells behind a multiple of 4 KiB.
///
/// A kernel writes one colour where it reads the other; were both to begin at like addresses, each load behind a store
/// would seem to read what was just written, and wait for it.
#[derive(Debug, Default)]
pub(super) struct Column {
    values: Vec<f32>,
    from: usize,
    len: usize,
    behind: usize,
}

impl Column {
    /// So many numbers of one value.
    pub(super) fn new(len: usize, value: f32, behind: usize) -> Self {
        let spare = if len < ALIKE { LINE } else { ALIKE };
        // Zeros come from the machine without being written.
        let values = vec![value; len + spare];
        let place = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        let cells = (values.as_ptr().addr() / size_of::<f32>() + place) % ALIKE;
        let from = if len < ALIKE {
            place
        } else {
            place + (ALIKE + behind - cells) % ALIKE
        };
        let from = from.min(spare);
        Self {
            values,
            from,
            len,
            behind,
        }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}

impl Clone for Column {
    /// The same numbers, placed anew.
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len, 0.0, self.behind);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Column {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.from..][..self.len]
    }
}

impl DerefMut for Column {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.from..][..self.len]
    }
}
