//! The way of each arrow, and the drawing as a whole.

use crate::render::graph::layout::fold::{FOLD_GAP, Folded, LAYER_GAP, STEEP_ROOM};
use crate::render::graph::layout::layered::Layered;
use crate::render::graph::layout::place::steepest;
use crate::render::graph::layout::{Flow, Layout, Point, length};

/// A place along and across the flow.
#[derive(Debug, Clone, Copy)]
struct Spot {
    along: f64,
    across: f64,
}

/// Turns rows and columns into places of the drawing.
pub(super) fn route(graph: &Layered, folded: &Folded, arrows: &[(usize, usize)]) -> Layout {
    let ways = Ways {
        graph,
        folded,
        begins: begins(graph, folded),
    };
    let turn = |spot: Spot| match folded.flow {
        Flow::Right => Point {
            x: spot.along,
            y: spot.across,
        },
        Flow::Down => Point {
            x: spot.across,
            y: spot.along,
        },
    };
    let routes: Vec<Vec<Point>> = (0..arrows.len())
        .map(|arrow| {
            ways.way(arrow, arrows[arrow])
                .into_iter()
                .map(turn)
                .collect()
        })
        .collect();
    let nodes: Vec<Point> = (0..graph.count)
        .map(|node| {
            let spot = ways.front(node);
            turn(Spot {
                along: spot.along,
                across: spot.across - folded.across() / 2.0,
            })
        })
        .collect();
    let far = |axis: fn(&Point) -> f64, size: f64| {
        let corners = nodes.iter().map(|point| axis(point) + size);
        corners
            .chain(routes.iter().flatten().map(axis))
            .fold(0.0, f64::max)
    };
    Layout {
        flow: folded.flow,
        width: far(|point| point.x, folded.cell.width),
        height: far(|point| point.y, folded.cell.height),
        nodes,
        routes,
    }
}

/// Where each layer begins along the flow. Between layers is the more room the steeper the lines are.
fn begins(graph: &Layered, folded: &Folded) -> Vec<f64> {
    let mut begins = Vec::with_capacity(graph.layers.len());
    let mut at = 0.0;
    for layer in 0..graph.layers.len() {
        begins.push(at);
        let room = (steepest(graph, folded, layer) * 0.1).min(STEEP_ROOM);
        at += deep(folded, layer) + LAYER_GAP + room;
    }
    begins
}

/// The size of a layer along the flow.
fn deep(folded: &Folded, layer: usize) -> f64 {
    let columns = length(folded.columns[layer]);
    columns * folded.along() + (columns - 1.0) * FOLD_GAP
}

struct Ways<'a> {
    graph: &'a Layered,
    folded: &'a Folded,
    begins: Vec<f64>,
}

impl Ways<'_> {
    /// Where arrows enter a node.
    fn front(&self, node: usize) -> Spot {
        let column = length(self.folded.column[node]);
        let layer = self.graph.layer[node];
        Spot {
            along: self.begins[layer] + column * (self.folded.along() + FOLD_GAP),
            across: self.middle(node),
        }
    }

    fn middle(&self, vertex: usize) -> f64 {
        self.folded.middle[self.graph.layer[vertex]][self.folded.item[vertex]]
    }

    fn ends(&self, layer: usize) -> f64 {
        self.begins[layer] + deep(self.folded, layer)
    }

    /// Beside a row, on the side where something else is: there the columns of a folded layer are passed.
    fn beside(&self, node: usize, towards: f64) -> f64 {
        let side = self.folded.across() / 2.0 + 12.0;
        if towards < self.middle(node) {
            self.middle(node) - side
        } else {
            self.middle(node) + side
        }
    }

    fn way(&self, arrow: usize, (from, to): (usize, usize)) -> Vec<Spot> {
        let passing = self.graph.passing[arrow].clone().unwrap_or(0..0);
        let mut way = Vec::new();
        let next = passing.clone().next().unwrap_or(to);
        let last = passing.clone().next_back().unwrap_or(from);
        self.leave(from, self.middle(next), &mut way);
        for vertex in passing {
            let (layer, across) = (self.graph.layer[vertex], self.middle(vertex));
            way.push(Spot {
                along: self.begins[layer],
                across,
            });
            way.push(Spot {
                along: self.ends(layer),
                across,
            });
        }
        self.enter(to, self.middle(last), &mut way);
        way
    }

    fn leave(&self, from: usize, towards: f64, way: &mut Vec<Spot>) {
        let Spot { along, across } = self.front(from);
        let behind = along + self.folded.along();
        way.push(Spot {
            along: behind,
            across,
        });
        let end = self.ends(self.graph.layer[from]);
        if behind < end {
            let beside = self.beside(from, towards);
            way.push(Spot {
                along: behind + FOLD_GAP,
                across: beside,
            });
            way.push(Spot {
                along: end,
                across: beside,
            });
        }
    }

    fn enter(&self, to: usize, towards: f64, way: &mut Vec<Spot>) {
        let front = self.front(to);
        if self.folded.column[to] > 0 {
            let beside = self.beside(to, towards);
            way.push(Spot {
                along: self.begins[self.graph.layer[to]],
                across: beside,
            });
            way.push(Spot {
                along: front.along - FOLD_GAP,
                across: beside,
            });
        }
        way.push(front);
    }
}
