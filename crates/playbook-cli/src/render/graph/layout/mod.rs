//! Where everything stands in a drawing: a layered one, after Sugiyama.
//!
//! 1. [`layers`]: each node gets a layer below all it needs; then nodes are pulled towards where most of their arrows lead.
//! 2. [`layered`]: an arrow that spans several layers gets a vertex in each of those between.
//! 3. [`order`]: the vertices of each layer are put into an order with few crossings.
//! 4. [`fold`]: a layer with very many nodes is laid out as a block of rows and columns, and the whole flows to the
//!    right or down, whichever shows more on a screen.
//! 5. [`place`]: each row goes as near as it can to what it is connected with.
//! 6. [`route`]: arrows become points to draw a smooth line through.
//!
//! Nothing here is quadratic, nothing depends on chance, and nothing on how text is drawn but the size of a node.

mod fold;
mod layered;
mod layers;
mod order;
mod place;
mod route;
#[cfg(test)]
mod tests;

use fold::Folded;
use layered::Layered;

/// The size of every node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Where the arrows point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Right,
    Down,
}

/// A place in the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A finished drawing, without the ink.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) flow: Flow,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The upper left corner of each node.
    pub(crate) nodes: Vec<Point>,
    /// For each arrow, in the order they came, what its line goes through.
    pub(crate) routes: Vec<Vec<Point>>,
}

/// Lays out `count` nodes, of which each stands before those that need it; so for each arrow `from < to`.
pub(crate) fn layout(count: usize, arrows: &[(usize, usize)], cell: Cell) -> Layout {
    let layer = layers::layers(count, arrows);
    let mut layered = Layered::new(count, arrows, &layer);
    order::order(&mut layered);
    let mut folded = Folded::new(&layered, cell);
    place::place(&layered, &mut folded);
    route::route(&layered, &folded, arrows)
}

/// The mean of some numbers, if there are any.
#[expect(clippy::cast_precision_loss, reason = "nobody draws so many nodes")]
fn mean(sum: f64, count: usize) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

/// A number of things as a length.
#[expect(clippy::cast_precision_loss, reason = "nobody draws so many nodes")]
fn length(count: usize) -> f64 {
    count as f64
}
