//! A measured network from three tables: nodes, segments, boundary.
//!
//! `nodes.csv` id,x_um,y_um,z_um · `segments.csv` id,from,to,diameter_um,type ·
//! `boundary.csv` node,kind,value,hd_inflow with kind `pressure_mmHg` or `inflow_nl_min` (positive into the network).
//! A segment is as long as the straight way between its nodes. All faults are reported, with file and line.

use std::collections::BTreeMap;

use crate::error::{Diagnostic, Error, Result};
use crate::grid::Grid;
use crate::random::{Dice, Purpose};
use crate::state::Vessels;
use crate::state::vessels::{Bed, Boundary, Class, NewSegment};

use super::vessels::{Parameters, draw_susceptibility, path};

/// The three tables as text, with the names to use in messages.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Name and text of the nodes.
    pub nodes: (String, String),
    /// Name and text of the segments.
    pub segments: (String, String),
    /// Name and text of the boundary.
    pub boundary: (String, String),
}

/// Rows of a table with their line numbers; faults go to the list.
fn rows<'a>(
    (file, text): &'a (String, String),
    header: &str,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(usize, Vec<&'a str>)> {
    let columns = header.split(',').count();
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim_end_matches('\r')));
    let first = lines.next();
    if first.is_none_or(|(_, line)| line.trim() != header) {
        faults.push(fault(
            file,
            1,
            first.map_or("", |f| f.1),
            &format!("the header `{header}`"),
            "this is another table, or an empty one",
        ));
        return Vec::new();
    }
    let mut out = Vec::new();
    for (number, line) in lines {
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.len() == columns {
            out.push((number, cells));
        } else {
            faults.push(fault(
                file,
                number,
                line,
                &format!("{columns} columns: {header}"),
                &format!("found {}", cells.len()),
            ));
        }
    }
    out
}

fn fault(file: &str, line: usize, value: &str, expected: &str, message: &str) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        line,
        column: 1,
        value: value.to_owned(),
        expected: expected.to_owned(),
        message: message.to_owned(),
        ..Diagnostic::default()
    }
}

fn number(file: &str, line: usize, name: &str, text: &str, faults: &mut Vec<Diagnostic>) -> f64 {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() => x,
        _ => {
            faults.push(fault(
                file,
                line,
                text,
                "a finite number",
                &format!("column {name} is not a number"),
            ));
            0.0
        }
    }
}

fn identity(file: &str, line: usize, name: &str, text: &str, faults: &mut Vec<Diagnostic>) -> u64 {
    match text.parse::<u64>() {
        Ok(x) => x,
        Err(_) => {
            faults.push(fault(
                file,
                line,
                text,
                "a whole number from 0",
                &format!("column {name} is not an id"),
            ));
            u64::MAX
        }
    }
}

/// Builds the network. Its class of every segment is «capillary» until the healthy flow is known.
pub fn read(tables: &Tables, p: &Parameters, grid: &Grid, dice: Dice) -> Result<Vessels> {
    let mut faults = Vec::new();
    let mut v = Vessels {
        first_patch: vec![0],
        first_piece: vec![0],
        solved_pressure_factor: 1.0,
        ..Vessels::default()
    };
    let mut node_of: BTreeMap<u64, u32> = BTreeMap::new();
    let extent = grid.extent_um();

    let file = &tables.nodes.0;
    for (line, cells) in rows(&tables.nodes, "id,x_um,y_um,z_um", &mut faults) {
        let id = identity(file, line, "id", cells[0], &mut faults);
        let mut place = [0.0; 3];
        for (axis, name) in ["x_um", "y_um", "z_um"].into_iter().enumerate() {
            place[axis] = number(file, line, name, cells[axis + 1], &mut faults);
        }
        let outside = (0..3).any(|axis| {
            let thin = [grid.nx, grid.ny, grid.nz][axis] == 1;
            !thin && !(0.0..=extent[axis]).contains(&place[axis])
        });
        if outside {
            let size = format!(
                "x, y, z inside 0..{:.0}, 0..{:.0}, 0..{:.0} µm",
                extent[0], extent[1], extent[2]
            );
            faults.push(fault(
                file,
                line,
                &cells[1..].join(","),
                &size,
                "a node lies outside the block: enlarge [space]",
            ));
        }
        if node_of.insert(id, v.nodes.id.len() as u32).is_some() {
            faults.push(fault(
                file,
                line,
                cells[0],
                "an id that is not used yet",
                "two nodes have one id",
            ));
        }
        v.push_node(id, place);
    }

    let file = &tables.segments.0;
    let mut seen = BTreeMap::new();
    for (line, cells) in rows(&tables.segments, "id,from,to,diameter_um,type", &mut faults) {
        let id = identity(file, line, "id", cells[0], &mut faults);
        let diameter = number(file, line, "diameter_um", cells[3], &mut faults);
        if diameter <= 0.0 {
            faults.push(fault(
                file,
                line,
                cells[3],
                "a diameter above 0 µm",
                "a vessel without a bore carries nothing",
            ));
        }
        if let Some(other) = seen.insert(id, line) {
            faults.push(fault(
                file,
                line,
                cells[0],
                "an id that is not used yet",
                &format!("line {other} has it too"),
            ));
        }
        let mut ends = [0u32; 2];
        for (slot, text) in ends.iter_mut().zip(&cells[1..3]) {
            match text.parse::<u64>().ok().and_then(|id| node_of.get(&id)) {
                Some(&node) => *slot = node,
                None => faults.push(fault(
                    file,
                    line,
                    text,
                    &format!("a node of {}", tables.nodes.0),
                    "there is no such node",
                )),
            }
        }
        if ends[0] == ends[1] && cells[1] == cells[2] {
            faults.push(fault(
                file,
                line,
                cells[1],
                "two different nodes",
                "a segment from a node to itself carries nothing",
            ));
            continue;
        }
        if !faults.is_empty() {
            continue;
        }
        let (pieces, patch_voxels) = path(
            grid,
            v.nodes.place_um[ends[0] as usize],
            v.nodes.place_um[ends[1] as usize],
            p.patch_um,
        );
        let s = v.push_segment(NewSegment {
            id,
            from: ends[0],
            to: ends[1],
            class: Class::Capillary,
            bed: Bed::Measured,
            branch: id as u32,
            radius_um: diameter / 2.0,
            slab_share: 1.0,
            opens_at_step: 0,
            patch_voxels,
            pieces,
        });
        let a = v.nodes.place_um[ends[0] as usize];
        let b = v.nodes.place_um[ends[1] as usize];
        let way = (0..3).fold(0.0, |sum, i| sum + (a[i] - b[i]) * (a[i] - b[i]));
        if way <= 0.0 {
            faults.push(fault(
                file,
                line,
                cells[0],
                "nodes at different places",
                "a segment without length has no resistance",
            ));
        }
        v.length_um[s] = way.sqrt();
        v.mineral_factor[s] = dice
            .roll(Purpose::BranchMineral, id)
            .log_normal(1.0, p.branch_mineral_sd_log);
    }

    let file = &tables.boundary.0;
    let mut levels = 0;
    for (line, cells) in rows(&tables.boundary, "node,kind,value,hd_inflow", &mut faults) {
        let value = number(file, line, "value", cells[2], &mut faults);
        let haematocrit = number(file, line, "hd_inflow", cells[3], &mut faults);
        if !(0.0..1.0).contains(&haematocrit) {
            faults.push(fault(
                file,
                line,
                cells[3],
                "a haematocrit from 0 to below 1",
                "blood is not all cells",
            ));
        }
        let Some(&node) = cells[0].parse::<u64>().ok().and_then(|id| node_of.get(&id)) else {
            faults.push(fault(
                file,
                line,
                cells[0],
                &format!("a node of {}", tables.nodes.0),
                "there is no such node",
            ));
            continue;
        };
        v.nodes.boundary[node as usize] = match cells[1] {
            "pressure_mmHg" => {
                levels += 1;
                Boundary::Pressure(value)
            }
            "inflow_nl_min" => Boundary::Inflow(value),
            other => {
                faults.push(fault(
                    file,
                    line,
                    other,
                    "pressure_mmHg or inflow_nl_min",
                    "unknown kind of boundary",
                ));
                continue;
            }
        };
        v.nodes.inflow_haematocrit[node as usize] = haematocrit;
    }
    if levels == 0 && faults.is_empty() {
        faults.push(fault(
            file,
            1,
            "",
            "at least one row of kind pressure_mmHg",
            "without a pressure the level of all pressures is open",
        ));
    }
    if !faults.is_empty() {
        return Err(Error::Input(faults));
    }
    v.initial_count = v.len() as u32;
    draw_susceptibility(&mut v, p.patch_susceptibility_sd_log, dice);
    Ok(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Plane;

    fn try_read(nodes: &str, segments: &str, boundary: &str) -> Result<Vessels> {
        let grid = Grid {
            plane: Plane::Plan,
            nx: 50,
            ny: 50,
            nz: 1,
            voxel_um: 20.0,
            slab_um: 50.0,
            periodic: false,
        };
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let tables = Tables {
            nodes: named("nodes.csv", nodes),
            segments: named("segments.csv", segments),
            boundary: named("boundary.csv", boundary),
        };
        let p = crate::parameters::Registry::embedded()
            .section("network")
            .expect("registry section");
        read(&tables, &p, &grid, Dice::new(1))
    }

    const NODES: &str = "id,x_um,y_um,z_um\n1,100,100,0\n2,300,100,0\n";
    const SEGMENTS: &str = "id,from,to,diameter_um,type\n7,1,2,10,5\n";
    const BOUNDARY: &str = "node,kind,value,hd_inflow\n1,pressure_mmHg,30,0.4\n2,inflow_nl_min,-1,0.4\n";

    #[test]
    fn a_good_network_is_read_whole() {
        let v = try_read(NODES, SEGMENTS, BOUNDARY).expect("good tables");
        assert_eq!((v.len(), v.nodes.id.len()), (1, 2));
        assert!((v.length_um[0] - 200.0).abs() < 1e-9);
        let pieces: f64 = v.pieces(0).map(|i| v.piece_um[i]).sum();
        assert!((pieces - 200.0).abs() < 1e-6);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let Err(Error::Input(faults)) = try_read(
            "id,x_um,y_um,z_um\n1,100,100,0\n1,5000,x,0\n",
            "id,from,to,diameter_um,type\n7,1,9,0,5\n8,1,1,5,5\n",
            "node,kind,value,hd_inflow\n4,pressure,30,2\n",
        ) else {
            panic!("bad tables were accepted")
        };
        for (file, line) in [
            ("nodes.csv", 3),
            ("segments.csv", 2),
            ("segments.csv", 3),
            ("boundary.csv", 2),
        ] {
            assert!(
                faults.iter().any(|f| f.file == file && f.line == line),
                "{file}:{line} missing in {faults:?}"
            );
        }
    }

    #[test]
    fn a_network_without_a_pressure_is_refused() {
        assert!(try_read(NODES, SEGMENTS, "node,kind,value,hd_inflow\n1,inflow_nl_min,1,0.4\n").is_err());
        assert!(try_read("", SEGMENTS, BOUNDARY).is_err());
    }
}
