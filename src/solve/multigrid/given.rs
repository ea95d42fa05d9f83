//! Sinks and sources as they are given to a solver: it copies them anyway, so they need not stand in memory as columns.

use std::ops::Range;

/// A number for every voxel.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// One number everywhere.
    Everywhere(f32),
    /// Each voxel its own.
    Each(&'a [f32]),
    /// Each voxel its own, times a number.
    Scaled(&'a [f32], f32),
}

impl Given<'_> {
    /// The numbers of some voxels; `room` is used where they do not stand anywhere.
    pub(super) fn of<'b>(&'b self, voxels: Range<usize>, room: &'b mut Vec<f32>) -> &'b [f32] {
        match self {
            Self::Each(values) => return &values[voxels],
            Self::Everywhere(value) => {
                room.clear();
                room.resize(voxels.len(), *value);
            }
            Self::Scaled(values, scale) => {
                room.clear();
                room.extend(values[voxels].iter().map(|value| value * scale));
            }
        }
        room
    }
}

impl<'a> From<&'a [f32]> for Given<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::Each(values)
    }
}

impl<'a> From<&'a Vec<f32>> for Given<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        Self::Each(values)
    }
}
