//! A picture of the state on one day: what the run folder keeps and what figures read.

use half::f16;
use serde::{Deserialize, Serialize};

use super::territory::territories;
use super::{Class, Kind, Species, Tissue, Vitality};
use crate::grid::Grid;

/// One vessel segment in a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentView {
    /// Identity.
    pub id: u64,
    /// Ends [µm].
    pub ends_um: [[f32; 3]; 2],
    /// Class.
    pub class: Class,
    /// Healthy inner radius [µm].
    pub radius_um: f32,
    /// Wall mineral, 0-1.
    pub mineral: f32,
    /// Neo-intima, 0-1.
    pub neointima: f32,
    /// Thrombus, 0-1.
    pub thrombus: f32,
    /// Mean endothelial integrity, 0-1.
    pub integrity: f32,
    /// Flow, positive from first to second end [nl/min].
    pub flow_nl_per_min: f32,
    /// Flow relative to t = 0.
    pub relative_flow: f32,
    /// Oxygen tension of the blood [mmHg].
    pub po2_mmhg: f32,
    /// Haematocrit.
    pub haematocrit: f32,
    /// Inlet that most of its blood comes from, an index of `Snapshot::inlets`; `u32::MAX` without flow.
    pub feeder: u32,
    /// Share of its blood from there.
    pub feeder_share: f32,
}

impl SegmentView {
    /// Whether it carries at least a tenth of its flow at t = 0 (the word «perfused» of the columns).
    pub fn is_perfused(&self) -> bool {
        self.flow_nl_per_min.abs() > 0.0 && self.relative_flow >= 0.1
    }

    /// The voxels that it runs through, in steps of half a voxel, with the length of each step [µm].
    pub fn voxels(&self, grid: &Grid) -> impl Iterator<Item = (usize, f64)> {
        let [a, b] = self.ends_um.map(|p| p.map(f64::from));
        let way = grid.offset_um(a, b);
        let length = (way[0] * way[0] + way[1] * way[1] + way[2] * way[2]).sqrt();
        let steps = (2.0 * length / grid.voxel_um).ceil() as usize + 1;
        (0..steps).map(move |i| {
            let share = (i as f64 + 0.5) / steps as f64;
            let voxel = grid.voxel_at(std::array::from_fn(|k| a[k] + share * way[k]));
            (voxel, length / steps as f64)
        })
    }
}

/// Where blood enters, in a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InletView {
    /// Place [µm].
    pub place_um: [f32; 3],
    /// Blood that enters, as the slab counts it [nl/min].
    pub inflow_nl_per_min: f32,
}

/// One moving cell in a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellView {
    /// `neutrophil`, `macrophage`, `msc`.
    pub kind: CellKind,
    /// Place [µm].
    pub place_um: [f32; 3],
    /// State of the type.
    pub state: u8,
}

/// Type of a moving cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CellKind {
    /// Neutrophil.
    Neutrophil,
    /// Macrophage.
    Macrophage,
    /// Mesenchymal stem cell.
    Msc,
}

/// The state on one day, in the precision that pictures need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Day.
    pub day: f64,
    /// Step.
    pub step: u64,
    /// Space.
    pub grid: Grid,
    /// Fields in the order of [`Species::ALL`], half precision.
    pub fields: Vec<Vec<f16>>,
    /// Tissue of each voxel.
    pub kind: Vec<Kind>,
    /// What became of each voxel.
    pub vitality: Vec<Vitality>,
    /// Whether a voxel lies inside a challenge radius.
    pub challenged: Vec<bool>,
    /// Fat cell of each voxel, `u32::MAX` outside fat cells.
    pub adipocyte: Vec<u32>,
    /// Columns of the surface that are covered by epidermis.
    pub covered: Vec<u8>,
    /// The network.
    pub segments: Vec<SegmentView>,
    /// Where blood enters it.
    pub inlets: Vec<InletView>,
    /// Moving cells.
    pub cells: Vec<CellView>,
}

impl Snapshot {
    /// Takes a snapshot.
    pub fn of(tissue: &Tissue, step: u64, day: f64) -> Self {
        let v = &tissue.vessels;
        let point = |p: [f64; 3]| p.map(|x| x as f32);
        let territories = territories(v);
        let movers = [
            (CellKind::Neutrophil, &tissue.cells.neutrophils),
            (CellKind::Macrophage, &tissue.cells.macrophages),
            (CellKind::Msc, &tissue.cells.msc),
        ];
        Self {
            day,
            step,
            grid: tissue.grid.clone(),
            fields: Species::ALL
                .iter()
                .map(|&s| tissue.fields.of(s).iter().map(|&x| f16::from_f32(x)).collect())
                .collect(),
            kind: tissue.anatomy.kind.clone(),
            vitality: tissue.anatomy.vitality.clone(),
            challenged: tissue.anatomy.challenged.clone(),
            adipocyte: tissue.anatomy.adipocyte.clone(),
            covered: tissue.cells.keratinocytes.covered.clone(),
            segments: (0..v.len())
                .map(|s| SegmentView {
                    id: v.id[s],
                    ends_um: [
                        point(v.nodes.place_um[v.from[s] as usize]),
                        point(v.nodes.place_um[v.to[s] as usize]),
                    ],
                    class: v.class[s],
                    radius_um: v.radius_um[s] as f32,
                    mineral: v.mineral[s] as f32,
                    neointima: v.neointima[s] as f32,
                    thrombus: v.thrombus[s] as f32,
                    integrity: v.mean_integrity(s) as f32,
                    flow_nl_per_min: v.flow_nl_per_min[s] as f32,
                    relative_flow: v.relative_flow(s) as f32,
                    po2_mmhg: v.po2_mmhg[s] as f32,
                    haematocrit: v.haematocrit[s] as f32,
                    feeder: territories.feeder[s].map_or(u32::MAX, |(inlet, _)| inlet),
                    feeder_share: territories.feeder[s].map_or(0.0, |(_, share)| share as f32),
                })
                .collect(),
            inlets: (territories.inlets.iter())
                .map(|inlet| InletView {
                    place_um: point(v.nodes.place_um[inlet.node as usize]),
                    inflow_nl_per_min: inlet.inflow_nl_per_min as f32,
                })
                .collect(),
            cells: movers
                .into_iter()
                .flat_map(|(kind, cells)| {
                    (0..cells.len()).map(move |i| CellView {
                        kind,
                        place_um: [cells.x_um[i], cells.y_um[i], cells.z_um[i]],
                        state: cells.state[i],
                    })
                })
                .collect(),
        }
    }

    /// One field, per voxel.
    pub fn field(&self, species: Species) -> impl Iterator<Item = f32> + '_ {
        self.fields[species as usize].iter().map(|x| x.to_f32())
    }
}
