//! `series.csv`: the columns of the run, each a pure function of the tissue.
//!
//! *Tissue* = epidermis + dermis + fat present at t = 0: every voxel of the grid (a lumen is thinner than a voxel and
//! has none). *Dermis + fat* = every voxel that is not epidermis.

use serde::{Deserialize, Serialize};

use super::observe::tcpo2;
use super::{cell, number};
use crate::grid::Plane;
use crate::state::vessels::{Bed, Class};
use crate::state::{Kind, Tissue, Vitality, cells};

/// What the definitions of the columns take from the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Definitions {
    /// Below this a living voxel counts as hypoxic [mmHg]: `oxygen.hypoxia_mmhg`.
    pub hypoxia_mmhg: f64,
    /// The TcPO2 instrument.
    pub tcpo2: tcpo2::Parameters,
}

/// Wall mineral from which a segment counts as calcified.
const CALCIFIED: f64 = 0.05;
/// Thrombus from which a segment counts as thrombosed.
pub const THROMBOSED: f64 = 0.9;

/// A column after `t_d`.
pub struct Column {
    /// Name in the header.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    of: fn(&Look) -> Option<f64>,
}

/// Number of columns after `t_d`.
pub const COUNT: usize = 26;

/// The columns after `t_d`, in their order.
pub const COLUMNS: [Column; COUNT] = [
    Column {
        name: "perfused_fraction",
        unit: "-",
        of: perfused_fraction,
    },
    Column {
        name: "mean_po2_mmhg",
        unit: "mmHg",
        of: mean_po2_mmhg,
    },
    Column {
        name: "hypoxic_fraction",
        unit: "-",
        of: hypoxic_fraction,
    },
    Column {
        name: "tcpo2_low_fraction",
        unit: "-",
        of: tcpo2_low_fraction,
    },
    Column {
        name: "mineral_ug",
        unit: "µg",
        of: mineral_ug,
    },
    Column {
        name: "calcified_segment_fraction",
        unit: "-",
        of: calcified_segment_fraction,
    },
    Column {
        name: "thrombosed_segment_fraction",
        unit: "-",
        of: thrombosed_segment_fraction,
    },
    Column {
        name: "endothelial_integrity",
        unit: "-",
        of: endothelial_integrity,
    },
    Column {
        name: "necrotic_fraction",
        unit: "-",
        of: necrotic_fraction,
    },
    Column {
        name: "necrotic_now_fraction",
        unit: "-",
        of: necrotic_now_fraction,
    },
    Column {
        name: "ulcer_fraction",
        unit: "-",
        of: ulcer_fraction,
    },
    Column {
        name: "inflammation",
        unit: "a.u.",
        of: inflammation,
    },
    Column {
        name: "bacterial_load",
        unit: "share of carrying capacity",
        of: bacterial_load,
    },
    Column {
        name: "neutrophils",
        unit: "cells",
        of: neutrophils,
    },
    Column {
        name: "macrophages",
        unit: "cells",
        of: macrophages,
    },
    Column {
        name: "msc",
        unit: "cells",
        of: msc,
    },
    Column {
        name: "open_wound_days",
        unit: "d",
        of: open_wound_days,
    },
    Column {
        name: "procedures",
        unit: "-",
        of: procedures,
    },
    Column {
        name: "visits",
        unit: "-",
        of: visits,
    },
    Column {
        name: "cost",
        unit: "currency of the scenario",
        of: cost,
    },
    Column {
        name: "necrotic_outside_fraction",
        unit: "-",
        of: necrotic_outside_fraction,
    },
    Column {
        name: "calcified_thrombosed_segments",
        unit: "-",
        of: calcified_thrombosed_segments,
    },
    Column {
        name: "perfused_arteriole_fraction",
        unit: "-",
        of: |look| perfused_share(look, |s| look.tissue.vessels.class[s] == Class::Arteriole),
    },
    Column {
        name: "perfused_capillary_fraction",
        unit: "-",
        of: |look| perfused_share(look, |s| look.tissue.vessels.class[s] == Class::Capillary),
    },
    Column {
        name: "perfused_venule_fraction",
        unit: "-",
        of: |look| perfused_share(look, |s| look.tissue.vessels.class[s] == Class::Venule),
    },
    Column {
        name: "perfusion_per_min",
        unit: "mL/mL/min",
        of: perfusion_per_min,
    },
];

/// Place of a column in [`COLUMNS`].
pub fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}

/// The tissue at one moment, with one walk over its voxels already done for all columns.
pub struct Look<'a> {
    tissue: &'a Tissue,
    definitions: &'a Definitions,
    census: Census,
}

/// Sums of one walk over the voxels.
#[derive(Clone, Copy, Debug, Default)]
struct Census {
    voxels: f64,
    deep: f64,
    po2_sum: f64,
    cytokine_sum: f64,
    hypoxic: f64,
    ever_died: f64,
    necrotic_now: f64,
    died_outside: f64,
}

impl Census {
    /// Plain passes over few columns each: such loops take many voxels at a time, one pass with everything in it does not.
    fn of(tissue: &Tissue, hypoxia_mmhg: f64) -> Self {
        let anatomy = &tissue.anatomy;
        let limit = hypoxia_mmhg as f32;
        let deep = |kind: &Kind| kind.is_deep();
        let lives = |v: &Vitality| (*v == Vitality::Alive) | (*v == Vitality::Healed);
        let (kinds, fates, ever) = (&anatomy.kind, &anatomy.vitality, &anatomy.ever_died);
        let hypoxic = kinds.iter().zip(fates).zip(&tissue.fields.oxygen);
        let outside = kinds.iter().zip(ever).zip(&anatomy.challenged);
        Self {
            voxels: tissue.grid.len() as f64,
            deep: count(kinds.iter().map(deep)),
            po2_sum: deep_sum(kinds, &tissue.fields.oxygen),
            cytokine_sum: deep_sum(kinds, &tissue.fields.cytokine),
            hypoxic: count(hypoxic.map(|((k, v), &po2)| deep(k) & lives(v) & (po2 < limit))),
            ever_died: count(ever.iter().copied()),
            necrotic_now: count(fates.iter().map(|v| *v == Vitality::Necrotic)),
            died_outside: count(outside.map(|((k, &died), &inside)| deep(k) & died & !inside)),
        }
    }
}

/// How many hold.
fn count(holds: impl Iterator<Item = bool>) -> f64 {
    f64::from(holds.fold(0u32, |n, holds| n + u32::from(holds)))
}

/// Sum over dermis + fat, in a fixed order. Layers are thick, so nearly every block of voxels is deep throughout.
fn deep_sum(kinds: &[Kind], values: &[f32]) -> f64 {
    const BLOCK: usize = 64;
    let mut sum = 0.0;
    for (kinds, values) in kinds.chunks(BLOCK).zip(values.chunks(BLOCK)) {
        // Without a way out in the middle: such a loop takes many voxels at a time.
        let all_deep = kinds.iter().fold(true, |all, kind| all & kind.is_deep());
        sum += if all_deep {
            block_sum(values)
        } else {
            let deep = kinds.iter().zip(values).filter(|(kind, _)| kind.is_deep());
            deep.map(|(_, &value)| f64::from(value)).sum()
        };
    }
    sum
}

/// Eight sums side by side: no chain of additions to wait for.
fn block_sum(values: &[f32]) -> f64 {
    let (rows, rest) = values.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for row in rows {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value)).sum::<f64>()
}

impl<'a> Look<'a> {
    /// Looks at a tissue.
    pub fn at(tissue: &'a Tissue, definitions: &'a Definitions) -> Self {
        Self {
            tissue,
            definitions,
            census: Census::of(tissue, definitions.hypoxia_mmhg),
        }
    }

    /// Whether any segment is closed by thrombus.
    pub fn any_thrombosed(&self) -> bool {
        self.tissue.vessels.thrombus.iter().any(|&t| t >= THROMBOSED)
    }

    /// Whether any voxel of dermis or fat has died outside every challenge radius.
    pub fn any_death_outside_challenges(&self) -> bool {
        self.census.died_outside > 0.0
    }

    /// The whole row.
    pub fn row(&self, step: u64, day: f64) -> Row {
        let mut values = [None; COUNT];
        for (value, column) in values.iter_mut().zip(&COLUMNS) {
            *value = (column.of)(self);
        }
        Row { step, t_d: day, values }
    }

    /// Mean of a number over the initial segments.
    fn share_of_initial(&self, holds: impl Fn(usize) -> bool) -> Option<f64> {
        let n = self.tissue.vessels.initial_count as usize;
        share((0..n).filter(|&s| holds(s)).count() as f64, n as f64)
    }

    /// Whether there is a skin surface that can ulcerate.
    fn has_surface(&self) -> bool {
        self.tissue.grid.plane != Plane::Plan
            && self.tissue.anatomy.epidermis_voxels > 0
            && !self.tissue.cells.keratinocytes.covered.is_empty()
    }
}

/// a/b, or nothing where there is nothing to share.
fn share(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

/// Length share of the initial segments carrying ≥ 10 % of their flow at t = 0.
fn perfused_fraction(look: &Look) -> Option<f64> {
    perfused_share(look, |_| true)
}

/// Of the initial segments of one kind: the length share that carries ≥ 10 % of its flow at t = 0.
fn perfused_share(look: &Look, is_meant: impl Fn(usize) -> bool) -> Option<f64> {
    let v = &look.tissue.vessels;
    let (mut perfused, mut all) = (0.0, 0.0);
    for s in (0..v.initial_count as usize).filter(|&s| is_meant(s)) {
        all += v.length_um[s];
        if v.is_perfused(s) {
            perfused += v.length_um[s];
        }
    }
    share(perfused, all)
}

/// Blood that enters per volume of the block.
fn perfusion_per_min(look: &Look) -> Option<f64> {
    (!look.tissue.vessels.is_empty()).then(|| look.tissue.perfusion_per_min())
}

/// Volume mean over dermis + fat, dead or alive.
fn mean_po2_mmhg(look: &Look) -> Option<f64> {
    share(look.census.po2_sum, look.census.deep)
}

/// Volume share of dermis + fat that is alive and below `oxygen.hypoxia_mmhg`.
fn hypoxic_fraction(look: &Look) -> Option<f64> {
    share(look.census.hypoxic, look.census.deep)
}

/// Share of surface sites where the TcPO2 instrument reads ≤ 30 mmHg in room air.
fn tcpo2_low_fraction(look: &Look) -> Option<f64> {
    tcpo2::low_fraction(&look.definitions.tcpo2, look.tissue)
}

/// µg hydroxyapatite in the block, walls + interstitium: the inventory of the books.
fn mineral_ug(look: &Look) -> Option<f64> {
    let books = &look.tissue.ledger.mineral_ug;
    Some(books.opening + books.booked)
}

/// Number share of initial segments with wall mineral ≥ 0.05.
fn calcified_segment_fraction(look: &Look) -> Option<f64> {
    look.share_of_initial(|s| look.tissue.vessels.mineral[s] >= CALCIFIED)
}

/// Number share of initial segments with thrombus ≥ 0.9.
fn thrombosed_segment_fraction(look: &Look) -> Option<f64> {
    look.share_of_initial(|s| look.tissue.vessels.thrombus[s] >= THROMBOSED)
}

/// Length-weighted mean integrity of the endothelium, 0-1.
fn endothelial_integrity(look: &Look) -> Option<f64> {
    let v = &look.tissue.vessels;
    let (mut sum, mut all) = (0.0, 0.0);
    for s in (0..v.len()).filter(|&s| !v.patches(s).is_empty()) {
        sum += v.length_um[s] * v.mean_integrity(s);
        all += v.length_um[s];
    }
    share(sum, all)
}

/// Volume share of tissue that has *ever* died in the run; debrided and healed tissue stays counted.
fn necrotic_fraction(look: &Look) -> Option<f64> {
    share(look.census.ever_died, look.census.voxels)
}

/// Volume share of tissue that is dead and still there.
fn necrotic_now_fraction(look: &Look) -> Option<f64> {
    share(look.census.necrotic_now, look.census.voxels)
}

/// Volume share of the block that has ever died outside every challenge radius (dermis and fat).
fn necrotic_outside_fraction(look: &Look) -> Option<f64> {
    share(look.census.died_outside, look.census.voxels)
}

/// Number of initial segments that carry wall mineral ≥ 0.05 and thrombus ≥ 0.9 at once.
fn calcified_thrombosed_segments(look: &Look) -> Option<f64> {
    let v = &look.tissue.vessels;
    let both = (0..v.len()).filter(|&s| v.bed[s] != Bed::Sprout && v.mineral[s] >= 0.05 && v.thrombus[s] >= 0.9);
    Some(both.count() as f64)
}

/// Share of surface columns without epidermis now; nothing where there is no skin surface.
fn ulcer_fraction(look: &Look) -> Option<f64> {
    let covered = &look.tissue.cells.keratinocytes.covered;
    let open = covered.iter().filter(|&&c| c == 0).count();
    look.has_surface().then(|| open as f64 / covered.len() as f64)
}

/// Volume mean of the cytokine field over dermis + fat.
fn inflammation(look: &Look) -> Option<f64> {
    share(look.census.cytokine_sum, look.census.deep)
}

/// Mean of the bacteria over the open columns' top voxels (the first that is not gone); 0 without any.
fn bacterial_load(look: &Look) -> Option<f64> {
    let (grid, anatomy) = (&look.tissue.grid, &look.tissue.anatomy);
    if !look.has_surface() {
        return Some(0.0);
    }
    let columns = grid.nx * grid.ny;
    let (mut sum, mut open) = (0.0, 0.0);
    for (column, &covered) in look.tissue.cells.keratinocytes.covered.iter().enumerate() {
        if covered == 0 {
            open += 1.0;
            let top = (0..grid.nz)
                .map(|z| z * columns + column)
                .find(|&voxel| anatomy.vitality[voxel] != Vitality::Gone);
            sum += top.map_or(0.0, |voxel| f64::from(look.tissue.fields.bacteria[voxel]));
        }
    }
    Some(share(sum, open).unwrap_or(0.0))
}

/// Living neutrophils in the block.
fn neutrophils(look: &Look) -> Option<f64> {
    Some(look.tissue.cells.neutrophils.len() as f64)
}

/// Living macrophages in the block.
fn macrophages(look: &Look) -> Option<f64> {
    Some(look.tissue.cells.macrophages.len() as f64)
}

/// Living stem cells in the block (a dead product does not count).
fn msc(look: &Look) -> Option<f64> {
    let states = &look.tissue.cells.msc.state;
    Some(states.iter().filter(|&&s| s != cells::DEAD_PRODUCT).count() as f64)
}

/// Cumulative days with an open wound.
fn open_wound_days(look: &Look) -> Option<f64> {
    Some(look.tissue.burden.open_wound_days)
}

/// Cumulative needles, punches and debridements.
fn procedures(look: &Look) -> Option<f64> {
    Some(f64::from(look.tissue.burden.procedures))
}

/// Cumulative visits for a treatment.
fn visits(look: &Look) -> Option<f64> {
    Some(f64::from(look.tissue.burden.visits))
}

/// Cumulative cost in the scenario's currency.
fn cost(look: &Look) -> Option<f64> {
    Some(look.tissue.burden.cost)
}

/// One row of `series.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Step.
    pub step: u64,
    /// Days, from the integer step.
    pub t_d: f64,
    /// Values in the order of [`COLUMNS`]; nothing = not applicable.
    pub values: [Option<f64>; COUNT],
}

impl Row {
    /// The header line.
    pub fn header() -> String {
        let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
        format!("t_d,{}\n", names.join(","))
    }

    /// The row as a line.
    pub fn line(&self) -> String {
        let cells: Vec<String> = self.values.iter().map(|&v| cell(v)).collect();
        format!("{},{}\n", number(self.t_d), cells.join(","))
    }

    /// One value by the name of its column.
    pub fn get(&self, name: &str) -> Option<f64> {
        column(name).and_then(|c| self.values[c])
    }
}

/// Which steps get a row: the first, every so many hours, and the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// Length of a step [h].
    pub step_h: f64,
    /// Hours between rows.
    pub every_h: f64,
}

impl Cadence {
    /// Whether a step gets a row by the rhythm alone (not as the last one).
    pub fn is_due(&self, step: u64) -> bool {
        // A moment that is a whole interval up to rounding belongs to it.
        let intervals = |step: u64| (step as f64 * self.step_h / self.every_h + 1e-9).floor();
        step == 0 || intervals(step) > intervals(step - 1)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::grid::Grid;
    use crate::state::{Anatomy, Fields, Vessels, fixture};

    pub(crate) fn definitions() -> Definitions {
        Definitions {
            hypoxia_mmhg: 5.0,
            tcpo2: tcpo2::Parameters {
                depth_from_um: 200.0,
                depth_to_um: 500.0,
                footprint_um: 400.0,
                dilatation_factor: 1.6,
                electrode_use_mmhg: 5.0,
                noise_mmhg: 3.0,
                delay_d: 0.0,
            },
        }
    }

    /// Twenty columns of skin, 600 µm deep, two voxels of epidermis, no vessels.
    pub(crate) fn skin() -> Tissue {
        let mut tissue = fixture::tissue(fixture::healthy());
        let grid = Grid {
            plane: Plane::Section,
            nx: 20,
            ny: 1,
            nz: 30,
            voxel_um: 20.0,
            slab_um: 150.0,
            periodic: true,
        };
        let n = grid.len();
        tissue.anatomy = Anatomy {
            kind: (0..n)
                .map(|v| if v < 40 { Kind::Epidermis } else { Kind::Papillary })
                .collect(),
            vitality: vec![Vitality::Alive; n],
            ever_died: vec![false; n],
            debris: vec![0.0; n],
            death_step: vec![u32::MAX; n],
            challenged: vec![false; n],
            adipocyte: vec![u32::MAX; n],
            stromal_cell: vec![u32::MAX; n],
            epidermis_voxels: 2,
        };
        tissue.fields = Fields::zeros(n);
        tissue.fields.oxygen.fill(40.0);
        tissue.cells.keratinocytes.covered = vec![1; 20];
        tissue.vessels = Vessels::default();
        tissue.grid = grid;
        tissue
    }

    fn row(tissue: &Tissue) -> Row {
        Look::at(tissue, &definitions()).row(0, 0.0)
    }

    #[test]
    fn the_header_is_the_one_of_the_contract() {
        assert_eq!(
            Row::header(),
            "t_d,perfused_fraction,mean_po2_mmhg,hypoxic_fraction,tcpo2_low_fraction,mineral_ug,\
             calcified_segment_fraction,thrombosed_segment_fraction,endothelial_integrity,necrotic_fraction,\
             necrotic_now_fraction,ulcer_fraction,inflammation,bacterial_load,neutrophils,macrophages,msc,\
             open_wound_days,procedures,visits,cost,necrotic_outside_fraction,calcified_thrombosed_segments,\
             perfused_arteriole_fraction,perfused_capillary_fraction,perfused_venule_fraction,perfusion_per_min\n"
        );
    }

    #[test]
    fn healthy_skin_has_nothing_dead_open_or_hypoxic() {
        let row = row(&skin());
        for name in [
            "necrotic_fraction",
            "necrotic_now_fraction",
            "ulcer_fraction",
            "hypoxic_fraction",
        ] {
            assert_eq!(row.get(name), Some(0.0), "{name}");
        }
        assert_eq!(row.get("mean_po2_mmhg"), Some(40.0));
    }

    #[test]
    fn removed_tissue_stays_in_necrotic_fraction_and_leaves_necrotic_now() {
        let mut tissue = skin();
        for voxel in 100..130 {
            tissue.anatomy.kill(voxel, 1);
        }
        for voxel in 100..110 {
            tissue.anatomy.vitality[voxel] = Vitality::Gone;
        }
        let row = row(&tissue);
        assert_eq!(row.get("necrotic_fraction"), Some(30.0 / 600.0));
        assert_eq!(row.get("necrotic_now_fraction"), Some(20.0 / 600.0));
    }

    #[test]
    fn dead_tissue_is_not_hypoxic_but_counts_in_the_mean_oxygen() {
        let mut tissue = skin();
        tissue.anatomy.kill(100, 1);
        tissue.fields.oxygen[100] = 0.0;
        tissue.fields.oxygen[101] = 1.0;
        let row = row(&tissue);
        assert_eq!(row.get("hypoxic_fraction"), Some(1.0 / 560.0));
        let mean = (40.0 * 558.0 + 1.0) / 560.0;
        assert!(row.get("mean_po2_mmhg").is_some_and(|x| (x - mean).abs() < 1e-9));
    }

    #[test]
    fn a_death_inside_a_challenge_radius_does_not_count_as_first_necrosis() {
        let mut tissue = skin();
        tissue.anatomy.challenged[100] = true;
        tissue.anatomy.kill(100, 1);
        tissue.anatomy.kill(3, 1);
        let definitions = definitions();
        assert!(!Look::at(&tissue, &definitions).any_death_outside_challenges());
        tissue.anatomy.kill(200, 1);
        assert!(Look::at(&tissue, &definitions).any_death_outside_challenges());
    }

    #[test]
    fn an_empty_cell_means_not_applicable() {
        let mut tissue = skin();
        tissue.anatomy.epidermis_voxels = 0;
        let row = row(&tissue);
        assert_eq!(row.get("ulcer_fraction"), None);
        assert_eq!(row.get("tcpo2_low_fraction"), None);
        assert_eq!(row.get("perfused_fraction"), None);
        assert!(row.line().starts_with("0,,40,"), "{}", row.line());
    }

    #[test]
    fn bacteria_count_at_the_open_bed_alone() {
        let mut tissue = skin();
        tissue.fields.bacteria.fill(0.5);
        assert_eq!(row(&tissue).get("bacterial_load"), Some(0.0));
        tissue.cells.keratinocytes.covered[3] = 0;
        tissue.anatomy.vitality[3] = Vitality::Gone;
        tissue.fields.bacteria[3] = 0.0;
        assert_eq!(row(&tissue).get("bacterial_load"), Some(0.5));
    }

    #[test]
    fn a_dead_product_is_no_living_stem_cell() {
        let mut tissue = skin();
        tissue.cells.msc.push(1, [0.0; 3], cells::ACTIVE);
        tissue.cells.msc.push(2, [0.0; 3], cells::DEAD_PRODUCT);
        assert_eq!(row(&tissue).get("msc"), Some(1.0));
    }

    #[test]
    fn rows_come_every_so_many_hours_also_when_the_step_does_not_divide_them() {
        let rhythm = |step_h, every_h| {
            let cadence = Cadence { step_h, every_h };
            (0..=50).filter(|&s| cadence.is_due(s)).collect::<Vec<u64>>()
        };
        assert_eq!(rhythm(1.0, 24.0), [0, 24, 48]);
        assert_eq!(rhythm(5.0, 24.0), [0, 5, 10, 15, 20, 24, 29, 34, 39, 44, 48]);
        assert_eq!(rhythm(2.0, 1.0).len(), 51);
        assert_eq!(rhythm(1.0 / 6.0, 1.0)[..3], [0, 6, 12]);
    }
}
