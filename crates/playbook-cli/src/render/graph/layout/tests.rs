//! What holds for every drawing.

use super::*;

const CELL: Cell = Cell {
    width: 150.0,
    height: 44.0,
};

fn random(nodes: usize, arrows: usize, mut seed: u64) -> Vec<(usize, usize)> {
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut made: Vec<(usize, usize)> = (0..arrows)
        .map(|_| (next(nodes), next(nodes)))
        .filter(|(from, to)| from != to)
        .map(|(a, b)| (a.min(b), a.max(b)))
        .collect();
    made.sort_by_key(|(from, to)| (*to, *from));
    made.dedup();
    made
}

/// Every arrow leads on, ends at its nodes, and no two nodes overlap.
fn check(count: usize, arrows: &[(usize, usize)]) -> Layout {
    let drawn = layout(count, arrows, CELL);
    let along = |point: Point| {
        if drawn.flow == Flow::Right {
            point.x
        } else {
            point.y
        }
    };
    let size = if drawn.flow == Flow::Right {
        CELL.width
    } else {
        CELL.height
    };
    assert_eq!(drawn.nodes.len(), count);
    for ((from, to), route) in arrows.iter().zip(&drawn.routes) {
        let (begin, end) = (along(drawn.nodes[*from]) + size, along(drawn.nodes[*to]));
        assert!(begin < end, "{from} → {to}: {begin} {end}");
        assert!((along(route[0]) - begin).abs() < 1e-6);
        assert!((along(route[route.len() - 1]) - end).abs() < 1e-6);
        assert!(
            route
                .windows(2)
                .all(|pair| along(pair[0]) <= along(pair[1]) + 1e-6),
            "{route:?}"
        );
    }
    let mut sorted: Vec<Point> = drawn.nodes.clone();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    // Columns of equal x, and then the next columns while they could still touch.
    for (i, a) in sorted.iter().enumerate() {
        for b in sorted[i + 1..]
            .iter()
            .take_while(|b| b.x < a.x + CELL.width)
            .take(2_000)
        {
            assert!((a.y - b.y).abs() >= CELL.height, "{a:?} {b:?}");
        }
    }
    for point in drawn.nodes.iter().chain(drawn.routes.iter().flatten()) {
        assert!(point.x.is_finite() && point.y.is_finite());
    }
    assert!(
        drawn
            .nodes
            .iter()
            .all(|node| node.x + CELL.width <= drawn.width + 1e-6)
    );
    assert!(
        drawn
            .nodes
            .iter()
            .all(|node| node.y >= -1e-6 && node.y + CELL.height <= drawn.height + 1e-6)
    );
    drawn
}

#[test]
fn arrows_lead_on_and_nodes_do_not_overlap() {
    for seed in 0..150 {
        check(30, &random(30, 45, seed));
    }
    for seed in 0..10 {
        check(400, &random(400, 900, seed));
    }
}

#[test]
fn nothing_and_one_and_many_alone_can_be_drawn() {
    assert!(layout(0, &[], CELL).nodes.is_empty());
    check(1, &[]);
    check(500, &[]);
}

#[test]
fn the_same_graph_gives_the_same_drawing() {
    let arrows = random(300, 700, 7);
    let [one, other] = [(); 2].map(|()| layout(300, &arrows, CELL));
    assert_eq!(one.nodes, other.nodes);
    assert_eq!(one.routes, other.routes);
}

#[test]
fn a_tree_is_drawn_without_a_crossing() {
    let arrows: Vec<(usize, usize)> = (1..127).map(|node| ((node - 1) / 2, node)).collect();
    let layer = layers::layers(127, &arrows);
    let mut graph = Layered::new(127, &arrows, &layer);
    order::order(&mut graph);
    let mut place = vec![0; graph.layer.len()];
    for layer in &graph.layers {
        for (at, vertex) in layer.iter().enumerate() {
            place[*vertex] = at;
        }
    }
    assert_eq!(order::crossings(&graph, &place), 0);
}

#[test]
fn a_source_stands_next_to_what_it_feeds() {
    // 0 → 1 → 2 → 3, and 4 that only 5 below 3 needs.
    let layer = layers::layers(6, &[(0, 1), (1, 2), (2, 3), (3, 5), (4, 5)]);
    assert_eq!(layer, [0, 1, 2, 3, 3, 4]);
}

#[test]
fn a_long_chain_flows_down_and_a_wide_fan_is_folded() {
    let chain: Vec<(usize, usize)> = (1..200).map(|node| (node - 1, node)).collect();
    assert_eq!(check(200, &chain).flow, Flow::Down);
    let fan: Vec<(usize, usize)> = (1..400).map(|node| (0, node)).collect();
    let drawn = check(400, &fan);
    assert!(drawn.width / drawn.height < 4.0 && drawn.height / drawn.width < 4.0);
}

#[test]
fn ten_thousand_nodes_of_any_shape_are_drawn() {
    let many = 10_000;
    let chain: Vec<(usize, usize)> = (1..many).map(|node| (node - 1, node)).collect();
    check(many, &chain);
    // Everything reads the first, too: fifty million layers are passed in all.
    let mut both: Vec<(usize, usize)> = chain
        .iter()
        .copied()
        .chain((2..many).map(|node| (0, node)))
        .collect();
    both.sort_by_key(|(from, to)| (*to, *from));
    check(many, &both);
    let fan: Vec<(usize, usize)> = (1..many).map(|node| (0, node)).collect();
    check(many, &fan);
    let gather: Vec<(usize, usize)> = (0..many - 1).map(|node| (node, many - 1)).collect();
    check(many, &gather);
    check(many, &random(many, 25_000, 3));
}
