//! Rows: what shares a line across the flow. Mostly each node has a row of its own; a layer with very many nodes is folded
//! into a block with several nodes in each row.

use crate::render::graph::layout::layered::Layered;
use crate::render::graph::layout::{Cell, Flow, length};

/// What a picture is best shown on.
const SCREEN: (f64, f64) = (1500.0, 900.0);

/// What is left between two columns of a folded layer.
pub(super) const FOLD_GAP: f64 = 26.0;

/// Between two layers at least.
pub(super) const LAYER_GAP: f64 = 56.0;

/// How much more at most where lines are steep.
pub(super) const STEEP_ROOM: f64 = 110.0;

/// Fewer nodes than this in a stack are not worth folding.
const FEW: usize = 5;

/// What stands at one place across the flow.
#[derive(Debug)]
pub(super) enum Item {
    /// Nodes, one behind the other.
    Row(Vec<usize>),
    /// An arrow that passes.
    Line(usize),
}

/// The layers with their rows, and where those are.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) flow: Flow,
    pub(super) cell: Cell,
    pub(super) layers: Vec<Vec<Item>>,
    /// By layer: the columns.
    pub(super) columns: Vec<usize>,
    /// By vertex: its item in its layer.
    pub(super) item: Vec<usize>,
    /// By node: its column.
    pub(super) column: Vec<usize>,
    /// By layer and item: its middle across the flow.
    pub(super) middle: Vec<Vec<f64>>,
}

impl Folded {
    pub(super) fn new(graph: &Layered, cell: Cell) -> Self {
        let (flow, most) = choose(graph, cell);
        let mut folded = Self {
            flow,
            cell,
            layers: Vec::with_capacity(graph.layers.len()),
            columns: Vec::with_capacity(graph.layers.len()),
            item: vec![0; graph.layer.len()],
            column: vec![0; graph.count],
            middle: Vec::with_capacity(graph.layers.len()),
        };
        for layer in &graph.layers {
            folded.push(graph, layer, most);
        }
        folded
    }

    fn push(&mut self, graph: &Layered, layer: &[usize], most: usize) {
        let nodes = layer
            .iter()
            .filter(|vertex| graph.is_node(**vertex))
            .count();
        let columns = nodes.div_ceil(most.max(1)).max(1);
        let mut items: Vec<Item> = Vec::new();
        let mut row: Vec<usize> = Vec::new();
        let mut passing: Vec<usize> = Vec::new();
        for vertex in layer {
            if graph.is_node(*vertex) {
                row.push(*vertex);
            } else {
                passing.push(*vertex);
            }
            // A line that would pass through the middle of a row passes below it.
            if row.is_empty() || row.len() == columns {
                if !row.is_empty() {
                    items.push(Item::Row(std::mem::take(&mut row)));
                }
                items.extend(passing.drain(..).map(Item::Line));
            }
        }
        if !row.is_empty() {
            items.push(Item::Row(row));
        }
        items.extend(passing.into_iter().map(Item::Line));
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::Row(nodes) => {
                    for (column, node) in nodes.iter().enumerate() {
                        self.item[*node] = at;
                        self.column[*node] = column;
                    }
                }
                Item::Line(vertex) => self.item[*vertex] = at,
            }
        }
        let mut middle = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let before = at
                .checked_sub(1)
                .map(|before| (&items[before], middle[before]));
            middle.push(before.map_or(0.0, |(other, middle)| {
                middle + self.apart(other, item, columns)
            }));
        }
        self.layers.push(items);
        self.columns.push(columns);
        self.middle.push(middle);
    }

    /// The size of a node across the flow.
    pub(super) fn across(&self) -> f64 {
        across(self.flow, self.cell)
    }

    /// The size of a node along the flow.
    pub(super) fn along(&self) -> f64 {
        match self.flow {
            Flow::Right => self.cell.width,
            Flow::Down => self.cell.height,
        }
    }

    /// How far the middles of two neighbours in a layer must be apart.
    pub(super) fn apart(&self, one: &Item, other: &Item, columns: usize) -> f64 {
        let half = |item: &Item| match item {
            Item::Row(_) => self.across() / 2.0,
            Item::Line(_) => 0.0,
        };
        let gap = match (one, other) {
            (Item::Row(_), Item::Row(_)) => row_gap(self.flow, columns > 1),
            _ => 12.0,
        };
        half(one) + half(other) + gap
    }
}

fn across(flow: Flow, cell: Cell) -> f64 {
    match flow {
        Flow::Right => cell.height,
        Flow::Down => cell.width,
    }
}

fn row_gap(flow: Flow, folded: bool) -> f64 {
    match (flow, folded) {
        (Flow::Right, false) => 18.0,
        (Flow::Down, false) => 26.0,
        (Flow::Right | Flow::Down, true) => 24.0,
    }
}

/// The flow, and how many rows a layer may have, that show the whole largest on a screen.
fn choose(graph: &Layered, cell: Cell) -> (Flow, usize) {
    let sizes: Vec<(usize, usize)> = graph
        .layers
        .iter()
        .map(|layer| {
            let nodes = layer
                .iter()
                .filter(|vertex| graph.is_node(**vertex))
                .count();
            (nodes, layer.len() - nodes)
        })
        .collect();
    let most = sizes.iter().map(|(nodes, _)| *nodes).max().unwrap_or(0);
    let mut best = (f64::INFINITY, (Flow::Right, most));
    for flow in [Flow::Right, Flow::Down] {
        for columns in 1..=most.div_ceil(FEW).max(1) {
            let rows = most.div_ceil(columns);
            let shrunk = shrunk(&sizes, rows, flow, cell);
            // Text runs to the right, and what is not folded is understood at once.
            let folded = if columns > 1 { 1.25 } else { 1.0 };
            let turned = if flow == Flow::Down { 1.1 } else { 1.0 };
            let badness = shrunk * folded * turned;
            if badness < best.0 {
                best = (badness, (flow, rows));
            }
        }
    }
    best.1
}

/// How many times too large for the screen it would be.
fn shrunk(sizes: &[(usize, usize)], rows: usize, flow: Flow, cell: Cell) -> f64 {
    let (mut along, mut broad) = (0.0, 0.0_f64);
    let step = across(flow, cell) + row_gap(flow, false);
    let size = match flow {
        Flow::Right => cell.width,
        Flow::Down => cell.height,
    };
    for (nodes, lines) in sizes {
        let columns = nodes.div_ceil(rows.max(1)).max(1);
        along += length(columns) * (size + FOLD_GAP) - FOLD_GAP + LAYER_GAP;
        broad = broad.max(length(nodes.div_ceil(columns)) * step + length(*lines) * 12.0);
    }
    // Where lines are steep there is more between two layers.
    along += length(sizes.len()) * (broad * 0.05).min(STEEP_ROOM);
    let (width, height) = match flow {
        Flow::Right => (along, broad),
        Flow::Down => (broad, along),
    };
    (width / SCREEN.0).max(height / SCREEN.1).max(1.0)
}
