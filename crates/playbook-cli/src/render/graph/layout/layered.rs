//! The graph with a vertex wherever an arrow passes a layer, so that every piece of an arrow leads to the next layer.

/// So many vertices more than nodes are made for arrows that pass layers; the longest arrows go without beyond that.
/// A playbook in which everything reads the first stage would otherwise have more of them than memory.
const MOST_PASSING: usize = 40_000;

/// The layered graph. Vertices below `count` are nodes, the others are where an arrow passes a layer.
#[derive(Debug)]
pub(super) struct Layered {
    pub(super) count: usize,
    /// The layer of each vertex.
    pub(super) layer: Vec<usize>,
    /// The vertices of each layer, in order.
    pub(super) layers: Vec<Vec<usize>>,
    /// By vertex: those it is connected with in the layer above.
    pub(super) up: Vec<Vec<usize>>,
    /// By vertex: those in the layer below.
    pub(super) down: Vec<Vec<usize>>,
    /// By arrow: the vertices where it passes a layer; `None` for one that is drawn straight across.
    pub(super) passing: Vec<Option<std::ops::Range<usize>>>,
}

impl Layered {
    pub(super) fn new(count: usize, arrows: &[(usize, usize)], layer: &[usize]) -> Self {
        let layers = layer.iter().max().map_or(0, |last| last + 1);
        let mut graph = Self {
            count,
            layer: layer.to_vec(),
            layers: vec![Vec::new(); layers],
            up: vec![Vec::new(); count],
            down: vec![Vec::new(); count],
            passing: vec![None; arrows.len()],
        };
        let span = |arrow: usize| layer[arrows[arrow].1] - layer[arrows[arrow].0];
        let mut shortest_first: Vec<usize> = (0..arrows.len()).collect();
        shortest_first.sort_by_key(|arrow| span(*arrow));
        let mut left = MOST_PASSING + 2 * count;
        for arrow in shortest_first {
            let passed = span(arrow) - 1;
            if passed <= left {
                left -= passed;
                graph.connect(arrow, arrows[arrow], passed);
            }
        }
        graph.sort_neighbours();
        graph.visit();
        graph
    }

    fn connect(&mut self, arrow: usize, (from, to): (usize, usize), passed: usize) {
        let first = self.layer.len();
        let mut above = from;
        for step in 1..=passed {
            let vertex = self.layer.len();
            self.layer.push(self.layer[from] + step);
            self.up.push(vec![above]);
            self.down.push(Vec::new());
            self.down[above].push(vertex);
            above = vertex;
        }
        self.down[above].push(to);
        self.up[to].push(above);
        self.passing[arrow] = Some(first..self.layer.len());
    }

    fn sort_neighbours(&mut self) {
        for neighbours in self.up.iter_mut().chain(&mut self.down) {
            neighbours.sort_unstable();
        }
    }

    /// The first order: that of a walk in depth, which draws a tree without any crossing.
    fn visit(&mut self) {
        let mut seen = vec![false; self.layer.len()];
        let mut open: Vec<usize> = (0..self.count)
            .rev()
            .filter(|node| self.up[*node].is_empty())
            .collect();
        while let Some(vertex) = open.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            self.layers[self.layer[vertex]].push(vertex);
            open.extend(self.down[vertex].iter().rev());
        }
        // Nodes all of whose arrows are drawn straight across have nothing above, so all were seen.
    }

    /// Whether the vertex is a node.
    pub(super) fn is_node(&self, vertex: usize) -> bool {
        vertex < self.count
    }
}
