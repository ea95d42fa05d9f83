//! Tables: vessels and cells of all days, and one table of voxels for each day.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Writer, columns_of, day_name, ends_um};
use crate::error::Result;
use crate::output::files;
use crate::output::observe::tcpo2;
use crate::picture::surface::Surface;
use crate::state::snapshot::CellKind;
use crate::state::{Class, Kind, Snapshot, Species, Vitality};

/// Writes a folder `csv/`.
pub struct Csv {
    folder: PathBuf,
    tcpo2: tcpo2::Parameters,
    vessels: String,
    cells: String,
}

impl Csv {
    pub fn new(folder: &Path, tcpo2: tcpo2::Parameters) -> Self {
        Self {
            folder: folder.join("csv"),
            tcpo2,
            vessels: "day,id,class,x0_um,y0_um,z0_um,x1_um,y1_um,z1_um,radius_um,mineral,neointima,thrombus,integrity,\
                      flow_nl_per_min,relative_flow,po2_mmhg,haematocrit\n"
                .into(),
            cells: "day,kind,state,x_um,y_um,z_um\n".into(),
        }
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Arteriole => "arteriole",
        Class::Capillary => "capillary",
        Class::Venule => "venule",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Epidermis => "epidermis",
        Kind::Papillary => "papillary",
        Kind::Reticular => "reticular",
        Kind::Septum => "septum",
        Kind::Fat => "fat",
        Kind::Membrane => "membrane",
    }
}

fn vitality(vitality: Vitality) -> &'static str {
    match vitality {
        Vitality::Alive => "alive",
        Vitality::Necrotic => "necrotic",
        Vitality::Gone => "gone",
        Vitality::Healed => "healed",
    }
}

/// The columns of the surface as a table.
fn surface_table(snapshot: &Snapshot, (surface, tcpo2): &(Surface, Vec<f64>)) -> String {
    let mut text = String::from("x_um,y_um,skin,dead_dermis,relative_flow,clotted,tcpo2_mmhg\n");
    for (column, reading) in tcpo2.iter().enumerate() {
        let [x, y, _] = snapshot.grid.centre_um(column);
        let flow = Some(surface.perfusion[column]).filter(|flow| flow.is_finite());
        let _ = writeln!(
            text,
            "{x},{y},{},{},{},{},{}",
            surface.skin[column].word(),
            surface.dead_dermis[column] as f32,
            flow.map_or_else(String::new, |flow| (flow as f32).to_string()),
            surface.clotted[column] as f32,
            *reading as f32
        );
    }
    text
}

impl Writer for Csv {
    fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        for (i, s) in snapshot.segments.iter().enumerate() {
            let [a, b] = ends_um(snapshot, i).map(|p| p.map(|x| x as f32));
            let _ = writeln!(
                self.vessels,
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                snapshot.day,
                s.id,
                class(s.class),
                a[0],
                a[1],
                a[2],
                b[0],
                b[1],
                b[2],
                s.radius_um,
                s.mineral,
                s.neointima,
                s.thrombus,
                s.integrity,
                s.flow_nl_per_min,
                s.relative_flow,
                s.po2_mmhg,
                s.haematocrit
            );
        }
        for c in &snapshot.cells {
            let name = match c.kind {
                CellKind::Neutrophil => "neutrophil",
                CellKind::Macrophage => "macrophage",
                CellKind::Msc => "msc",
            };
            let [x, y, z] = c.place_um;
            let _ = writeln!(self.cells, "{},{name},{},{x},{y},{z}", snapshot.day, c.state);
        }
        let mut text = String::from("x_um,y_um,z_um,kind,vitality");
        Species::ALL.iter().for_each(|s| text.extend([",", s.name()]));
        text.push('\n');
        for voxel in 0..snapshot.grid.len() {
            let [x, y, z] = snapshot.grid.centre_um(voxel);
            let _ = write!(
                text,
                "{x},{y},{z},{},{}",
                kind(snapshot.kind[voxel]),
                vitality(snapshot.vitality[voxel])
            );
            for field in &snapshot.fields {
                let _ = write!(text, ",{}", field[voxel]);
            }
            text.push('\n');
        }
        files::make_folder(&self.folder)?;
        if let Some(columns) = columns_of(&self.tcpo2, snapshot) {
            let name = format!("surface-{}.csv", day_name(snapshot.day));
            files::write_whole(&self.folder.join(name), surface_table(snapshot, &columns).as_bytes())?;
        }
        files::write_whole(
            &self.folder.join(format!("voxels-{}.csv", day_name(snapshot.day))),
            text.as_bytes(),
        )
    }

    fn finish(self: Box<Self>) -> Result<PathBuf> {
        files::write_whole(&self.folder.join("vessels.csv"), self.vessels.as_bytes())?;
        files::write_whole(&self.folder.join("cells.csv"), self.cells.as_bytes())?;
        Ok(PathBuf::from("csv/vessels.csv"))
    }
}
