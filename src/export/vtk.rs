//! VTK XML: `.vti` for fields, `.vtp` for vessels and for cells, `.pvd` for the days. Raw appended data, little-endian.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Writer, columns_of, day_name, ends_um};
use crate::error::Result;
use crate::grid::Plane;
use crate::output::files;
use crate::output::observe::tcpo2;
use crate::picture::surface::Surface;
use crate::state::{Snapshot, Species};

/// One array: name, type, numbers of a tuple, bytes.
struct Array {
    name: String,
    kind: &'static str,
    width: usize,
    bytes: Vec<u8>,
}

fn floats(name: &str, width: usize, values: impl Iterator<Item = f32>) -> Array {
    Array {
        name: name.to_owned(),
        kind: "Float32",
        width,
        bytes: values.flat_map(f32::to_le_bytes).collect(),
    }
}

fn bytes(name: &str, values: impl Iterator<Item = u8>) -> Array {
    Array {
        name: name.to_owned(),
        kind: "UInt8",
        width: 1,
        bytes: values.collect(),
    }
}

fn longs(name: &str, values: impl Iterator<Item = i64>) -> Array {
    Array {
        name: name.to_owned(),
        kind: "Int64",
        width: 1,
        bytes: values.flat_map(i64::to_le_bytes).collect(),
    }
}

/// A file with its arrays behind it.
struct File {
    head: String,
    data: Vec<u8>,
}

impl File {
    /// Up to the name of the main element; the caller goes on with its attributes.
    fn new(kind: &str) -> Self {
        Self {
            head: format!(
                "<?xml version=\"1.0\"?>\n\
                 <VTKFile type=\"{kind}\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n<{kind}"
            ),
            data: Vec::new(),
        }
    }

    fn array(&mut self, array: Array) {
        let _ = writeln!(
            self.head,
            "<DataArray type=\"{}\" Name=\"{}\" NumberOfComponents=\"{}\" format=\"appended\" offset=\"{}\"/>",
            array.kind,
            array.name,
            array.width,
            self.data.len()
        );
        self.data.extend((array.bytes.len() as u64).to_le_bytes());
        self.data.extend(array.bytes);
    }

    fn section(&mut self, name: &str, arrays: Vec<Array>) {
        let _ = writeln!(self.head, "<{name}>");
        arrays.into_iter().for_each(|array| self.array(array));
        let _ = writeln!(self.head, "</{name}>");
    }

    fn time(&mut self, day: f64) {
        let _ = writeln!(
            self.head,
            "<FieldData><DataArray type=\"Float64\" Name=\"TimeValue\" NumberOfTuples=\"1\" format=\"ascii\">{day}</DataArray></FieldData>"
        );
    }

    fn write(mut self, kind: &str, path: &Path) -> Result<()> {
        let _ = write!(self.head, "</Piece>\n</{kind}>\n<AppendedData encoding=\"raw\">\n_");
        let mut bytes = self.head.into_bytes();
        bytes.append(&mut self.data);
        bytes.extend(b"\n</AppendedData>\n</VTKFile>\n");
        files::write_whole(path, &bytes)
    }
}

/// Writes a folder `vtk/`.
pub struct Vtk {
    folder: PathBuf,
    tcpo2: tcpo2::Parameters,
    /// Lines of the lists of days.
    lists: [(&'static str, String); 4],
}

impl Vtk {
    pub fn new(folder: &Path, tcpo2: tcpo2::Parameters) -> Result<Self> {
        let folder = folder.join("vtk");
        files::make_folder(&folder)?;
        Ok(Self {
            folder,
            tcpo2,
            lists: ["fields", "vessels", "cells", "surface"].map(|name| (name, String::new())),
        })
    }

    fn note(&mut self, list: usize, day: f64, file: &str) {
        let _ = writeln!(
            self.lists[list].1,
            "<DataSet timestep=\"{day}\" group=\"\" part=\"0\" file=\"{file}\"/>"
        );
    }
}

impl Writer for Vtk {
    fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        let day = day_name(snapshot.day);
        let names = [
            format!("fields-{day}.vti"),
            format!("vessels-{day}.vtp"),
            format!("cells-{day}.vtp"),
        ];
        image(snapshot).write("ImageData", &self.folder.join(&names[0]))?;
        vessels(snapshot).write("PolyData", &self.folder.join(&names[1]))?;
        cells(snapshot).write("PolyData", &self.folder.join(&names[2]))?;
        for (list, name) in names.iter().enumerate() {
            self.note(list, snapshot.day, name);
        }
        if let Some(columns) = columns_of(&self.tcpo2, snapshot) {
            let name = format!("surface-{day}.vti");
            surface(snapshot, &columns).write("ImageData", &self.folder.join(&name))?;
            self.note(3, snapshot.day, &name);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<PathBuf> {
        for (name, lines) in self.lists.iter().filter(|(_, lines)| !lines.is_empty()) {
            let text = format!(
                "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"0.1\" byte_order=\"LittleEndian\">\n<Collection>\n{lines}\
                 </Collection>\n</VTKFile>\n"
            );
            files::write_whole(&self.folder.join(format!("{name}.pvd")), text.as_bytes())?;
        }
        Ok(PathBuf::from("vtk/fields.pvd"))
    }
}

/// Fields as cells of an image: a voxel is a cell.
fn image(snapshot: &Snapshot) -> File {
    let grid = &snapshot.grid;
    let h = grid.voxel_um;
    let spacing = match grid.plane {
        Plane::Section => [h, grid.slab_um, h],
        Plane::Plan => [h, h, grid.slab_um],
        Plane::Block => [h; 3],
    };
    let extent = format!("0 {} 0 {} 0 {}", grid.nx, grid.ny, grid.nz);
    let mut file = File::new("ImageData");
    let _ = writeln!(
        file.head,
        " WholeExtent=\"{extent}\" Origin=\"0 0 0\" Spacing=\"{} {} {}\">",
        spacing[0], spacing[1], spacing[2]
    );
    file.time(snapshot.day);
    let _ = writeln!(file.head, "<Piece Extent=\"{extent}\">");
    let mut arrays: Vec<Array> = Species::ALL
        .iter()
        .map(|&species| floats(species.name(), 1, snapshot.field(species)))
        .collect();
    arrays.push(bytes("kind", snapshot.kind.iter().map(|&k| k as u8)));
    arrays.push(bytes("vitality", snapshot.vitality.iter().map(|&v| v as u8)));
    arrays.push(bytes("challenged", snapshot.challenged.iter().map(|&c| u8::from(c))));
    let adipocyte = snapshot
        .adipocyte
        .iter()
        .map(|&a| if a == u32::MAX { -1 } else { i64::from(a) });
    arrays.push(longs("adipocyte", adipocyte));
    file.section("CellData", arrays);
    file
}

/// The skin from above as cells of a flat image.
fn surface(snapshot: &Snapshot, (columns, tcpo2): &(Surface, Vec<f64>)) -> File {
    let grid = &snapshot.grid;
    let across = if grid.plane == Plane::Section {
        grid.slab_um
    } else {
        grid.voxel_um
    };
    let extent = format!("0 {} 0 {} 0 0", grid.nx, grid.ny);
    let mut file = File::new("ImageData");
    let _ = writeln!(
        file.head,
        " WholeExtent=\"{extent}\" Origin=\"0 0 0\" Spacing=\"{h} {across} {h}\">",
        h = grid.voxel_um
    );
    file.time(snapshot.day);
    let _ = writeln!(file.head, "<Piece Extent=\"{extent}\">");
    let column = |name: &str, values: &[f64]| floats(name, 1, values.iter().map(|x| *x as f32));
    let arrays = vec![
        bytes("skin", columns.skin.iter().map(|&s| s as u8)),
        column("dead_dermis", &columns.dead_dermis),
        column("relative_flow", &columns.perfusion),
        column("clotted", &columns.clotted),
        column("tcpo2_mmhg", tcpo2),
    ];
    file.section("CellData", arrays);
    file
}

fn polydata(snapshot: &Snapshot, points: usize, verts: usize, lines: usize) -> File {
    let mut file = File::new("PolyData");
    let _ = writeln!(file.head, ">");
    file.time(snapshot.day);
    let _ = writeln!(
        file.head,
        "<Piece NumberOfPoints=\"{points}\" NumberOfVerts=\"{verts}\" NumberOfLines=\"{lines}\" NumberOfStrips=\"0\" NumberOfPolys=\"0\">"
    );
    file
}

/// Vessels as lines of two points.
fn vessels(snapshot: &Snapshot) -> File {
    let n = snapshot.segments.len();
    let mut file = polydata(snapshot, 2 * n, 0, n);
    let points = (0..n).flat_map(|s| ends_um(snapshot, s)).flatten().map(|x| x as f32);
    file.section("Points", vec![floats("Points", 3, points)]);
    file.section(
        "Lines",
        vec![
            longs("connectivity", 0..2 * n as i64),
            longs("offsets", (1..=n as i64).map(|i| 2 * i)),
        ],
    );
    let column = |name: &str, of: fn(&crate::state::snapshot::SegmentView) -> f32| {
        floats(name, 1, snapshot.segments.iter().map(of))
    };
    let arrays = vec![
        longs("id", snapshot.segments.iter().map(|s| s.id as i64)),
        bytes("class", snapshot.segments.iter().map(|s| s.class as u8)),
        column("radius_um", |s| s.radius_um),
        column("mineral", |s| s.mineral),
        column("neointima", |s| s.neointima),
        column("thrombus", |s| s.thrombus),
        column("integrity", |s| s.integrity),
        column("flow_nl_per_min", |s| s.flow_nl_per_min),
        column("relative_flow", |s| s.relative_flow),
        column("po2_mmhg", |s| s.po2_mmhg),
        column("haematocrit", |s| s.haematocrit),
    ];
    file.section("CellData", arrays);
    file
}

/// Moving cells as points.
fn cells(snapshot: &Snapshot) -> File {
    let n = snapshot.cells.len();
    let mut file = polydata(snapshot, n, n, 0);
    let points = snapshot.cells.iter().flat_map(|c| c.place_um);
    file.section("Points", vec![floats("Points", 3, points)]);
    file.section(
        "Verts",
        vec![longs("connectivity", 0..n as i64), longs("offsets", 1..=n as i64)],
    );
    file.section(
        "PointData",
        vec![
            bytes("kind", snapshot.cells.iter().map(|c| c.kind as u8)),
            bytes("state", snapshot.cells.iter().map(|c| c.state)),
        ],
    );
    file
}
