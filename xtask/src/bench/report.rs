//! Figures as Markdown, and the page that holds them.
//!
//! The page has prose that people write, and blocks between `<!-- bench:NAME -->` and `<!-- /bench -->` that only this
//! file writes.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use super::measure::Figures;
use super::rivals::PLAYBOOK;
use super::stages::thousands;

/// One comparison.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) title: String,
    /// What was run, in a sentence or two.
    pub(super) what: String,
    pub(super) rows: Vec<Figures>,
    /// Whose time is one; the fastest of the others if none is named.
    pub(super) against: Option<&'static str>,
    pub(super) unit: Unit,
    /// How many stages, where several sizes of one thing are measured.
    pub(super) size: Option<usize>,
}

/// What the numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Instructions,
}

impl Table {
    /// One of times, beside the fastest of the others, at one size.
    pub(super) fn of_seconds(title: String, what: String, rows: Vec<Figures>) -> Self {
        Self {
            title,
            what,
            rows,
            against: None,
            unit: Unit::Seconds,
            size: None,
        }
    }

    /// The row that all are compared with: where it is missing, the program's own.
    fn reference(&self) -> Option<&Figures> {
        let others = self.rows.iter().filter(|row| row.name != PLAYBOOK);
        let chosen = match self.against {
            Some(name) => self.rows.iter().find(|row| row.name == name),
            None => others.min_by(|a, b| a.median().total_cmp(&b.median())),
        };
        chosen.or_else(|| self.rows.first())
    }

    /// With its title.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n\n", self.title, self.what);
        let Some(reference) = self.reference() else {
            text.push_str("Nothing was measured.\n");
            return text;
        };
        let head = format!(
            "| | median | min | max | × {} | peak memory | runs |\n|---|---:|---:|---:|---:|---:|---:|\n",
            reference.name
        );
        text.push_str(&head);
        for row in &self.rows {
            let [low, high] = bounds(&row.seconds);
            let name = if row.name == PLAYBOOK {
                format!("**{}**", row.name)
            } else {
                row.name.clone()
            };
            let cells = [
                name,
                self.unit.show(row.median()),
                self.unit.show(low),
                self.unit.show(high),
                ratio(row.median(), reference.median()),
                row.peak_kib.map_or_else(|| "–".to_owned(), mebibytes),
                row.seconds.len().to_string(),
            ];
            add(&mut text, format_args!("| {} |\n", cells.join(" | ")));
        }
        text
    }

    /// Its line in the table of all: what, the program, whom it is compared with, how it fares.
    fn summary(&self) -> Option<String> {
        let own = self.rows.iter().find(|row| row.name == PLAYBOOK)?;
        let reference = self.reference()?;
        Some(format!(
            "| {} | {} | {} | {}: {} | {} |\n",
            self.title,
            self.unit.show(own.median()),
            own.peak_kib.map_or_else(|| "–".to_owned(), mebibytes),
            reference.name,
            self.unit.show(reference.median()),
            ratio(own.median(), reference.median()),
        ))
    }
}

/// All comparisons at a glance.
pub(super) fn summary(tables: &[Table]) -> String {
    let mut text =
        "| | playbook | its peak memory | compared with | ratio |\n|---|---:|---:|---:|---:|\n"
            .to_owned();
    text.extend(tables.iter().filter_map(Table::summary));
    text
}

/// What a stage costs as their number grows, by the program's own rows.
pub(super) fn growth(tables: &[Table]) -> Option<String> {
    let each = tables.iter().filter_map(|table| {
        let own = table.rows.iter().find(|row| row.name == PLAYBOOK)?;
        let size = table.size?;
        let stages = f64::from(u32::try_from(size).ok()?);
        let micros = own.median() / stages * 1e6;
        Some(format!("{micros:.2} µs at {}", thousands(size)))
    });
    let each: Vec<String> = each.collect();
    (each.len() > 1).then(|| {
        format!(
            "For playbook that is, for each stage, {}.\n",
            each.join(", ")
        )
    })
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 0.01 => format!("{:.2} ms", value * 1000.0),
            Self::Seconds if value < 1.0 => format!("{:.1} ms", value * 1000.0),
            Self::Seconds => format!("{value:.2} s"),
            Self::Instructions => format!("{:.2} M", value / 1e6),
        }
    }
}

fn ratio(value: f64, reference: f64) -> String {
    format!("{:.2}", value / reference)
}

fn mebibytes(kib: u64) -> String {
    let tenths = (kib * 10 + 512) / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn bounds(values: &[f64]) -> [f64; 2] {
    let low = values.iter().copied().fold(f64::NAN, f64::min);
    [low, values.iter().copied().fold(f64::NAN, f64::max)]
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    let _ok = text.write_fmt(line);
}

/// Puts a block's new text into the page.
pub(super) fn put_block(page: &str, name: &str, text: &str) -> anyhow::Result<String> {
    let begin = format!("<!-- bench:{name} -->\n");
    let end = "<!-- /bench -->";
    let (before, rest) = page
        .split_once(&begin)
        .with_context(|| format!("the page has no line `{}`", begin.trim_end()))?;
    let at = rest
        .find(end)
        .with_context(|| format!("the block `{name}` has no end"))?;
    ensure!(
        !rest[..at].contains("<!-- bench:"),
        "the block `{name}` has no end before the next begins"
    );
    Ok(format!(
        "{before}{begin}\n{}\n\n{}",
        text.trim(),
        &rest[at..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, seconds: &[f64], peak_kib: Option<u64>) -> Figures {
        Figures {
            name: name.to_owned(),
            seconds: seconds.to_vec(),
            peak_kib,
        }
    }

    fn table(against: Option<&'static str>) -> Table {
        Table {
            title: "No-op".to_owned(),
            what: "Nothing changed.".to_owned(),
            rows: vec![
                figures(PLAYBOOK, &[0.004, 0.006, 0.005], Some(2048)),
                figures("make", &[0.05], None),
                figures("n2", &[0.01, 0.01], Some(1076)),
            ],
            against,
            unit: Unit::Seconds,
            size: Some(1000),
        }
    }

    #[test]
    fn a_table_compares_with_the_fastest_of_the_others() {
        assert_eq!(
            table(None).markdown(),
            "### No-op\n\nNothing changed.\n\n\
             | | median | min | max | × n2 | peak memory | runs |\n|---|---:|---:|---:|---:|---:|---:|\n\
             | **playbook** | 5.00 ms | 4.00 ms | 6.00 ms | 0.50 | 2.0 MiB | 3 |\n\
             | make | 50.0 ms | 50.0 ms | 50.0 ms | 5.00 | – | 1 |\n\
             | n2 | 10.0 ms | 10.0 ms | 10.0 ms | 1.00 | 1.1 MiB | 2 |\n"
        );
    }

    #[test]
    fn or_with_the_one_that_is_named() {
        let tables = [table(Some("make"))];
        assert!(
            tables[0]
                .markdown()
                .contains("| **playbook** | 5.00 ms | 4.00 ms | 6.00 ms | 0.10 |")
        );
        assert!(
            summary(&tables).ends_with("| No-op | 5.00 ms | 2.0 MiB | make: 50.0 ms | 0.10 |\n")
        );
    }

    #[test]
    fn growth_is_told_of_several_sizes() {
        let larger = Table {
            size: Some(10_000),
            ..table(None)
        };
        assert_eq!(growth(&[table(None)]), None);
        assert_eq!(
            growth(&[table(None), larger]).as_deref(),
            Some("For playbook that is, for each stage, 5.00 µs at 1,000, 0.50 µs at 10,000.\n")
        );
    }

    #[test]
    fn long_times_are_in_seconds_and_instructions_in_millions() {
        assert_eq!(Unit::Seconds.show(1.234), "1.23 s");
        assert_eq!(Unit::Instructions.show(12_345_678.0), "12.35 M");
    }

    const PAGE: &str = "# Speed\n\nProse.\n\n<!-- bench:a -->\nold\n<!-- /bench -->\n\nMore.\n<!-- bench:b -->\n<!-- /bench -->\n";

    #[test]
    fn only_the_block_changes_and_doing_it_again_changes_nothing() {
        let once = put_block(PAGE, "a", "new\n").unwrap();
        assert_eq!(once, PAGE.replace("old\n", "\nnew\n\n"));
        assert_eq!(put_block(&once, "a", "new").unwrap(), once);
    }

    #[test]
    fn a_page_without_the_block_is_refused() {
        assert!(put_block(PAGE, "c", "x").is_err());
        let torn = PAGE.replacen("<!-- /bench -->", "", 1);
        let error = put_block(&torn, "a", "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the block `a` has no end before the next begins"
        );
    }
}
