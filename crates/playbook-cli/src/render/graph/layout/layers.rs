//! The layer of each node.

/// Rounds of pulling. Each takes a node as far as it helps at that moment, so a few are enough.
const ROUNDS: usize = 4;

/// Layers from 0, so that every arrow leads to a later one.
pub(super) fn layers(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut needs = vec![Vec::new(); count];
    let mut feeds = vec![Vec::new(); count];
    for (from, to) in arrows {
        needs[*to].push(*from);
        feeds[*from].push(*to);
    }
    let mut layer = vec![0; count];
    let above =
        |layer: &[usize], node: usize| needs[node].iter().map(|need| layer[*need] + 1).max();
    let below = |layer: &[usize], node: usize| feeds[node].iter().map(|fed| layer[*fed] - 1).min();
    for node in 0..count {
        layer[node] = above(&layer, node).unwrap_or(0);
    }
    // An arrow costs what it spans. A node with more arrows below than above gets cheaper on its way down.
    for _ in 0..ROUNDS {
        let before = layer.clone();
        for node in (0..count).rev() {
            if feeds[node].len() > needs[node].len() {
                layer[node] = below(&layer, node).unwrap_or(layer[node]);
            }
        }
        for node in 0..count {
            if needs[node].len() > feeds[node].len() {
                layer[node] = above(&layer, node).unwrap_or(0);
            }
        }
        if layer == before {
            break;
        }
    }
    let first = layer.iter().copied().min().unwrap_or(0);
    for layer in &mut layer {
        *layer -= first;
    }
    layer
}
