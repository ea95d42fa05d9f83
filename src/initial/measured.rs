//! A measured network of a scenario: its tables ([`network_files`]) become vessels inside the block.

use crate::error::{Diagnostic, Error, Result};
use crate::grid::Grid;
use crate::random::{Dice, Purpose};
use crate::state::Vessels;
use crate::state::vessels::{Bed, Class, NewSegment};

use super::network_files::{self, CaseTables};
use super::vessels::{Parameters, draw_susceptibility, path};

pub use super::network_files::Tables;

/// Builds the network. Its class of every segment is «capillary» until the healthy flow is known.
pub fn read(tables: &Tables, p: &Parameters, grid: &Grid, dice: Dice) -> Result<Vessels> {
    let mut faults = Vec::new();
    let network = network_files::collect(tables, &CaseTables::default(), &mut faults);
    let extent = grid.extent_um();
    let mut v = Vessels {
        first_patch: vec![0],
        first_piece: vec![0],
        solved_pressure_factor: 1.0,
        ..Vessels::default()
    };
    for (n, &place) in network.place_um.iter().enumerate() {
        let outside = (0..3).any(|axis| {
            let thin = [grid.nx, grid.ny, grid.nz][axis] == 1;
            !thin && !(0.0..=extent[axis]).contains(&place[axis])
        });
        if outside {
            let [x, y, z] = place;
            let [wide, broad, deep] = extent;
            faults.push(Diagnostic {
                file: tables.nodes.0.clone(),
                line: network.node_line[n],
                column: 1,
                value: format!("{x},{y},{z}"),
                expected: format!("x, y, z inside 0..{wide:.0}, 0..{broad:.0}, 0..{deep:.0} µm"),
                message: "a node lies outside the block: enlarge [space]".into(),
                ..Diagnostic::default()
            });
        }
        v.push_node(network.node_id[n], place);
    }
    if !faults.is_empty() {
        return Err(Error::Input(faults));
    }
    v.nodes.boundary = network.boundary;
    for (s, &id) in network.segment_id.iter().enumerate() {
        let [from, to] = network.ends[s];
        let places = [from, to].map(|n| network.place_um[n as usize]);
        let (pieces, patch_voxels) = path(grid, places[0], places[1], p.patch_um);
        let s = v.push_segment(NewSegment {
            id,
            from,
            to,
            class: Class::Capillary,
            bed: Bed::Measured,
            branch: id as u32,
            radius_um: network.diameter_um[s] / 2.0,
            slab_share: 1.0,
            opens_at_step: 0,
            patch_voxels,
            pieces,
        });
        v.length_um[s] = network.length_um[s];
        v.mineral_factor[s] = dice
            .roll(Purpose::BranchMineral, id)
            .log_normal(1.0, p.branch_mineral_sd_log);
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
            boundary: Some(named("boundary.csv", boundary)),
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
