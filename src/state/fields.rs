//! Substances on the grid: eight fields, and bacteria when infection is on.

use serde::{Deserialize, Serialize};

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum Species {
    /// Oxygen tension.
    Oxygen = 0,
    /// Phosphate.
    Phosphate = 1,
    /// Effective inhibition of mineral.
    Inhibitor = 2,
    /// Interstitial mineral, as share of solid hydroxyapatite.
    Mineral = 3,
    /// Damage signal: DAMP and reactive oxygen.
    Damage = 4,
    /// Pro-inflammatory cytokine (TNF, IL-6).
    Cytokine = 5,
    /// Repair signal (IL-10, TSG-6, vesicles).
    Repair = 6,
    /// Vascular endothelial growth factor.
    Vegf = 7,
    /// Bacteria.
    Bacteria = 8,
}

impl Species {
    /// All, in the order of storage and of the state hash.
    pub const ALL: [Species; 9] = [
        Species::Oxygen,
        Species::Phosphate,
        Species::Inhibitor,
        Species::Mineral,
        Species::Damage,
        Species::Cytokine,
        Species::Repair,
        Species::Vegf,
        Species::Bacteria,
    ];

    /// Name in files, columns and headings.
    pub fn name(self) -> &'static str {
        match self {
            Species::Oxygen => "oxygen",
            Species::Phosphate => "phosphate",
            Species::Inhibitor => "inhibitor",
            Species::Mineral => "mineral",
            Species::Damage => "damage",
            Species::Cytokine => "cytokine",
            Species::Repair => "repair",
            Species::Vegf => "vegf",
            Species::Bacteria => "bacteria",
        }
    }

    /// Unit of the stored number.
    pub fn unit(self) -> &'static str {
        match self {
            Species::Oxygen => "mmHg",
            Species::Phosphate => "mmol/L",
            Species::Inhibitor => "0-1",
            Species::Mineral => "share of solid hydroxyapatite",
            Species::Damage => "a.u. (1 = among fresh necrosis)",
            Species::Cytokine | Species::Repair => "a.u.",
            Species::Vegf => "ng/mL",
            Species::Bacteria => "share of carrying capacity",
        }
    }

    /// Fixed physical range of pictures.
    pub fn picture_range(self) -> (f64, f64) {
        match self {
            Species::Oxygen => (0.0, 100.0),
            Species::Phosphate => (0.0, 4.0),
            Species::Vegf => (0.0, 4.0),
            _ => (0.0, 1.0),
        }
    }
}

/// All fields, one number per voxel each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fields {
    /// Oxygen tension [mmHg].
    pub oxygen: Vec<f32>,
    /// Phosphate [mmol/L].
    pub phosphate: Vec<f32>,
    /// Effective inhibition of mineral, 0-1.
    pub inhibitor: Vec<f32>,
    /// Interstitial mineral, share of solid hydroxyapatite, 0-1.
    pub mineral: Vec<f32>,
    /// Damage signal [a.u.].
    pub damage: Vec<f32>,
    /// Pro-inflammatory cytokine [a.u.].
    pub cytokine: Vec<f32>,
    /// Repair signal [a.u.].
    pub repair: Vec<f32>,
    /// VEGF [ng/mL].
    pub vegf: Vec<f32>,
    /// Bacteria, share of carrying capacity.
    pub bacteria: Vec<f32>,
    /// What the solver remembers of each quasi-steady field: resume must restore it.
    pub memory: Vec<Memory>,
    /// What oxygen was last solved with.
    pub oxygen_memory: OxygenMemory,
    /// What cells secrete in this step; written by `secretion`, read by `transport`, not part of the state.
    #[serde(skip)]
    pub emission: Emission,
    /// Phosphate that growing mineral takes from tissue without blood.
    pub uptake: PhosphateUptake,
    /// A pulse of reactive oxygen by reperfusion, decaying; joins the sources of `damage` [a.u./h].
    pub reperfusion: Vec<f32>,
}

/// Sinks and sources with which a field was last solved; a field is solved again only when they changed enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Sink of a signal, scaled as it is solved: one number, for it is the same everywhere.
    pub sink: Vec<f32>,
    /// Emission of a signal [unit/s], per voxel.
    pub source: Vec<f32>,
    /// Sink and source of phosphate and inhibition, scaled as they are solved: most voxels have no vessel.
    pub relative: [Sparse; 2],
    /// Plasma at which the field of phosphate or inhibition stands; the field over this is the solution. 0 where there is
    /// none to go on from.
    pub plasma: f64,
    /// Solves so far.
    pub solves: u64,
}

/// A column most of which is one number: that, and the voxels with others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sparse {
    /// Voxels in all.
    pub len: u64,
    /// The number of all that are not listed.
    pub base: f32,
    /// Those that are, rising; none where there are so many that every voxel has its number.
    pub voxel: Vec<u32>,
    /// Their numbers, or those of all voxels.
    pub value: Vec<f32>,
}

impl Sparse {
    /// Keeps a column; its least number is that of most voxels.
    pub fn of(column: &[f32]) -> Self {
        let lesser = |a: f32, &b: &f32| if b < a { b } else { a };
        let base = column.iter().fold(f32::INFINITY, lesser);
        let others = column.iter().filter(|&&x| x != base).count();
        let len = column.len() as u64;
        if 2 * others >= column.len() {
            let (voxel, value) = (Vec::new(), column.to_vec());
            return Self {
                len,
                base,
                voxel,
                value,
            };
        }
        let (mut voxel, mut value) = (Vec::with_capacity(others), Vec::with_capacity(others));
        for (i, &x) in column.iter().enumerate().filter(|&(_, &x)| x != base) {
            voxel.push(i as u32);
            value.push(x);
        }
        Self {
            len,
            base,
            voxel,
            value,
        }
    }

    /// The column.
    pub fn column(&self) -> Vec<f32> {
        if self.voxel.is_empty() && !self.value.is_empty() {
            return self.value.clone();
        }
        let mut column = vec![self.base; self.len as usize];
        for (&voxel, &value) in self.voxel.iter().zip(&self.value) {
            column[voxel as usize] = value;
        }
        column
    }
}

/// What oxygen was last solved with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OxygenMemory {
    /// What each piece of a vessel gives to the tissue [mmHg µm³/s of the whole vessel].
    pub given: Vec<f32>,
    /// Voxels that used oxygen.
    pub lives: Vec<bool>,
    /// Columns that were covered.
    pub covered: Vec<u8>,
}

/// What growing mineral takes, as a line: sink × relative phosphate − source. Empty where nothing grows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhosphateUptake {
    /// Slope of the taking, per voxel [1/s].
    pub sink_per_s: Vec<f32>,
    /// What the line takes less than its slope says, relative to plasma, per voxel [1/s].
    pub source_per_s: Vec<f32>,
}

impl PhosphateUptake {
    /// Nothing is taken anywhere.
    pub fn clear(&mut self, voxels: usize) {
        for column in [&mut self.sink_per_s, &mut self.source_per_s] {
            column.clear();
            column.resize(voxels, 0.0);
        }
    }

    /// Gives the columns back when nothing is taken.
    pub fn shrink(&mut self) {
        if is_clear(&self.sink_per_s) {
            *self = Self::default();
        }
    }

    /// Whether nothing is taken.
    pub fn is_empty(&self) -> bool {
        self.sink_per_s.is_empty()
    }
}

/// Sources of the signals in this step, per voxel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Emission {
    /// Damage signal [a.u./s].
    pub damage: Vec<f32>,
    /// Cytokine [a.u./s].
    pub cytokine: Vec<f32>,
    /// Repair signal [a.u./s].
    pub repair: Vec<f32>,
    /// VEGF [ng/mL/s].
    pub vegf: Vec<f32>,
}

impl Fields {
    /// All fields at zero.
    pub fn zeros(voxels: usize) -> Self {
        let zero = vec![0.0f32; voxels];
        Self {
            oxygen: zero.clone(),
            phosphate: zero.clone(),
            inhibitor: zero.clone(),
            mineral: zero.clone(),
            damage: zero.clone(),
            cytokine: zero.clone(),
            repair: zero.clone(),
            vegf: zero.clone(),
            bacteria: zero.clone(),
            memory: vec![Memory::default(); Species::ALL.len()],
            oxygen_memory: OxygenMemory::default(),
            emission: Emission::default(),
            uptake: PhosphateUptake::default(),
            reperfusion: zero,
        }
    }

    /// One field.
    pub fn of(&self, species: Species) -> &[f32] {
        match species {
            Species::Oxygen => &self.oxygen,
            Species::Phosphate => &self.phosphate,
            Species::Inhibitor => &self.inhibitor,
            Species::Mineral => &self.mineral,
            Species::Damage => &self.damage,
            Species::Cytokine => &self.cytokine,
            Species::Repair => &self.repair,
            Species::Vegf => &self.vegf,
            Species::Bacteria => &self.bacteria,
        }
    }

    /// One field, to write.
    pub fn of_mut(&mut self, species: Species) -> &mut Vec<f32> {
        match species {
            Species::Oxygen => &mut self.oxygen,
            Species::Phosphate => &mut self.phosphate,
            Species::Inhibitor => &mut self.inhibitor,
            Species::Mineral => &mut self.mineral,
            Species::Damage => &mut self.damage,
            Species::Cytokine => &mut self.cytokine,
            Species::Repair => &mut self.repair,
            Species::Vegf => &mut self.vegf,
            Species::Bacteria => &mut self.bacteria,
        }
    }
}

/// Whether a field is zero everywhere; a quick look that lets a process with nothing to do go home.
pub fn is_clear(field: &[f32]) -> bool {
    // Whole chunks without an early end, so that the loop is wide.
    let holds = |chunk: &[f32]| chunk.iter().fold(false, |any, &x| any | (x > 0.0));
    !field.chunks(4096).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_column_comes_back_whole() {
        for every in [1, 2, 3, 50, 1000] {
            let column: Vec<f32> = (0..400).map(|i| if i % every == 1 { i as f32 } else { 0.25 }).collect();
            let kept = Sparse::of(&column);
            assert_eq!(kept.column(), column);
            assert!(kept.voxel.len() + kept.value.len() <= column.len());
        }
        assert_eq!(Sparse::default().column(), Vec::<f32>::new());
    }
}
