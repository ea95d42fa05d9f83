//! Tables of a measured network, as text: nodes, segments, boundary, and what a case changes.
//!
//! `nodes.csv` id,x_um,y_um,z_um · `segments.csv` id,from,to,diameter_um,type ·
//! `boundary.csv` node,kind,value,hd_inflow with kind `pressure_mmHg` or `inflow_nl_min` (positive into the network).
//! A case may bring another `boundary.csv`, `occluded.csv` (segment_id) and `diameters.csv` (id,diameter_um).
//! A segment is as long as the straight way between its nodes; `type` is read and not used.
//! Columns stand in any order, others are passed over. All faults are told at once, with file, line and column.

use std::collections::BTreeMap;

use crate::error::{Diagnostic, Error, Result};
use crate::state::vessels::Boundary;

/// Name of a file, for messages, and its text.
pub type Text = (String, String);

/// The three tables of a network.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Name and text of the nodes.
    pub nodes: Text,
    /// Name and text of the segments.
    pub segments: Text,
    /// Name and text of the boundary; none where flows are given for it.
    pub boundary: Option<Text>,
}

/// What a case brings in place of the tables of its network.
#[derive(Clone, Debug, Default)]
pub struct CaseTables {
    /// Another boundary, whole.
    pub boundary: Option<Text>,
    /// Closed segments.
    pub occluded: Option<Text>,
    /// Other diameters.
    pub diameters: Option<Text>,
}

/// A network as its tables give it; nodes and segments in the order of their rows.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Id of each node.
    pub node_id: Vec<u64>,
    /// Place of each node [µm].
    pub place_um: Vec<[f64; 3]>,
    /// Line of each node in its file, for messages.
    pub node_line: Vec<usize>,
    /// What holds at each node.
    pub boundary: Vec<Boundary>,
    /// Haematocrit of blood that enters at each node; 0 at inner nodes.
    pub inflow_haematocrit: Vec<f64>,
    /// Id of each segment.
    pub segment_id: Vec<u64>,
    /// Nodes of each segment, from and to, as positions in `node_id`.
    pub ends: Vec<[u32; 2]>,
    /// Inner diameter of each segment [µm].
    pub diameter_um: Vec<f64>,
    /// Length of each segment [µm].
    pub length_um: Vec<f64>,
    /// Whether each segment is open: `occluded.csv` closes some.
    pub open: Vec<bool>,
}

/// Reads a network and what a case changes.
pub fn read(tables: &Tables, case: &CaseTables) -> Result<Network> {
    let mut faults = Vec::new();
    let network = collect(tables, case, &mut faults);
    if faults.is_empty() {
        Ok(network)
    } else {
        Err(Error::Input(faults))
    }
}

/// Reads a network; faults go to the list, and what is returned beside faults is not whole.
pub fn collect(tables: &Tables, case: &CaseTables, faults: &mut Vec<Diagnostic>) -> Network {
    let mut network = Network::default();
    let node_of = nodes(&tables.nodes, &mut network, faults);
    let segment_of = segments(tables, &node_of, &mut network, faults);
    if let Some(edge) = case.boundary.as_ref().or(tables.boundary.as_ref()) {
        boundary(edge, &tables.nodes.0, &node_of, &mut network, faults);
    }
    let known = |cell: &Cell, faults: &mut Vec<Diagnostic>| {
        let found = cell.text.parse().ok().and_then(|id: u64| segment_of.get(&id)).copied();
        if found.is_none() {
            let expected = format!("a segment of {}", tables.segments.0);
            faults.push(cell.fault(&expected, "there is no such segment"));
        }
        found
    };
    if let Some(text) = &case.occluded {
        each_row(text, ["segment_id"], faults, |[id], faults| {
            if let Some(s) = known(&id, faults).and_then(|s| network.open.get_mut(s as usize)) {
                *s = false;
            }
        });
    }
    if let Some(text) = &case.diameters {
        let mut seen = BTreeMap::new();
        each_row(text, ["id", "diameter_um"], faults, |[id, diameter], faults| {
            let value = diameter.bore(faults);
            let place = known(&id, faults);
            once(&mut seen, place, &id, faults);
            if let Some(d) = place.and_then(|s| network.diameter_um.get_mut(s as usize)) {
                *d = value;
            }
        });
    }
    network
}

/// What a table such as `segments_result.csv` says of each segment; `None` where it has no row or an empty cell.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Column `hd`: haematocrit.
    pub haematocrit: Vec<Option<f64>>,
    /// Column `q_nl_min`: flow; all `None` when there is no such column.
    pub flow_nl_per_min: Vec<Option<f64>>,
}

/// Reads a state to start from.
pub fn start(text: &Text, network: &Network) -> Result<Start> {
    let segment_of: BTreeMap<u64, usize> = (network.segment_id.iter().enumerate())
        .map(|(s, &id)| (id, s))
        .collect();
    let many = segment_of.len();
    let mut out = Start {
        haematocrit: vec![None; many],
        flow_nl_per_min: vec![None; many],
    };
    let (mut faults, mut seen) = (Vec::new(), BTreeMap::new());
    let known = |id: &Cell| id.text.parse().ok().and_then(|id: u64| segment_of.get(&id)).copied();
    each_row(text, ["id", "hd"], &mut faults, |[id, hd], faults| {
        let place = known(&id);
        if place.is_none() {
            faults.push(id.fault("a segment of the network", "there is no such segment"));
        }
        once(&mut seen, place, &id, faults);
        if let (Some(s), false) = (place, hd.text.is_empty()) {
            out.haematocrit[s] = Some(hd.haematocrit(faults));
        }
    });
    let header = text.1.lines().next().unwrap_or("");
    if faults.is_empty() && header.split(',').any(|name| name.trim() == "q_nl_min") {
        each_row(text, ["id", "q_nl_min"], &mut faults, |[id, flow], faults| {
            if let (Some(s), false) = (known(&id), flow.text.is_empty()) {
                out.flow_nl_per_min[s] = Some(flow.number(faults));
            }
        });
    }
    if faults.is_empty() {
        Ok(out)
    } else {
        Err(Error::Input(faults))
    }
}

/// Tells a second row for the same thing.
pub(crate) fn once<T: Ord>(seen: &mut BTreeMap<T, usize>, what: Option<T>, cell: &Cell, faults: &mut Vec<Diagnostic>) {
    if let Some(other) = what.and_then(|what| seen.insert(what, cell.line)) {
        faults.push(cell.fault("each id once", &format!("line {other} has it too")));
    }
}

fn nodes(text: &Text, network: &mut Network, faults: &mut Vec<Diagnostic>) -> BTreeMap<u64, u32> {
    let (mut node_of, mut seen) = (BTreeMap::new(), BTreeMap::new());
    each_row(text, ["id", "x_um", "y_um", "z_um"], faults, |[id, x, y, z], faults| {
        let name = id.identity(faults);
        once(&mut seen, name, &id, faults);
        if let Some(name) = name {
            node_of.entry(name).or_insert(network.node_id.len() as u32);
        }
        network.node_id.push(name.unwrap_or(u64::MAX));
        network.place_um.push([x, y, z].map(|cell| cell.number(faults)));
        network.node_line.push(id.line);
        network.boundary.push(Boundary::Inner);
        network.inflow_haematocrit.push(0.0);
    });
    node_of
}

fn segments(
    tables: &Tables,
    node_of: &BTreeMap<u64, u32>,
    network: &mut Network,
    faults: &mut Vec<Diagnostic>,
) -> BTreeMap<u64, u32> {
    let (mut segment_of, mut seen) = (BTreeMap::new(), BTreeMap::new());
    let columns = ["id", "from", "to", "diameter_um", "type"];
    each_row(
        &tables.segments,
        columns,
        faults,
        |[id, from, to, diameter, _], faults| {
            let name = id.identity(faults);
            once(&mut seen, name, &id, faults);
            let width = diameter.bore(faults);
            let ends = [&from, &to].map(|cell| {
                let node = cell.text.parse().ok().and_then(|id: u64| node_of.get(&id)).copied();
                if node.is_none() {
                    faults.push(cell.fault(&format!("a node of {}", tables.nodes.0), "there is no such node"));
                }
                node
            });
            if from.text == to.text {
                faults.push(to.fault("two different nodes", "a segment from a node to itself carries nothing"));
                return;
            }
            let (Some(name), [Some(a), Some(b)]) = (name, ends) else {
                return;
            };
            let (here, there) = (network.place_um[a as usize], network.place_um[b as usize]);
            let way = (0..3).fold(0.0, |sum, i| sum + (here[i] - there[i]) * (here[i] - there[i]));
            if way <= 0.0 {
                faults.push(to.fault(
                    "nodes at different places",
                    "a segment without length has no resistance",
                ));
            }
            segment_of.entry(name).or_insert(network.segment_id.len() as u32);
            network.segment_id.push(name);
            network.ends.push([a, b]);
            network.diameter_um.push(width);
            network.length_um.push(way.sqrt());
            network.open.push(true);
        },
    );
    segment_of
}

fn boundary(
    text: &Text,
    nodes_file: &str,
    node_of: &BTreeMap<u64, u32>,
    network: &mut Network,
    faults: &mut Vec<Diagnostic>,
) {
    let (mut levels, mut others, mut seen) = (0, 0, BTreeMap::new());
    let columns = ["node", "kind", "value", "hd_inflow"];
    let before = faults.len();
    each_row(text, columns, faults, |[node, kind, value, hd], faults| {
        let amount = value.number(faults);
        let haematocrit = hd.haematocrit(faults);
        let rule = match kind.text {
            "pressure_mmHg" => {
                levels += 1;
                Some(Boundary::Pressure(amount))
            }
            "inflow_nl_min" => Some(Boundary::Inflow(amount)),
            other => {
                others += 1;
                let mut fault = kind.fault("pressure_mmHg or inflow_nl_min", "unknown kind of boundary");
                fault.suggestion = nearest(other, ["pressure_mmHg", "inflow_nl_min"].into_iter());
                faults.push(fault);
                None
            }
        };
        let place = node.text.parse().ok().and_then(|id: u64| node_of.get(&id)).copied();
        if place.is_none() {
            faults.push(node.fault(&format!("a node of {nodes_file}"), "there is no such node"));
        }
        once(&mut seen, place, &node, faults);
        if let (Some(n), Some(rule)) = (place, rule) {
            network.boundary[n as usize] = rule;
            network.inflow_haematocrit[n as usize] = haematocrit;
        }
    });
    // A table that could not be read, or has a mistyped kind, has been told already.
    let unread = faults[before..].iter().any(|fault| fault.line == 1);
    if levels == 0 && others == 0 && !unread {
        faults.push(Diagnostic {
            file: text.0.clone(),
            line: 1,
            column: 1,
            expected: "at least one row of kind pressure_mmHg".into(),
            message: "without a pressure the level of all pressures is open".into(),
            ..Diagnostic::default()
        });
    }
}

/// One cell of a table and where it stands.
pub(crate) struct Cell<'a> {
    file: &'a str,
    pub(crate) line: usize,
    column: usize,
    name: &'static str,
    pub(crate) text: &'a str,
}

impl Cell<'_> {
    pub(crate) fn fault(&self, expected: &str, message: &str) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            line: self.line,
            column: self.column,
            key: self.name.to_owned(),
            value: self.text.to_owned(),
            expected: expected.to_owned(),
            message: message.to_owned(),
            ..Diagnostic::default()
        }
    }

    pub(crate) fn number(&self, faults: &mut Vec<Diagnostic>) -> f64 {
        match self.text.parse::<f64>() {
            Ok(x) if x.is_finite() => x,
            _ => {
                faults.push(self.fault("a finite number", "this is not a number to calculate with"));
                0.0
            }
        }
    }

    fn identity(&self, faults: &mut Vec<Diagnostic>) -> Option<u64> {
        let id = self.text.parse().ok();
        if id.is_none() {
            faults.push(self.fault("a whole number from 0", "this is not an id"));
        }
        id
    }

    fn bore(&self, faults: &mut Vec<Diagnostic>) -> f64 {
        let before = faults.len();
        let width = self.number(faults);
        if width <= 0.0 && faults.len() == before {
            faults.push(self.fault("a diameter above 0 µm", "a vessel without a bore carries nothing"));
        }
        width
    }

    pub(crate) fn haematocrit(&self, faults: &mut Vec<Diagnostic>) -> f64 {
        let h = self.number(faults);
        if !(0.0..1.0).contains(&h) {
            faults.push(self.fault("a haematocrit from 0 to below 1", "blood is not all cells"));
            return 0.0;
        }
        h
    }
}

/// Calls `act` with the wanted cells of every row; faults of the table go to the list.
pub(crate) fn each_row<'a, const N: usize>(
    (file, text): &'a Text,
    wanted: [&'static str; N],
    faults: &mut Vec<Diagnostic>,
    mut act: impl FnMut([Cell<'a>; N], &mut Vec<Diagnostic>),
) {
    let told = |line: usize, value: &str, expected: String, message: String| Diagnostic {
        file: file.clone(),
        line,
        column: 1,
        value: value.to_owned(),
        expected,
        message,
        ..Diagnostic::default()
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let header = lines.next().map_or("", |(_, line)| line);
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let mut at = [0; N];
    let mut is_whole = true;
    for (slot, name) in at.iter_mut().zip(wanted) {
        match names.iter().position(|found| *found == name) {
            Some(position) => *slot = position,
            None => {
                is_whole = false;
                let mut fault = told(1, header, format!("the columns {}", wanted.join(",")), String::new());
                fault.message = format!("column {name} is missing");
                fault.suggestion = nearest(name, names.iter().copied());
                faults.push(fault);
            }
        }
    }
    if !is_whole {
        return;
    }
    for (number, line) in lines {
        if line.trim().is_empty() {
            continue;
        }
        let mut starts = 1;
        let cells: Vec<(usize, &str)> = line
            .split(',')
            .map(|cell| {
                let column = starts + cell.len() - cell.trim_start().len();
                starts += cell.len() + 1;
                (column, cell.trim())
            })
            .collect();
        if cells.len() != names.len() {
            let expected = format!("{} columns: {header}", names.len());
            faults.push(told(number, line, expected, format!("found {}", cells.len())));
            continue;
        }
        let row = std::array::from_fn(|i| Cell {
            file,
            line: number,
            column: cells[at[i]].0,
            name: wanted[i],
            text: cells[at[i]].1,
        });
        act(row, faults);
    }
}

/// The nearest name, as a suggestion; empty when none is near.
fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> String {
    among
        .filter(|other| !other.is_empty())
        .map(|other| (strsim::osa_distance(name, other), other))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 2)
        .map_or(String::new(), |(_, other)| format!("the nearest name is `{other}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, text: &str) -> Text {
        (name.to_owned(), text.to_owned())
    }

    fn tables(nodes: &str, segments: &str, boundary: &str) -> Tables {
        Tables {
            nodes: named("nodes.csv", nodes),
            segments: named("segments.csv", segments),
            boundary: Some(named("boundary.csv", boundary)),
        }
    }

    const NODES: &str = "id,x_um,y_um,z_um\n1,100,100,0\n2,300,100,0\n3,400,100,0\n";
    const SEGMENTS: &str = "id,from,to,diameter_um,type\n7,1,2,10,5\n8,2,3,12,5\n";
    const BOUNDARY: &str = "node,kind,value,hd_inflow\n1,pressure_mmHg,30,0.4\n3,inflow_nl_min,-1,0.4\n";

    #[test]
    fn columns_may_stand_in_any_order() {
        let segments = "type,diameter_um,to,from,id,comment\r\n5,10,2,1,7,a\r\n5,12,3,2,8,b\r\n";
        let network = read(&tables(NODES, segments, BOUNDARY), &CaseTables::default()).expect("good tables");
        assert_eq!(network.ends, [[0, 1], [1, 2]]);
        assert_eq!(network.length_um, [200.0, 100.0]);
    }

    #[test]
    fn a_case_closes_narrows_and_brings_its_own_boundary() {
        let case = CaseTables {
            boundary: Some(named(
                "case/boundary.csv",
                "node,kind,value,hd_inflow\n3,pressure_mmHg,5,0.3\n",
            )),
            occluded: Some(named("occluded.csv", "segment_id\n8\n")),
            diameters: Some(named("diameters.csv", "id,diameter_um\n7,4.5\n")),
        };
        let network = read(&tables(NODES, SEGMENTS, BOUNDARY), &case).expect("good tables");
        assert_eq!(network.open, [true, false]);
        assert_eq!(network.diameter_um, [4.5, 12.0]);
        assert_eq!(network.boundary[0], Boundary::Inner);
        assert_eq!(network.boundary[2], Boundary::Pressure(5.0));
    }

    #[test]
    fn every_fault_of_a_bad_network_is_told_at_once() {
        let bad = tables(
            "id,x_um,y_um,z_um\n1,0,0,0\n2,NaN,0,0\n2,9,0,0\n3,0,0,0\n",
            "id,from,to,diameter_um,type\n7,1,9,5,5\n7,1,2,0,5\n8,2,2,5,5\n9,1,3,5,5\n10,1,2,5\n",
            "node,kind,value,hd_inflow\n1,presure_mmHg,30,0.4\n4,pressure_mmHg,30,1\n1,inflow_nl_min,inf,0.4\n",
        );
        let case = CaseTables {
            occluded: Some(named("occluded.csv", "segment_id\n77\n")),
            diameters: Some(named("diameters.csv", "id,width\n7,-1\n")),
            boundary: None,
        };
        let Err(Error::Input(faults)) = read(&bad, &case) else {
            panic!("bad tables were accepted")
        };
        for (file, line, column) in [
            ("nodes.csv", 3, 3),
            ("nodes.csv", 4, 1),
            ("segments.csv", 2, 5),
            ("segments.csv", 3, 1),
            ("segments.csv", 3, 7),
            ("segments.csv", 4, 5),
            ("segments.csv", 5, 5),
            ("segments.csv", 6, 1),
            ("boundary.csv", 2, 3),
            ("boundary.csv", 3, 1),
            ("boundary.csv", 3, 20),
            ("boundary.csv", 4, 17),
            ("occluded.csv", 2, 1),
            ("diameters.csv", 1, 1),
        ] {
            let found = faults
                .iter()
                .any(|f| (f.file.as_str(), f.line, f.column) == (file, line, column));
            assert!(found, "{file}:{line}:{column} missing in {faults:#?}");
        }
    }

    #[test]
    fn a_network_without_a_pressure_or_without_a_table_is_refused() {
        let no_level = "node,kind,value,hd_inflow\n1,inflow_nl_min,1,0.4\n";
        assert!(read(&tables(NODES, SEGMENTS, no_level), &CaseTables::default()).is_err());
        assert!(read(&tables(NODES, SEGMENTS, ""), &CaseTables::default()).is_err());
        assert!(read(&tables("", SEGMENTS, BOUNDARY), &CaseTables::default()).is_err());
    }

    #[test]
    fn a_start_may_leave_segments_out() {
        let network = read(&tables(NODES, SEGMENTS, BOUNDARY), &CaseTables::default()).expect("good tables");
        let text = named("start.csv", "id,status,q_nl_min,hd\n8,flow,1,0.3\n7,no_flow,0,\n");
        let from = start(&text, &network).expect("good start");
        assert_eq!(from.haematocrit, [None, Some(0.3)]);
        assert_eq!(from.flow_nl_per_min, [Some(0.0), Some(1.0)]);
        assert!(start(&named("start.csv", "id,hd\n9,0.3\n"), &network).is_err());
    }
}
