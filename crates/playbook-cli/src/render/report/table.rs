//! Tables and numbers of a page.

use std::fmt::Write as _;

use crate::render::graph::State;
use crate::render::graph::escape::xml;

/// A table: its headings, then rows of cells that are HTML already.
pub(super) struct Table {
    html: String,
    rows: usize,
}

impl Table {
    /// One with these columns; those whose heading begins with `#` hold numbers.
    pub(super) fn new(columns: &[&str]) -> Self {
        let mut html = "<table><thead><tr>".to_owned();
        for column in columns {
            let (class, name) = match column.strip_prefix('#') {
                Some(name) => (" class=\"number\"", name),
                None => ("", *column),
            };
            write!(html, "<th scope=\"col\"{class}>{}</th>", xml(name)).ok();
        }
        html.push_str("</tr></thead><tbody>\n");
        Self { html, rows: 0 }
    }

    /// One more row.
    pub(super) fn row(&mut self, cells: &[Cell]) {
        self.rows += 1;
        self.html.push_str("<tr>");
        for cell in cells {
            match cell {
                Cell::Html(html) => write!(self.html, "<td>{html}</td>").ok(),
                Cell::Number(text) => {
                    write!(self.html, "<td class=\"number\">{}</td>", xml(text)).ok()
                }
                Cell::Text(text) => write!(self.html, "<td>{}</td>", xml(text)).ok(),
                Cell::Code(text) => write!(self.html, "<td class=\"code\">{}</td>", xml(text)).ok(),
            };
        }
        self.html.push_str("</tr>\n");
    }

    /// The whole table; nothing if it has no rows.
    pub(super) fn finish(self) -> String {
        if self.rows == 0 {
            return String::new();
        }
        format!(
            "<div class=\"scroll\">{}</tbody></table></div>\n",
            self.html
        )
    }
}

/// What stands in a table.
pub(super) enum Cell {
    Html(String),
    Number(String),
    Text(String),
    Code(String),
}

/// A stage, with its sign, as a link that shows it in the graph; one that is not in the graph is no link.
pub(super) fn stage(name: &str, state: State, known: bool) -> String {
    let class = state.class();
    let shown = xml(name);
    let sign = format!(
        "<svg class=\"sign s-{class}\" width=\"16\" height=\"16\" role=\"img\" aria-label=\"{}\"><use href=\"#sg-{class}\"/></svg>",
        state.word()
    );
    if known {
        format!("{sign}<a href=\"#stage={shown}\">{shown}</a>")
    } else {
        format!("{sign}<span title=\"not in the playbook any more\">{shown}</span>")
    }
}
