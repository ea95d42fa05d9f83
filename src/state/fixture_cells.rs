//! A small tissue for the tests of cells: 30 × 30 voxels of skin, one loop under each of five stretches of surface.

use serde::de::DeserializeOwned;

use super::host::{BurnIn, Profile};
use super::vessels::{Bed, Boundary, Class, NewSegment};
use super::*;
use crate::grid::Plane;
use crate::random::Dice;

/// Parameters of a section of the registry, at their values.
pub(crate) fn parameters<T: DeserializeOwned>(section: &str) -> T {
    let registry: toml::Table = include_str!("../parameters.toml").parse().expect("the registry parses");
    let rows = registry[section].as_table().expect("the section is a table");
    let values: toml::Table = rows
        .iter()
        .map(|(key, row)| (key.clone(), row["value"].clone()))
        .collect();
    values.try_into().expect("rows and fields agree")
}

/// A step of an hour.
pub(crate) fn now(step: u64) -> Now {
    Now {
        step,
        day: step as f64 / 24.0,
        hours: 1.0,
        dice: Dice::new(11).at(step),
    }
}

/// Healthy skin: two voxels of epidermis, papillary and reticular dermis, fat below 400 µm; oxygen 60 mmHg.
/// Segment 0 is an arteriole at 500 µm depth, 1 and 2 are capillary rows at 300 and 200 µm, 3 a venule at 540 µm,
/// 4 to 8 are loops at 60 µm.
pub(crate) fn section() -> Tissue {
    let grid = Grid {
        plane: Plane::Section,
        nx: 30,
        ny: 1,
        nz: 30,
        voxel_um: 20.0,
        slab_um: 150.0,
        periodic: true,
    };
    let n = grid.len();
    let kind: Vec<Kind> = (0..n)
        .map(|v| match grid.place(v)[2] {
            0..2 => Kind::Epidermis,
            2..8 => Kind::Papillary,
            8..20 => Kind::Reticular,
            _ => Kind::Fat,
        })
        .collect();
    let mut vessels = Vessels::default();
    let mut line = |class: Class, bed: Bed, x: [f64; 2], z: f64| {
        let s = vessels.len() as u32;
        let ends = x.map(|x| {
            let id = vessels.nodes.id.len() as u64 + 1;
            vessels.push_node(id, [x, 10.0, z])
        });
        let voxels = ((x[1] - x[0]) / 20.0).round() as usize;
        let at = |i: usize| grid.voxel_at([x[0] + 20.0 * i as f64 + 10.0, 10.0, z]) as u32;
        let segment = vessels.push_segment(NewSegment {
            id: u64::from(s) + 1,
            from: ends[0],
            to: ends[1],
            class,
            bed,
            branch: s,
            radius_um: 4.0,
            slab_share: 1.0,
            opens_at_step: 0,
            patch_voxels: (0..voxels).map(at).collect(),
            pieces: (0..voxels).map(|i| (at(i), 20.0)).collect(),
        });
        vessels.flow_nl_per_min[segment] = 0.1;
        vessels.healthy_flow_nl_per_min[segment] = 0.1;
        vessels.healthy_shear_pa[segment] = 1.0;
        vessels.shear_pa[segment] = 1.0;
    };
    line(Class::Arteriole, Bed::Septal, [20.0, 580.0], 510.0);
    line(Class::Capillary, Bed::Dermal, [20.0, 580.0], 310.0);
    line(Class::Capillary, Bed::Dermal, [20.0, 580.0], 210.0);
    line(Class::Venule, Bed::Septal, [20.0, 580.0], 550.0);
    for i in 0..5 {
        let x = 40.0 + 100.0 * f64::from(i);
        line(Class::Capillary, Bed::Loop, [x, x + 60.0], 70.0);
    }
    vessels.nodes.boundary[0] = Boundary::Pressure(60.0);
    vessels.initial_count = vessels.len() as u32;

    let mut anatomy = Anatomy {
        vitality: vec![Vitality::Alive; n],
        ever_died: vec![false; n],
        death_step: vec![anatomy::NONE; n],
        debris: vec![0.0; n],
        challenged: vec![false; n],
        adipocyte: vec![anatomy::NONE; n],
        stromal_cell: vec![anatomy::NONE; n],
        epidermis_voxels: 2,
        kind,
    };
    let mut cells = Cells::default();
    for voxel in 0..n {
        if matches!(anatomy.kind[voxel], Kind::Papillary | Kind::Reticular) {
            anatomy.stromal_cell[voxel] = cells.stroma.voxel.len() as u32;
            cells.stroma.voxel.push(voxel as u32);
            cells.stroma.dose.push(0.0);
            cells.stroma.tolerance_h.push(9.0);
            cells.stroma.dead.push(0);
        }
    }
    cells.keratinocytes.covered = vec![1; grid.nx];
    cells.keratinocytes.unsupported_h = vec![0.0; grid.nx];
    cells.keratinocytes.open_h = vec![0.0; grid.nx];
    cells.keratinocytes.creep = vec![0.0; grid.nx];
    let mut fields = Fields::zeros(n);
    fields.oxygen = vec![60.0; n];
    Tissue {
        grid,
        host: Host::at_rest(profile()),
        site: Site::default(),
        anatomy,
        fields,
        vessels,
        cells,
        burden: Burden::default(),
        ledger: Ledger::default(),
        events: EventLog::default(),
    }
}

/// Opens a column of the surface: its epidermis dies.
pub(crate) fn open_column(tissue: &mut Tissue, column: usize, step: u64) {
    for z in 0..tissue.anatomy.epidermis_voxels {
        tissue.anatomy.kill(column + tissue.grid.nx * tissue.grid.ny * z, step);
    }
    tissue.cells.keratinocytes.covered[column] = 0;
}

fn profile() -> Profile {
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
        rebound_h: 3.0,
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
