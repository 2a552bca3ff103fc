//! Finds circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// For each node in a circle that is not yet shown, returns the shortest circle through it, with the label of each
/// edge.
pub(crate) fn circles<'a>(edges: impl Iterator<Item = (&'a str, &'a str, String)>) -> Vec<String> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for (from, to, label) in edges {
        graph.entry(from).or_default().entry(to).or_insert(label);
    }
    let mut shown = BTreeSet::new();
    let mut circles = Vec::new();
    for start in graph.keys() {
        if shown.contains(start) {
            continue;
        }
        if let Some(nodes) = way_back(&graph, start) {
            let labels: Vec<_> = nodes.windows(2).map(|pair| &*graph[pair[0]][pair[1]]).collect();
            circles.push(format!("{} ({})", nodes.join(" → "), labels.join("; ")));
            shown.extend(nodes);
        }
    }
    circles
}

/// The shortest path from a node to itself.
fn way_back<'a>(
    graph: &BTreeMap<&'a str, BTreeMap<&'a str, String>>,
    start: &'a str,
) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in graph.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
                let way: Vec<_> = way.iter().copied().chain([*next]).collect();
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}
