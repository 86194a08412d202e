//! The page itself, section by section.

use std::fmt::Write as _;

use playbook_lock::history::{GateVerdict, StageOutcome, StageRun};
use playbook_types::record::usage::Usage;

use crate::render::graph::State;
use crate::render::graph::escape::xml;
use crate::render::graph::html::{self, Page};
use crate::render::graph::svg::style;
use crate::render::report::gather::{state, why};
use crate::render::report::head::{count, head};
use crate::render::report::table::{Cell, Table, stage};
use crate::render::report::timeline::{Span, timeline};
use crate::render::report::{LogTold, OutTold, Report, Told};
use crate::render::units::{bytes, duration, memory};

const SHEET: &str = include_str!("report.css");

/// How many of the slowest stages, and of those that saved most, are shown.
const TOP: usize = 12;

/// Words are shortened to this many letters where a digest is only compared at a glance.
const SHORT_DIGEST: usize = "blake3:01234567".len();

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let tally = report.picture.tally();
    let viewer = html::viewer(&report.picture);
    // As high as the drawing when it is as wide as the page, and the bar above it; but a screen holds all of it.
    let height = (viewer.slender * 1100.0 + 110.0).clamp(300.0, 760.0);
    let graph = format!(
        "<section><h2>Graph</h2>{}<div class=\"frame\" style=\"height:min({height:.0}px,82vh)\">{}</div></section>\n",
        html::legend(&tally),
        viewer.html
    );
    let body = [
        head(report),
        failures(report),
        graph,
        times(report),
        format!(
            "<div class=\"pair\">{}{}</div>\n",
            slowest(report),
            saved(report)
        ),
        stages(report),
        params(report),
        outputs(report),
    ]
    .concat();
    // The signs of all states the page shows, in the graph and outside.
    let shown: Vec<(State, usize)> = State::ALL.iter().map(|state| (*state, 1)).collect();
    html::page(&Page {
        title: &format!("{}: run {}", report.picture.playbook, report.run.short_id()),
        class: "report-page",
        body: &body,
        sheet: &format!("{}{SHEET}", style(&shown)),
        data: &html::data(&report.picture, &report.cards),
    })
}

fn failures(report: &Report) -> String {
    let mut html = String::new();
    for told in &report.stages {
        let state = state(&told.stage, &report.standing);
        if !matches!(state, State::Failed | State::Interrupted) {
            continue;
        }
        let Told { stage: run, .. } = told;
        let tries = if run.attempts > 1 {
            format!(", after {} attempts", run.attempts)
        } else {
            String::new()
        };
        let error = run
            .error
            .clone()
            .unwrap_or_else(|| "its end was never told".to_owned());
        write!(
            html,
            "<article class=\"failure\"><h3>{}</h3><p>{}{tries}</p>",
            stage(run.stage.as_str(), state, told.known),
            xml(&error)
        )
        .ok();
        html.push_str(&gate(run));
        if let Some(command) = &run.command {
            write!(
                html,
                "<h4>Command</h4><pre>{}</pre>",
                xml(command.trim_end())
            )
            .ok();
        }
        html.push_str(&log(&told.log));
        let said_no = run.gate.as_ref().is_some_and(GateVerdict::said_no);
        let what = if said_no {
            "What stood"
        } else {
            "What it left"
        };
        for kept in &run.kept {
            write!(
                html,
                "<p>{what} at {} is now {}</p>",
                xml(kept.path.as_str()),
                xml(&kept.kept)
            )
            .ok();
        }
        html.push_str("</article>\n");
    }
    section("What went wrong", &html)
}

/// The end of a stage's log, or why there is none.
fn log(log: &LogTold) -> String {
    match log {
        LogTold::None => String::new(),
        LogTold::Tail { path, lines, more } => {
            let which = if *more {
                format!("last {} lines", lines.len())
            } else {
                "all of it".to_owned()
            };
            let text = if lines.is_empty() {
                "(empty)".to_owned()
            } else {
                lines.join("\n")
            };
            format!("<h4>{} ({which})</h4><pre>{}</pre>", xml(path), xml(&text))
        }
        LogTold::Gone { path, why } => format!("<h4>{}</h4><p>{}</p>", xml(path), xml(why)),
    }
}

/// What a gate that did not pass wrote, and did not write.
fn gate(run: &StageRun) -> String {
    let Some(gate) = run.gate.as_ref().filter(|gate| !gate.passed) else {
        return String::new();
    };
    let mut html = "<p>It is a gate: nothing new was started after it failed.".to_owned();
    if let Some(report) = &gate.report {
        write!(html, " Its report is {}.", xml(report.as_str())).ok();
    }
    for path in &gate.missing {
        write!(html, " It did not write {}.", xml(path.as_str())).ok();
    }
    html + "</p>"
}

fn times(report: &Report) -> String {
    let spans: Vec<Span<'_>> = report
        .stages
        .iter()
        .filter_map(|told| span(told, report))
        .collect();
    if spans.is_empty() {
        return String::new();
    }
    let end = report.run.ended.unwrap_or(report.run.last_heard);
    let (drawn, lanes) = timeline(&spans, report.run.started, end);
    let about = format!(
        "<p class=\"about\">At most {} ran at once. A bar shows its stage in the graph.</p>",
        count(lanes, "stage")
    );
    section(
        "Timeline",
        &format!("{about}<div class=\"timeline-frame\">{drawn}</div>"),
    )
}

fn span<'a>(told: &'a Told, report: &Report) -> Option<Span<'a>> {
    let from = told.stage.started?;
    let to = told.stage.ended.unwrap_or(report.run.last_heard).max(from);
    let state = state(&told.stage, &report.standing);
    Some(Span {
        stage: told.stage.stage.as_str(),
        state,
        from,
        to,
    })
}

fn slowest(report: &Report) -> String {
    let took = |told: &Told| {
        told.stage
            .duration_seconds
            .filter(|_| told.stage.outcome == StageOutcome::Ran)
    };
    section("What took longest", &bars(report, took))
}

fn saved(report: &Report) -> String {
    let bars = bars(report, |told| told.saved);
    let about =
        "<p class=\"about\">Stages that did not have to run, and how long they last took.</p>";
    section(
        "What the cache saved",
        &if bars.is_empty() {
            bars
        } else {
            format!("{about}{bars}")
        },
    )
}

/// The stages with the most seconds, each with a bar.
fn bars(report: &Report, seconds: impl Fn(&Told) -> Option<f64>) -> String {
    let mut all: Vec<(f64, &Told)> = report
        .stages
        .iter()
        .filter_map(|told| Some((seconds(told)?, told)))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most = all.first().map_or(0.0, |(seconds, _)| *seconds);
    let mut table = Table::new(&["Stage", "", "#Time"]);
    for (seconds, told) in all.iter().take(TOP) {
        let share = if most > 0.0 {
            seconds / most * 100.0
        } else {
            0.0
        };
        let state = state(&told.stage, &report.standing);
        table.row(&[
            Cell::Html(stage(told.stage.stage.as_str(), state, told.known)),
            Cell::Html(format!(
                "<div class=\"meter s-{}\"><i style=\"width:{share:.1}%\"></i></div>",
                state.class()
            )),
            Cell::Number(duration(*seconds)),
        ]);
    }
    let more = all.len().saturating_sub(TOP);
    let rest = if more > 0 {
        format!("<p class=\"about\">and {more} more</p>")
    } else {
        String::new()
    };
    table.finish() + &rest
}

fn stages(report: &Report) -> String {
    // Runs of older versions, and runs of tests, say nothing of what was used.
    let measured = report.stages.iter().any(|told| told.stage.usage.is_some());
    let columns = ["Stage", "What", "Why", "#Time", "#Processor", "#Memory"];
    let mut table = Table::new(&columns[..if measured { 6 } else { 4 }]);
    let mut cached = Table::new(&["Stage", "What", "#Last took"]);
    for told in &report.stages {
        let state = state(&told.stage, &report.standing);
        let name = || Cell::Html(stage(told.stage.stage.as_str(), state, told.known));
        if matches!(told.stage.outcome, StageOutcome::Cached(_)) {
            let took = told.saved.map(duration).unwrap_or_default();
            cached.row(&[
                name(),
                Cell::Text(state.word().to_owned()),
                Cell::Number(took),
            ]);
            continue;
        }
        let what = match told.stage.changed {
            Some(false) if !told.stage.outs.is_empty() => {
                format!("{}, made the same as last time", state.word())
            }
            Some(_) | None => state.word().to_owned(),
        };
        let took = told
            .stage
            .duration_seconds
            .map(duration)
            .unwrap_or_default();
        let mut cells = vec![
            name(),
            Cell::Text(what),
            Cell::Text(why(told).join("; ")),
            Cell::Number(took),
        ];
        if measured {
            cells.extend(used(told.stage.usage.as_ref()));
        }
        table.row(&cells);
    }
    let cached = cached.finish();
    let cached = if cached.is_empty() {
        cached
    } else {
        format!(
            "<details><summary>{} cached</summary>{cached}</details>",
            count(report.run.totals.stages_cached, "stage")
        )
    };
    section("Stages and reasons", &(table.finish() + &cached))
}

/// What a stage used, in two cells.
fn used(usage: Option<&Usage>) -> [Cell; 2] {
    let cpu = usage.map(|usage| duration(usage.cpu_seconds()));
    let most = usage.and_then(|usage| usage.max_rss_bytes).map(memory);
    [cpu, most].map(|text| Cell::Number(text.unwrap_or_default()))
}

fn params(report: &Report) -> String {
    let mut set = Table::new(&["Param", "Set for this run to"]);
    for (key, value) in &report.run.overrides {
        set.row(&[Cell::Code(key.to_string()), Cell::Code(value.to_string())]);
    }
    let mut used: std::collections::BTreeMap<(&str, &str), Vec<&Told>> =
        std::collections::BTreeMap::new();
    for told in &report.stages {
        for (key, value) in &told.params {
            used.entry((key, value)).or_default().push(told);
        }
    }
    let mut values = Table::new(&["Param", "Value", "Used by"]);
    for ((key, value), by) in used {
        let names: Vec<String> = by
            .iter()
            .take(TOP)
            .map(|told| {
                stage(
                    told.stage.stage.as_str(),
                    state(&told.stage, &report.standing),
                    told.known,
                )
            })
            .collect();
        let more = by.len().saturating_sub(TOP);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        values.row(&[
            Cell::Code(key.to_owned()),
            Cell::Code(value.to_owned()),
            Cell::Html(names.join(" ") + &rest),
        ]);
    }
    section("Params", &(set.finish() + &values.finish()))
}

fn outputs(report: &Report) -> String {
    let mut table = Table::new(&["Output", "Made by", "Digest", "#Files", "#Size"]);
    for told in &report.stages {
        let state = state(&told.stage, &report.standing);
        for OutTold { path, hash, size } in &told.outs {
            let short = hash.get(..SHORT_DIGEST).unwrap_or(hash);
            let digest = format!(
                "<span class=\"code\" title=\"{0}\">{1}</span>",
                xml(hash),
                xml(short)
            );
            let (files, size) = size.map_or_else(Default::default, |(files, size)| {
                (files.to_string(), bytes(size))
            });
            table.row(&[
                Cell::Code(path.clone()),
                Cell::Html(stage(told.stage.stage.as_str(), state, told.known)),
                Cell::Html(digest),
                Cell::Number(files),
                Cell::Number(size),
            ]);
        }
    }
    section("Outputs", &table.finish())
}

/// A section, unless there is nothing in it.
fn section(title: &str, html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    format!("<section><h2>{title}</h2>\n{html}</section>\n")
}
