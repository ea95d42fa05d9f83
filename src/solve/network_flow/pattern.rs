//! What follows from the graph alone: it stays while vessels narrow, close and open.

use crate::solve::sparse::Symbolic;

/// An order of elimination and the segments at each node. Cheap against one solve of a large network, but not against
/// solving again after one closure: keep it while the graph stays.
#[derive(Clone, Debug)]
pub struct Pattern {
    segment_id: Vec<u64>,
    ends: Vec<[u32; 2]>,
    nodes: usize,
    pub(super) symbolic: Symbolic,
    /// Segments at node n, by id: `around[first[n]..first[n + 1]]`.
    pub(super) first: Vec<usize>,
    pub(super) around: Vec<u32>,
}

impl Pattern {
    /// Of a graph with so many nodes.
    pub fn new(segment_id: &[u64], ends: &[[u32; 2]], nodes: usize) -> Self {
        let mut by_id: Vec<u32> = (0..ends.len() as u32).collect();
        by_id.sort_by_key(|&s| (segment_id[s as usize], s));
        let mut first = vec![0; nodes + 1];
        for end in ends.iter().flatten() {
            first[*end as usize + 1] += 1;
        }
        for n in 0..nodes {
            first[n + 1] += first[n];
        }
        let (mut next, mut around) = (first.clone(), vec![0; 2 * ends.len()]);
        for &s in &by_id {
            for n in ends[s as usize] {
                around[next[n as usize]] = s;
                next[n as usize] += 1;
            }
        }
        Self {
            symbolic: Symbolic::new(nodes, ends),
            segment_id: segment_id.to_vec(),
            ends: ends.to_vec(),
            nodes,
            first,
            around,
        }
    }

    /// Whether it was made of this graph.
    pub fn is_of(&self, segment_id: &[u64], ends: &[[u32; 2]], nodes: usize) -> bool {
        self.nodes == nodes && self.ends == ends && self.segment_id == segment_id
    }

    /// Segments at a node, by id.
    pub(super) fn at(&self, node: u32) -> &[u32] {
        &self.around[self.first[node as usize]..self.first[node as usize + 1]]
    }
}
