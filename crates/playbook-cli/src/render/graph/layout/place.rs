//! Where each row stands across the flow: as near as it can to what it is connected with.

use crate::render::graph::layout::fold::{Folded, Item};
use crate::render::graph::layout::layered::Layered;

/// Which neighbours a row follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Towards {
    Above,
    Below,
    Both,
}

/// Moves the rows of all layers, again and again, each layer as a whole to where the squares of the ways to its
/// neighbours are least.
pub(super) fn place(graph: &Layered, folded: &mut Folded) {
    center(folded);
    let rounds = if graph.layer.len() > 20_000 { 3 } else { 8 };
    for _ in 0..rounds {
        sweep(graph, folded, Towards::Above);
        sweep(graph, folded, Towards::Below);
    }
    for _ in 0..rounds {
        sweep(graph, folded, Towards::Both);
    }
    from_zero(folded);
}

/// To begin with, the middle of each layer is that of all.
fn center(folded: &mut Folded) {
    for layer in &mut folded.middle {
        let half = layer.last().copied().unwrap_or(0.0) / 2.0;
        for middle in layer {
            *middle -= half;
        }
    }
}

/// In the end the first row touches zero.
fn from_zero(folded: &mut Folded) {
    let half = folded.across() / 2.0;
    let all = || folded.middle.iter().flatten().copied();
    let least = all().fold(f64::INFINITY, f64::min);
    let shift = if least.is_finite() { half - least } else { 0.0 };
    for middle in folded.middle.iter_mut().flatten() {
        *middle += shift;
    }
}

fn sweep(graph: &Layered, folded: &mut Folded, towards: Towards) {
    let layers = folded.layers.len();
    for step in 0..layers {
        let at = if towards == Towards::Below {
            layers - 1 - step
        } else {
            step
        };
        let wishes: Vec<Wish> = (0..folded.layers[at].len())
            .map(|item| wish(graph, folded, (at, item), towards))
            .collect();
        let items = &folded.layers[at];
        let columns = folded.columns[at];
        let apart: Vec<f64> = items
            .windows(2)
            .map(|pair| folded.apart(&pair[0], &pair[1], columns))
            .collect();
        folded.middle[at] = nearest(&wishes, &apart);
    }
}

/// Where something would stand, and how much that weighs.
#[derive(Debug, Clone, Copy)]
struct Wish {
    at: f64,
    weight: f64,
}

fn wish(graph: &Layered, folded: &Folded, (layer, item): (usize, usize), towards: Towards) -> Wish {
    let own = folded.middle[layer][item];
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut follow = |vertex: usize, others: &[usize]| {
        // Of many arrows at a stage none is to be long, of the pieces of one arrow none is to be crooked.
        for other in others {
            let heavy = match (graph.is_node(vertex), graph.is_node(*other)) {
                (true, true) => 1.0,
                (false, false) => 6.0,
                _ => 2.0,
            };
            sum += heavy * folded.middle[graph.layer[*other]][folded.item[*other]];
            weight += heavy;
        }
    };
    let mut vertex = |vertex: usize| {
        if towards != Towards::Below {
            follow(vertex, &graph.up[vertex]);
        }
        if towards != Towards::Above {
            follow(vertex, &graph.down[vertex]);
        }
    };
    match &folded.layers[layer][item] {
        Item::Row(nodes) => nodes.iter().copied().for_each(&mut vertex),
        Item::Line(line) => vertex(*line),
    }
    if weight == 0.0 {
        // Whoever is connected with nothing stays, but is in nobody's way.
        return Wish {
            at: own,
            weight: 0.01,
        };
    }
    Wish {
        at: sum / weight,
        weight,
    }
}

/// The places nearest to the wishes, in the order of these, that are so far apart. (With the distances taken off, this is the
/// regression that keeps an order: neighbours that would change places are merged.)
fn nearest(wishes: &[Wish], apart: &[f64]) -> Vec<f64> {
    struct Block {
        sum: f64,
        weight: f64,
        members: usize,
    }
    let mut blocks: Vec<Block> = Vec::with_capacity(wishes.len());
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wishes.len());
    for (at, wish) in wishes.iter().enumerate() {
        offset += at.checked_sub(1).map_or(0.0, |before| apart[before]);
        offsets.push(offset);
        let mut block = Block {
            sum: (wish.at - offset) * wish.weight,
            weight: wish.weight,
            members: 1,
        };
        while let Some(before) =
            blocks.pop_if(|before| before.sum * block.weight > block.sum * before.weight)
        {
            block.sum += before.sum;
            block.weight += before.weight;
            block.members += before.members;
        }
        blocks.push(block);
    }
    let mut offsets = offsets.into_iter();
    let placed = blocks.iter().flat_map(|block| {
        let at = block.sum / block.weight;
        std::iter::repeat_n(at, block.members)
    });
    placed
        .zip(&mut offsets)
        .map(|(at, offset)| at + offset)
        .collect()
}

/// How far the lines of a layer lead across the flow at most, which says how much room they need along it.
pub(super) fn steepest(graph: &Layered, folded: &Folded, layer: usize) -> f64 {
    let mut steepest = 0.0_f64;
    for vertex in &graph.layers[layer] {
        let own = folded.middle[layer][folded.item[*vertex]];
        for below in &graph.down[*vertex] {
            let other = folded.middle[layer + 1][folded.item[*below]];
            steepest = steepest.max((own - other).abs());
        }
    }
    steepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_granted_as_far_as_there_is_room() {
        let wish = |at| Wish { at, weight: 1.0 };
        let far = nearest(&[wish(0.0), wish(100.0)], &[10.0]);
        assert_eq!(far, [0.0, 100.0]);
        let near = nearest(&[wish(50.0), wish(50.0), wish(50.0)], &[10.0, 10.0]);
        assert_eq!(near, [40.0, 50.0, 60.0]);
        let crossed = nearest(&[wish(100.0), wish(0.0)], &[10.0]);
        assert_eq!(crossed, [45.0, 55.0]);
    }
}
