//! A small tissue for the tests of processes: a section of 20 × 20 voxels with one arteriole and one capillary.

use serde::de::DeserializeOwned;

use super::anatomy::NONE;
use super::host::BurnIn;
use super::vessels::{Bed, Boundary, Nodes};
use super::{
    Anatomy, Cells, Class, EventLog, Fields, Host, Kind, Ledger, Now, Profile, Site, Tissue, Vessels, Vitality,
};
use super::{Burden, cells};
use crate::grid::{Grid, Plane};
use crate::parameters::Registry;
use crate::random::Dice;

/// The parameters of a section as the registry has them: every row is a field and every field a row, or this fails.
pub fn defaults<T: DeserializeOwned>(section: &str) -> T {
    toml::Value::Table(Registry::embedded().defaults(section))
        .try_into()
        .unwrap_or_else(|fault| panic!("section {section}: {fault}"))
}

/// A healthy adult.
pub fn healthy() -> Profile {
    Profile {
        calcium_ionised_mmol_per_l: 1.2,
        calcium_ionised_share: 0.512,
        phosphate_mmol_per_l: 1.1,
        magnesium_mmol_per_l: 0.8,
        pyrophosphate_umol_per_l: 3.26,
        fetuin_a_g_per_l: 0.72,
        cmgp_fraction: 0.85,
        albumin_g_per_l: 43.0,
        haematocrit: 0.42,
        inlet_pressure_mmhg: 60.0,
        outlet_pressure_mmhg: 12.0,
        arterial_po2_mmhg: 95.0,
        p50_mmhg: 26.8,
        hill_n: 2.83,
        toxin_level: 0.0,
        systemic_inflammation: 0.0,
        dialysis: false,
        sessions_per_week: 3.0,
        session_h: 4.0,
        dialysis_phosphate_fall: 0.45,
        dialysis_pyrophosphate_fall: 0.32,
        rebound_h: 12.0,
        warfarin: false,
        repair_factor: 1.0,
        lysis_factor: 1.0,
        thrombophilia: 0.0,
        lupus_anticoagulant: 0.0,
        factor_ii: 1.0,
        mineral_site_gsd: 2.0,
        protein_c: 1.0,
        weight_kg: 70.0,
        course_csv: String::new(),
        burn_in: BurnIn {
            wall_mineral_median: 0.0,
            gsd: 2.7,
            share: 0.0,
            sites: 1.0,
        },
    }
}

/// A patient on dialysis.
pub fn uraemic() -> Profile {
    Profile {
        phosphate_mmol_per_l: 2.2,
        magnesium_mmol_per_l: 0.95,
        pyrophosphate_umol_per_l: 2.26,
        fetuin_a_g_per_l: 0.66,
        cmgp_fraction: 0.69,
        toxin_level: 1.0,
        dialysis: true,
        ..healthy()
    }
}

/// The moment of a step, with the dice of seed 1.
pub fn now(step: u64, hours: f64) -> Now {
    Now {
        step,
        day: step as f64 * hours / 24.0,
        hours,
        dice: Dice::new(1).at(step),
    }
}

/// A section of 0.4 × 0.4 mm: epidermis, dermis, fat with two fat cells; an arteriole (segment 0) with ten mural cells
/// and a capillary (segment 1), both 0.25 mm deep. Fields in balance with the host.
pub fn tissue(profile: Profile) -> Tissue {
    let grid = Grid {
        plane: Plane::Section,
        nx: 20,
        ny: 1,
        nz: 20,
        voxel_um: 20.0,
        slab_um: 150.0,
        periodic: true,
    };
    let n = grid.len();
    let mut anatomy = Anatomy {
        kind: Vec::new(),
        vitality: vec![Vitality::Alive; n],
        ever_died: vec![false; n],
        debris: vec![0.0; n],
        death_step: vec![NONE; n],
        challenged: vec![false; n],
        adipocyte: vec![NONE; n],
        stromal_cell: vec![NONE; n],
        epidermis_voxels: 2,
    };
    anatomy.kind = (0..n)
        .map(|v| match grid.place(v)[2] {
            0..2 => Kind::Epidermis,
            2..5 => Kind::Papillary,
            5..11 => Kind::Reticular,
            _ => Kind::Fat,
        })
        .collect();
    let mut fat = cells::Adipocytes {
        first: vec![0],
        ..Default::default()
    };
    for (i, x0) in [(0u32, 4usize), (1, 10)] {
        for z in 13..17 {
            for x in x0..x0 + 4 {
                let voxel = grid.index(x, 0, z);
                anatomy.adipocyte[voxel] = i;
                fat.voxels.push(voxel as u32);
            }
        }
        fat.first.push(fat.voxels.len() as u32);
        fat.id.push(u64::from(i) + 1);
        fat.dose.push(0.0);
        fat.tolerance_h.push(6.0);
        fat.calcifying.push(0);
        fat.dead.push(0);
    }
    let vessels = two_segments(&grid);
    let mut mural = cells::Mural::default();
    for i in 0..10 {
        mural.id.push(100 + i);
        mural.segment.push(0);
        mural.voxel.push(vessels.piece_voxel[i as usize]);
        mural.state.push(cells::CONTRACTILE);
    }
    let mut fields = Fields::zeros(n);
    fields.oxygen = vec![50.0; n];
    let host = Host::at_rest(profile);
    fields.phosphate = vec![host.phosphate as f32; n];
    fields.inhibitor = vec![0.977; n];
    Tissue {
        host,
        site: Site::default(),
        anatomy,
        fields,
        vessels,
        cells: Cells {
            mural,
            adipocytes: fat,
            keratinocytes: cells::Keratinocytes {
                covered: vec![1; 20],
                unsupported_h: vec![0.0; 20],
                open_h: vec![0.0; 20],
                creep: vec![0.0; 20],
            },
            ..Default::default()
        },
        burden: Burden::default(),
        ledger: Ledger::default(),
        events: EventLog::default(),
        grid,
    }
}

fn two_segments(grid: &Grid) -> Vessels {
    let z = 12.5 * 20.0;
    let mut v = Vessels {
        nodes: Nodes {
            id: vec![1, 2, 3],
            place_um: vec![[40.0, 10.0, z], [240.0, 10.0, z], [360.0, 10.0, z]],
            boundary: vec![Boundary::Pressure(60.0), Boundary::Inner, Boundary::Pressure(12.0)],
            is_inlet: vec![true, false, false],
            pressure_mmhg: vec![60.0, 30.0, 12.0],
        },
        initial_count: 2,
        first_patch: vec![0],
        first_piece: vec![0],
        ..Default::default()
    };
    for (s, class, radius) in [(0u32, Class::Arteriole, 10.0), (1, Class::Capillary, 3.0)] {
        let [a, b] = [v.nodes.place_um[s as usize], v.nodes.place_um[s as usize + 1]];
        let length = b[0] - a[0];
        v.id.push(u64::from(s) + 1);
        v.from.push(s);
        v.to.push(s + 1);
        v.class.push(class);
        v.bed.push(Bed::Fat);
        v.branch.push(s);
        v.length_um.push(length);
        v.radius_um.push(radius);
        v.slab_share.push(0.5);
        v.mineral.push(0.0);
        v.nidus.push(0.0);
        v.mineral_factor.push(1.0);
        v.neointima.push(0.0);
        v.thrombus.push(0.0);
        v.closed_h.push(0.0);
        v.opens_at_step.push(0);
        v.flow_nl_per_min.push(1.0);
        v.healthy_flow_nl_per_min.push(1.0);
        v.shear_pa.push(2.0);
        v.healthy_shear_pa.push(2.0);
        v.haematocrit.push(0.42);
        v.po2_mmhg.push(60.0);
        v.solved_diameter_um.push(1.0);
        v.latest_event.push(None);
        let patches = (length / 25.0).round() as u32;
        for i in 0..patches {
            let x = a[0] + (f64::from(i) + 0.5) * length / f64::from(patches);
            v.patch_voxel.push(grid.voxel_at([x, 10.0, z]) as u32);
            v.integrity.push(1.0);
            v.susceptibility.push(1.0);
        }
        v.first_patch.push(v.patch_voxel.len() as u32);
        let pieces = (length / 20.0).round() as u32;
        for i in 0..pieces {
            let x = a[0] + (f64::from(i) + 0.5) * 20.0;
            v.piece_voxel.push(grid.voxel_at([x, 10.0, z]) as u32);
            v.piece_um.push(20.0);
        }
        v.first_piece.push(v.piece_voxel.len() as u32);
    }
    v
}
