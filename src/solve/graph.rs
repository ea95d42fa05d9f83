//! Which segments of a network can carry flow.
//!
//! A segment flows only if it lies on a simple path between two boundary nodes. With a virtual node joined to
//! every boundary node these are the segments of the biconnected blocks that hold the virtual node (Tarjan 1972);
//! of these, only components that touch a pressure boundary have a level. This removes dead ends, hanging
//! loops, bridges to nowhere and cut-off islands at once.

/// Marks the segments that can carry flow.
///
/// `ends[s]` are the nodes of segment s; `open[s]` says whether it is open; `boundary[n]` whether node n is a boundary,
/// `has_level[n]` whether that boundary holds a pressure.
pub fn flowing(ends: &[[u32; 2]], open: &[bool], boundary: &[bool], has_level: &[bool]) -> Vec<bool> {
    let nodes = boundary.len();
    let real = ends.len();
    let hub = nodes as u32;
    // Edges: the open segments, then one from the hub to each boundary node.
    let edges: Vec<[u32; 2]> = ends
        .iter()
        .copied()
        .chain((0..nodes as u32).filter(|&n| boundary[n as usize]).map(|n| [hub, n]))
        .collect();
    let usable = |e: usize| e >= real || (open[e] && ends[e][0] != ends[e][1]);
    let (starts, list) = adjacency(nodes + 1, &edges, usable);

    let mut through_hub = vec![false; edges.len()];
    let mut found = vec![0u32; nodes + 1];
    let mut low = vec![0u32; nodes + 1];
    let mut next = starts.clone();
    let mut pile: Vec<u32> = Vec::new();
    let mut walk: Vec<(u32, u32)> = vec![(hub, u32::MAX)];
    let mut time = 1;
    found[hub as usize] = time;
    low[hub as usize] = time;
    // Depth first from the hub: what cannot be reached from it cannot flow.
    while let Some(&(node, entry)) = walk.last() {
        let n = node as usize;
        if next[n] < starts[n + 1] {
            let edge = list[next[n] as usize];
            next[n] += 1;
            if edge == entry {
                continue;
            }
            let [a, b] = edges[edge as usize];
            let other = if a == node { b } else { a };
            if found[other as usize] == 0 {
                time += 1;
                found[other as usize] = time;
                low[other as usize] = time;
                pile.push(edge);
                walk.push((other, edge));
            } else if found[other as usize] < found[n] {
                pile.push(edge);
                low[n] = low[n].min(found[other as usize]);
            }
        } else {
            walk.pop();
            if let Some(&(parent, _)) = walk.last() {
                let p = parent as usize;
                low[p] = low[p].min(low[n]);
                if low[n] >= found[p] {
                    // A block ends here; it counts if the hub is in it.
                    let mut block = Vec::new();
                    while let Some(edge) = pile.pop() {
                        block.push(edge);
                        if edge == entry {
                            break;
                        }
                    }
                    if parent == hub {
                        // A lone hub edge is a boundary node with nothing behind it.
                        let counts = block.len() > 1;
                        block.iter().for_each(|&e| through_hub[e as usize] = counts);
                    }
                }
            }
        }
    }
    let carries: Vec<bool> = (0..real).map(|e| through_hub[e]).collect();
    with_level(ends, carries, has_level)
}

/// Keeps the segments whose component touches a node with a pressure.
fn with_level(ends: &[[u32; 2]], mut carries: Vec<bool>, has_level: &[bool]) -> Vec<bool> {
    let mut parent: Vec<u32> = (0..has_level.len() as u32).collect();
    fn root(parent: &mut [u32], mut n: u32) -> u32 {
        while parent[n as usize] != n {
            parent[n as usize] = parent[parent[n as usize] as usize];
            n = parent[n as usize];
        }
        n
    }
    for (s, &[a, b]) in ends.iter().enumerate() {
        if carries[s] {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let mut level = vec![false; has_level.len()];
    for n in 0..has_level.len() {
        if has_level[n] {
            level[root(&mut parent, n as u32) as usize] = true;
        }
    }
    for (s, &[a, _]) in ends.iter().enumerate() {
        carries[s] = carries[s] && level[root(&mut parent, a) as usize];
    }
    carries
}

fn adjacency(nodes: usize, edges: &[[u32; 2]], usable: impl Fn(usize) -> bool) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; nodes + 1];
    for (e, ends) in edges.iter().enumerate() {
        if usable(e) {
            ends.iter().for_each(|&n| starts[n as usize + 1] += 1);
        }
    }
    for n in 0..nodes {
        starts[n + 1] += starts[n];
    }
    let mut fill = starts.clone();
    let mut list = vec![0u32; starts[nodes] as usize];
    for (e, ends) in edges.iter().enumerate() {
        if usable(e) {
            for &n in ends {
                list[fill[n as usize] as usize] = e as u32;
                fill[n as usize] += 1;
            }
        }
    }
    (starts, list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(ends: &[[u32; 2]], nodes: usize, inlets: &[usize]) -> Vec<bool> {
        let boundary: Vec<bool> = (0..nodes).map(|n| inlets.contains(&n)).collect();
        flowing(ends, &vec![true; ends.len()], &boundary, &boundary)
    }

    #[test]
    fn a_line_flows_and_its_dead_end_does_not() {
        assert_eq!(flows(&[[0, 1], [1, 2], [1, 3]], 4, &[0, 2]), [true, true, false]);
    }

    #[test]
    fn a_hanging_loop_does_not_flow() {
        // 0-1-2 is the line; 3-4-5 a loop that hangs on node 1 by the bridge 1-3.
        let ends = [[0, 1], [1, 2], [1, 3], [3, 4], [4, 5], [5, 3]];
        assert_eq!(flows(&ends, 6, &[0, 2]), [true, true, false, false, false, false]);
    }

    #[test]
    fn a_loop_on_one_node_of_the_line_does_not_flow() {
        let ends = [[0, 1], [1, 2], [1, 3], [3, 4], [4, 1]];
        assert_eq!(flows(&ends, 5, &[0, 2]), [true, true, false, false, false]);
    }

    #[test]
    fn an_island_and_a_lone_boundary_do_not_flow() {
        assert_eq!(flows(&[[0, 1], [2, 3]], 5, &[0, 1, 2, 4]), [true, false]);
    }

    #[test]
    fn parallel_segments_both_flow() {
        assert_eq!(flows(&[[0, 1], [0, 1], [1, 2]], 3, &[0, 2]), [true, true, true]);
    }

    #[test]
    fn a_part_without_a_pressure_has_no_level() {
        let ends = [[0, 1], [2, 3]];
        let boundary = [true, true, true, true];
        assert_eq!(
            flowing(&ends, &[true, true], &boundary, &[true, false, false, false]),
            [true, false]
        );
    }
}
