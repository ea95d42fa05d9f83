//! What a run will need, from arithmetic alone: said before any work, refused before any allocation.

use std::fmt;
use std::path::Path;

use super::RunSettings;
use super::progress::{bytes, duration};
use crate::error::{Diagnostic, Error, Result};

/// Memory of a voxel while a run is at work [B]: fields, what the solvers remember, agents, and the copy that a
/// checkpoint makes. A rough figure from the sizes of the columns.
const MEMORY_PER_VOXEL: f64 = 700.0;
/// Memory of a segment with its patches, pieces and columns [B].
const MEMORY_PER_SEGMENT: f64 = 4000.0;
/// Memory of the program itself [B].
const MEMORY_ALWAYS: f64 = 32e6;
/// Disk of a voxel in a snapshot, as if nothing could be packed [B].
const SNAPSHOT_PER_VOXEL: f64 = 30.0;
/// Disk of a voxel in the two checkpoints, as if nothing could be packed [B].
const CHECKPOINTS_PER_VOXEL: f64 = 2.0 * 250.0;
/// Segments per area of a section or plan, and per volume of a block, as generated networks of the default scenario have.
const SEGMENTS_PER_MM2: f64 = 45.0;
const SEGMENTS_PER_MM3: f64 = 330.0;
/// Time of a voxel in a step on one core [s]: 70 s for 80 000 voxels and 2160 steps of a spreading lesion.
const SECONDS_PER_VOXEL_STEP: f64 = 4.0e-7;

/// What a run will need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Voxels.
    pub voxels: f64,
    /// Segments, about.
    pub segments: f64,
    /// Steps.
    pub steps: f64,
    /// Memory [B].
    pub memory: f64,
    /// Disk [B].
    pub disk: f64,
    /// Time [s].
    pub seconds: f64,
}

impl Forecast {
    /// Of a run from its first to its last step.
    pub fn of(settings: &RunSettings) -> Self {
        let number = |key: &str| {
            let value = settings.space.get(key);
            value.and_then(|v| v.as_float().or_else(|| v.as_integer().map(|i| i as f64)))
        };
        let plane = settings.space.get("plane").and_then(toml::Value::as_str);
        let [width, depth, breadth] = ["width_mm", "depth_mm", "breadth_mm"].map(|k| number(k).unwrap_or(1.0));
        let voxels_along = |mm: f64| (mm * 1000.0 / number("voxel_um").unwrap_or(20.0)).round();
        let (extents, density): (&[f64], f64) = match plane {
            Some("block") => (&[width, depth, breadth], SEGMENTS_PER_MM3),
            Some("plan") => (&[width, breadth], SEGMENTS_PER_MM2),
            _ => (&[width, depth], SEGMENTS_PER_MM2),
        };
        let voxels: f64 = extents.iter().map(|&mm| voxels_along(mm)).product();
        let segments = (extents.iter().product::<f64>() * density).round();
        let steps = settings.last_step() as f64;
        let weekly = if settings.snapshot_every_d > 0.0 {
            (settings.days / settings.snapshot_every_d).floor()
        } else {
            0.0
        };
        let snapshots = weekly + settings.snapshot_days.len() as f64 + 2.0;
        let rows = settings.days * 24.0 / settings.series_every_h;
        Self {
            voxels,
            segments,
            steps,
            memory: voxels * MEMORY_PER_VOXEL + segments * MEMORY_PER_SEGMENT + MEMORY_ALWAYS,
            disk: voxels * (snapshots * SNAPSHOT_PER_VOXEL + CHECKPOINTS_PER_VOXEL)
                + segments * 200.0 * snapshots
                + rows * 400.0
                + 1e6,
            seconds: voxels * steps * SECONDS_PER_VOXEL_STEP,
        }
    }

    /// Refuses what cannot fit: `runs` at the same time, written below `out`.
    pub fn refuse_what_cannot_fit(&self, scenario: &str, out: &Path, runs: f64) -> Result<()> {
        let fault = |what: &str, needed: f64, free: f64| Diagnostic {
            file: scenario.to_owned(),
            key: "space.voxel_um".to_owned(),
            message: format!(
                "{:.3e} voxels need about {} of {what}; {} are free",
                self.voxels,
                bytes(needed),
                bytes(free)
            ),
            expected: format!("a block that fits into the free {what}"),
            suggestion: "a coarser voxel_um or a smaller block".to_owned(),
            ..Diagnostic::default()
        };
        let mut faults = Vec::new();
        if let Some(free) = free_memory().filter(|&free| runs * self.memory > free) {
            faults.push(fault("memory", runs * self.memory, free));
        }
        if let Some(free) = free_disk(out).filter(|&free| self.disk > free) {
            faults.push(fault("disk", self.disk, free));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::Input(faults))
        }
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} voxels, about {} segments, {} steps: about {} of memory, up to {} of disk, roughly {} on one core",
            self.voxels,
            self.segments,
            self.steps,
            bytes(self.memory),
            bytes(self.disk),
            duration(self.seconds)
        )
    }
}

/// Memory that a new program may take [B]: what the system calls available, and what a limit of the group leaves.
pub fn free_memory() -> Option<f64> {
    let system = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024.0)
    });
    let read = |name: &str| -> Option<f64> {
        let text = std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse().ok()
    };
    let group = read("memory.max")
        .zip(read("memory.current"))
        .map(|(max, now)| max - now);
    match (system, group) {
        (Some(a), Some(b)) => Some(crate::math::min(a, b)),
        (a, b) => a.or(b),
    }
}

/// Disk that a user may fill below a folder that need not exist yet [B].
pub fn free_disk(out: &Path) -> Option<f64> {
    let there = super::folder::nearest_existing(out);
    let found = rustix::fs::statvfs(&there).ok()?;
    Some(found.f_bavail as f64 * found.f_frsize as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::tests::settings;

    #[test]
    fn a_block_larger_than_memory_is_refused_by_arithmetic() -> Result<()> {
        let mut settings = settings(1.0)?;
        assert!(
            Forecast::of(&settings)
                .refuse_what_cannot_fit("x", Path::new("."), 1.0)
                .is_ok()
        );
        for (key, value) in [("width_mm", 2000.0), ("depth_mm", 2000.0), ("voxel_um", 1.0)] {
            settings.space.insert(key.to_owned(), value.into());
        }
        let forecast = Forecast::of(&settings);
        assert_eq!(forecast.voxels, 4e12);
        let refused = forecast.refuse_what_cannot_fit("x", Path::new("."), 1.0);
        assert_eq!(refused.err().map(|e| e.exit_code()), Some(3));
        Ok(())
    }

    #[test]
    fn the_default_section_has_80_000_voxels() -> Result<()> {
        let mut settings = settings(90.0)?;
        for (key, value) in [("width_mm", 4.0), ("depth_mm", 8.0), ("voxel_um", 20.0)] {
            settings.space.insert(key.to_owned(), value.into());
        }
        assert_eq!(Forecast::of(&settings).voxels, 80_000.0);
        Ok(())
    }
}
