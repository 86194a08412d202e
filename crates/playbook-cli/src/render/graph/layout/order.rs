//! The order within each layer, with few crossings.

use crate::render::graph::layout::layered::Layered;
use crate::render::graph::layout::{length, mean};

/// Puts the vertices of each layer into an order with few crossings: each next to the mean of its neighbours, from
/// above and from below in turn, and of all orders on the way the best; then neighbours change places while that helps.
pub(super) fn order(graph: &mut Layered) {
    let vertices = graph.layer.len();
    let rounds = match vertices {
        0..=3_000 => 12,
        3_001..=20_000 => 6,
        _ => 3,
    };
    let mut place = places(graph);
    let mut best = (crossings(graph, &place), graph.layers.clone());
    for _ in 0..rounds {
        for downwards in [true, false] {
            sweep(graph, &mut place, downwards);
            let crossed = crossings(graph, &place);
            if crossed < best.0 {
                best = (crossed, graph.layers.clone());
            }
        }
        if best.0 == 0 {
            break;
        }
    }
    graph.layers = best.1;
    let mut place = places(graph);
    for _ in 0..rounds {
        if !exchange(graph, &mut place) {
            break;
        }
    }
}

/// The place of each vertex in its layer.
fn places(graph: &Layered) -> Vec<usize> {
    let mut place = vec![0; graph.layer.len()];
    for layer in &graph.layers {
        for (at, vertex) in layer.iter().enumerate() {
            place[*vertex] = at;
        }
    }
    place
}

/// Orders each layer by the mean places of its neighbours in the one before.
fn sweep(graph: &mut Layered, place: &mut [usize], downwards: bool) {
    let last = graph.layers.len();
    for step in 1..last {
        let at = if downwards { step } else { last - 1 - step };
        let neighbours = if downwards { &graph.up } else { &graph.down };
        let layer = &mut graph.layers[at];
        let wish = |vertex: usize| {
            let near = &neighbours[vertex];
            let sum = near.iter().map(|other| length(place[*other])).sum();
            mean(sum, near.len()).unwrap_or(length(place[vertex]))
        };
        let mut wished: Vec<(f64, usize)> = layer
            .iter()
            .map(|vertex| (wish(*vertex), *vertex))
            .collect();
        wished.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, (_, vertex)) in wished.into_iter().enumerate() {
            layer[at] = vertex;
            place[vertex] = at;
        }
    }
}

/// How many pairs of arrows cross.
pub(super) fn crossings(graph: &Layered, place: &[usize]) -> u64 {
    let mut crossed = 0;
    for pair in graph.layers.windows(2) {
        // How many arrows lead to each place so far, in sums over powers of two (a Fenwick tree).
        let mut sums = vec![0_u64; pair[1].len() + 1];
        let mut all = 0;
        for vertex in &pair[0] {
            let mut ends: Vec<usize> = graph.down[*vertex]
                .iter()
                .map(|below| place[*below])
                .collect();
            ends.sort_unstable();
            for end in &ends {
                crossed += all - up_to(&sums, end + 1);
            }
            for end in &ends {
                add(&mut sums, end + 1);
            }
            all += ends.len() as u64;
        }
    }
    crossed
}

fn up_to(sums: &[u64], mut at: usize) -> u64 {
    let mut sum = 0;
    while at > 0 {
        sum += sums[at];
        at &= at - 1;
    }
    sum
}

fn add(sums: &mut [u64], mut at: usize) {
    while at < sums.len() {
        sums[at] += 1;
        at += at & at.wrapping_neg();
    }
}

/// Lets neighbours in a layer change places where that takes away crossings; says whether any did.
fn exchange(graph: &mut Layered, place: &mut [usize]) -> bool {
    let mut changed = false;
    for at in 0..graph.layers.len() {
        let sorted = |neighbours: &[usize]| {
            let mut ends: Vec<usize> = neighbours.iter().map(|other| place[*other]).collect();
            ends.sort_unstable();
            ends
        };
        let ends: Vec<[Vec<usize>; 2]> = graph.layers[at]
            .iter()
            .map(|vertex| [sorted(&graph.up[*vertex]), sorted(&graph.down[*vertex])])
            .collect();
        let mut standing: Vec<usize> = (0..ends.len()).collect();
        for left in 1..standing.len() {
            let (a, b) = (&ends[standing[left - 1]], &ends[standing[left]]);
            let now: usize = (0..2).map(|side| inverted(&a[side], &b[side])).sum();
            let then: usize = (0..2).map(|side| inverted(&b[side], &a[side])).sum();
            if then < now {
                standing.swap(left - 1, left);
                changed = true;
            }
        }
        let layer = &mut graph.layers[at];
        *layer = standing.into_iter().map(|nth| layer[nth]).collect();
        for (at, vertex) in layer.iter().enumerate() {
            place[*vertex] = at;
        }
    }
    changed
}

/// How many pairs cross if the owner of `a` stands before that of `b`; both are sorted.
fn inverted(a: &[usize], b: &[usize]) -> usize {
    let mut before = 0;
    let mut count = 0;
    for end in a {
        while before < b.len() && b[before] < *end {
            before += 1;
        }
        count += before;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_are_counted_as_by_looking_at_each_pair() {
        for seed in 1..40_usize {
            let arrows: Vec<(usize, usize)> = (0..8)
                .flat_map(|from| {
                    (0..8)
                        .filter(move |to| (from * 31 + to * 17 + seed) % (2 + seed % 5) == 0)
                        .map(move |to| (from, 8 + to))
                })
                .collect();
            let layer: Vec<usize> = (0..16).map(|node| usize::from(node >= 8)).collect();
            let graph = Layered::new(16, &arrows, &layer);
            let place = places(&graph);
            let mut slow = 0;
            for (i, a) in arrows.iter().enumerate() {
                for b in &arrows[..i] {
                    let before = place[a.0].cmp(&place[b.0]);
                    let after = place[a.1].cmp(&place[b.1]);
                    slow += u64::from(
                        before.is_lt() && after.is_gt() || before.is_gt() && after.is_lt(),
                    );
                }
            }
            assert_eq!(crossings(&graph, &place), slow);
        }
    }
}
