//! Whether the columns of a state fit together: a state that was read from a file of someone else is looked at before it is
//! stepped, so that a column that is too short is a fault with a name and no crash.

use super::cells::Movers;
use super::{Fields, Species, Tissue, Vessels};

/// A column with its length, or what it points at.
struct Look(Option<String>);

impl Look {
    fn length(&mut self, name: &str, found: usize, expected: usize) {
        if found != expected && self.0.is_none() {
            self.0 = Some(format!("{name} has {found} entries, expected {expected}"));
        }
    }

    /// Empty, or one for each.
    fn length_or_none(&mut self, name: &str, found: usize, expected: usize) {
        if found != 0 {
            self.length(name, found, expected);
        }
    }

    fn inside(&mut self, name: &str, mut indices: impl Iterator<Item = u32>, below: usize) {
        if let Some(outside) = indices.find(|&i| i as usize >= below)
            && self.0.is_none()
        {
            self.0 = Some(format!("{name} points at {outside}, and there are {below}"));
        }
    }

    /// Starts of the parts of a list, one for each owner and the end.
    fn starts(&mut self, name: &str, starts: &[u32], owners: usize, length: usize) {
        self.length(name, starts.len(), owners + 1);
        let rising = starts.windows(2).all(|pair| pair[0] <= pair[1]);
        let whole = starts.first() == Some(&0) && starts.last().map(|&end| end as usize) == Some(length);
        if !(rising && whole) && self.0.is_none() {
            self.0 = Some(format!("{name} does not divide {length} entries"));
        }
    }

    fn good(&mut self, name: &str, is_good: bool) {
        if !is_good && self.0.is_none() {
            self.0 = Some(format!("{name} is not possible"));
        }
    }
}

impl Tissue {
    /// The first thing that does not fit together, in words.
    pub fn misfit(&self) -> Option<String> {
        let mut look = Look(None);
        let grid = &self.grid;
        let sides = [grid.nx, grid.ny, grid.nz];
        let voxels = sides
            .iter()
            .try_fold(1usize, |n, &side| n.checked_mul(side))
            .unwrap_or(0);
        look.good("grid", voxels > 0 && voxels < u32::MAX as usize);
        let lengths = [grid.voxel_um, grid.slab_um];
        look.good("grid.voxel_um", lengths.iter().all(|um| um.is_finite() && *um > 0.0));
        if look.0.is_some() {
            return look.0;
        }
        self.look_at_anatomy(&mut look, voxels);
        look_at_fields(&mut look, &self.fields, voxels, self.vessels.piece_voxel.len());
        look_at_vessels(&mut look, &self.vessels, voxels);
        self.look_at_cells(&mut look, voxels);
        look.0
    }

    fn look_at_anatomy(&self, look: &mut Look, voxels: usize) {
        let anatomy = &self.anatomy;
        let columns = [
            ("anatomy.kind", anatomy.kind.len()),
            ("anatomy.vitality", anatomy.vitality.len()),
            ("anatomy.ever_died", anatomy.ever_died.len()),
            ("anatomy.death_step", anatomy.death_step.len()),
            ("anatomy.debris", anatomy.debris.len()),
            ("anatomy.challenged", anatomy.challenged.len()),
            ("anatomy.adipocyte", anatomy.adipocyte.len()),
            ("anatomy.stromal_cell", anatomy.stromal_cell.len()),
        ];
        for (name, length) in columns {
            look.length(name, length, voxels);
        }
        let fixed = |column: &[u32]| column.iter().copied().filter(|&i| i != u32::MAX).collect::<Vec<_>>();
        let (fat, stroma) = (&self.cells.adipocytes, &self.cells.stroma);
        look.inside("anatomy.adipocyte", fixed(&anatomy.adipocyte).into_iter(), fat.id.len());
        look.inside(
            "anatomy.stromal_cell",
            fixed(&anatomy.stromal_cell).into_iter(),
            stroma.voxel.len(),
        );
    }

    fn look_at_cells(&self, look: &mut Look, voxels: usize) {
        let cells = &self.cells;
        let mural = &cells.mural;
        for (name, length) in [
            ("cells.mural.segment", mural.segment.len()),
            ("cells.mural.voxel", mural.voxel.len()),
            ("cells.mural.state", mural.state.len()),
        ] {
            look.length(name, length, mural.id.len());
        }
        look.inside("cells.mural.segment", mural.segment.iter().copied(), self.vessels.len());
        look.inside("cells.mural.voxel", mural.voxel.iter().copied(), voxels);
        let fat = &cells.adipocytes;
        for (name, length) in [
            ("cells.adipocytes.dose", fat.dose.len()),
            ("cells.adipocytes.tolerance_h", fat.tolerance_h.len()),
            ("cells.adipocytes.calcifying", fat.calcifying.len()),
            ("cells.adipocytes.dead", fat.dead.len()),
        ] {
            look.length(name, length, fat.id.len());
        }
        look.starts("cells.adipocytes.first", &fat.first, fat.id.len(), fat.voxels.len());
        look.inside("cells.adipocytes.voxels", fat.voxels.iter().copied(), voxels);
        let stroma = &cells.stroma;
        for (name, length) in [
            ("cells.stroma.dose", stroma.dose.len()),
            ("cells.stroma.tolerance_h", stroma.tolerance_h.len()),
            ("cells.stroma.dead", stroma.dead.len()),
        ] {
            look.length(name, length, stroma.voxel.len());
        }
        look.inside("cells.stroma.voxel", stroma.voxel.iter().copied(), voxels);
        let skin = &cells.keratinocytes;
        let columns = skin.covered.len();
        look.good("cells.keratinocytes.covered", columns <= voxels);
        for (name, length) in [
            ("cells.keratinocytes.unsupported_h", skin.unsupported_h.len()),
            ("cells.keratinocytes.open_h", skin.open_h.len()),
            ("cells.keratinocytes.creep", skin.creep.len()),
        ] {
            look.length(name, length, columns);
        }
        for (name, movers) in [
            ("cells.neutrophils", &cells.neutrophils),
            ("cells.macrophages", &cells.macrophages),
            ("cells.msc", &cells.msc),
        ] {
            look_at_movers(look, name, movers);
        }
        let sprouts = &cells.sprouts;
        for (name, length) in [
            ("cells.sprouts.node", sprouts.node.len()),
            ("cells.sprouts.direction", sprouts.direction.len()),
            ("cells.sprouts.age_h", sprouts.age_h.len()),
            ("cells.sprouts.length_um", sprouts.length_um.len()),
        ] {
            look.length(name, length, sprouts.id.len());
        }
        look.inside(
            "cells.sprouts.node",
            sprouts.node.iter().copied(),
            self.vessels.nodes.id.len(),
        );
        look.length_or_none("cells.supernatant", cells.supernatant.len(), columns);
        look.length_or_none("cells.thiosulfate_depot", cells.thiosulfate_depot.len(), voxels);
    }
}

fn look_at_movers(look: &mut Look, name: &str, movers: &Movers) {
    let many = movers.id.len();
    let lengths = [
        movers.x_um.len(),
        movers.y_um.len(),
        movers.z_um.len(),
        movers.age_h.len(),
        movers.state.len(),
        movers.clock_h.len(),
    ];
    for length in lengths {
        look.length(name, length, many);
    }
    // A place outside is wrapped around or kept inside by whoever reads it.
    for column in [&movers.x_um, &movers.y_um, &movers.z_um] {
        look.good(name, column.iter().all(|x| x.is_finite()));
    }
}

fn look_at_fields(look: &mut Look, fields: &Fields, voxels: usize, pieces: usize) {
    for species in Species::ALL {
        look.length(species.name(), fields.of(species).len(), voxels);
    }
    look.length("fields.memory", fields.memory.len(), Species::ALL.len());
    for memory in &fields.memory {
        look.length_or_none("fields.memory.source", memory.source.len(), voxels);
        look.good("fields.memory.sink", memory.sink.len() <= voxels);
        for sparse in &memory.relative {
            let len = usize::try_from(sparse.len).unwrap_or(usize::MAX);
            look.length_or_none("fields.memory.relative", len, voxels);
            let listed = if sparse.voxel.is_empty() && !sparse.value.is_empty() {
                len
            } else {
                sparse.voxel.len()
            };
            look.length("fields.memory.relative.value", sparse.value.len(), listed);
            look.inside("fields.memory.relative.voxel", sparse.voxel.iter().copied(), len);
        }
    }
    for species in [Species::Damage, Species::Cytokine, Species::Repair, Species::Vegf] {
        if let Some(memory) = fields.memory.get(species as usize).filter(|memory| memory.solves > 0) {
            look.good("fields.memory.sink", !memory.sink.is_empty());
            look.length("fields.memory.source", memory.source.len(), voxels);
        }
    }
    for species in [Species::Phosphate, Species::Inhibitor] {
        if let Some(memory) = fields.memory.get(species as usize).filter(|memory| memory.plasma > 0.0) {
            look.good(
                "fields.memory.relative",
                memory.relative.iter().all(|sparse| sparse.len == voxels as u64),
            );
        }
    }
    let memory = &fields.oxygen_memory;
    look.good("fields.oxygen_memory.given", memory.given.len() <= pieces);
    look.length_or_none("fields.oxygen_memory.lives", memory.lives.len(), voxels);
    look.good("fields.oxygen_memory.covered", memory.covered.len() <= voxels);
    look.length_or_none("fields.uptake", fields.uptake.sink_per_s.len(), voxels);
    look.length(
        "fields.uptake",
        fields.uptake.source_per_s.len(),
        fields.uptake.sink_per_s.len(),
    );
    look.length_or_none("fields.reperfusion", fields.reperfusion.len(), voxels);
}

fn look_at_vessels(look: &mut Look, v: &Vessels, voxels: usize) {
    let (many, nodes) = (v.id.len(), &v.nodes);
    for (name, length) in [
        ("vessels.from", v.from.len()),
        ("vessels.to", v.to.len()),
        ("vessels.class", v.class.len()),
        ("vessels.bed", v.bed.len()),
        ("vessels.branch", v.branch.len()),
        ("vessels.length_um", v.length_um.len()),
        ("vessels.radius_um", v.radius_um.len()),
        ("vessels.slab_share", v.slab_share.len()),
        ("vessels.mineral", v.mineral.len()),
        ("vessels.nidus", v.nidus.len()),
        ("vessels.mineral_factor", v.mineral_factor.len()),
        ("vessels.neointima", v.neointima.len()),
        ("vessels.thrombus", v.thrombus.len()),
        ("vessels.closed_h", v.closed_h.len()),
        ("vessels.opens_at_step", v.opens_at_step.len()),
        ("vessels.flow_nl_per_min", v.flow_nl_per_min.len()),
        ("vessels.healthy_flow_nl_per_min", v.healthy_flow_nl_per_min.len()),
        ("vessels.shear_pa", v.shear_pa.len()),
        ("vessels.healthy_shear_pa", v.healthy_shear_pa.len()),
        ("vessels.haematocrit", v.haematocrit.len()),
        ("vessels.po2_mmhg", v.po2_mmhg.len()),
        ("vessels.solved_diameter_um", v.solved_diameter_um.len()),
        ("vessels.latest_event", v.latest_event.len()),
    ] {
        look.length(name, length, many);
    }
    for (name, length) in [
        ("vessels.nodes.place_um", nodes.place_um.len()),
        ("vessels.nodes.boundary", nodes.boundary.len()),
        ("vessels.nodes.is_inlet", nodes.is_inlet.len()),
        ("vessels.nodes.pressure_mmhg", nodes.pressure_mmhg.len()),
    ] {
        look.length(name, length, nodes.id.len());
    }
    look.inside("vessels.from", v.from.iter().copied(), nodes.id.len());
    look.inside("vessels.to", v.to.iter().copied(), nodes.id.len());
    look.good("vessels.initial_count", v.initial_count as usize <= many);
    look.starts("vessels.first_patch", &v.first_patch, many, v.patch_voxel.len());
    // A segment has a patch at each of its ends.
    look.good(
        "vessels.first_patch",
        v.first_patch.windows(2).all(|pair| pair[0] < pair[1]),
    );
    look.length("vessels.integrity", v.integrity.len(), v.patch_voxel.len());
    look.length("vessels.susceptibility", v.susceptibility.len(), v.patch_voxel.len());
    look.inside("vessels.patch_voxel", v.patch_voxel.iter().copied(), voxels);
    look.starts("vessels.first_piece", &v.first_piece, many, v.piece_voxel.len());
    look.length("vessels.piece_um", v.piece_um.len(), v.piece_voxel.len());
    look.inside("vessels.piece_voxel", v.piece_voxel.iter().copied(), voxels);
}

#[cfg(test)]
mod tests {
    use crate::state::fixture_cells;

    #[test]
    fn a_whole_state_fits_and_what_was_tampered_with_is_named() {
        let misfit = |change: &dyn Fn(&mut crate::state::Tissue)| {
            let mut tissue = fixture_cells::section();
            // The fixture leaves out what no rule reads.
            tissue.cells.adipocytes.first = vec![0];
            change(&mut tissue);
            tissue.misfit().unwrap_or_default()
        };
        assert_eq!(misfit(&|_| {}), "");
        // A segment without a patch, whose patches the one before it holds: the list is divided as it should be.
        let stolen = misfit(&|t| t.vessels.first_patch[1] = t.vessels.first_patch[2]);
        assert_eq!(stolen, "vessels.first_patch is not possible");
        let outside = misfit(&|t| t.vessels.patch_voxel[0] = u32::MAX);
        assert!(outside.starts_with("vessels.patch_voxel points at"), "{outside}");
        let short = misfit(&|t| t.fields.oxygen.truncate(1));
        assert!(short.contains("oxygen") && short.contains("has 1 entries"), "{short}");
    }
}
