//! What there is to tell of a stage, for people.

use std::fmt::Write as _;

use playbook_exec::ByHand;

use crate::commands::work::debug::facts::{Data, Facts, Last, Left, Now, TAIL_LINES};
use crate::render::harmless::harmless;
use crate::render::history::{became, second};
use crate::render::units::{bytes, used};
use crate::term::{Tone, paint};

/// Everything about the stage.
pub(super) fn text(facts: &Facts<'_>) -> String {
    let Facts {
        hand,
        state,
        deps,
        outs,
        last,
        left,
    } = facts;
    let name = hand.stage.name.as_str();
    let state = state.as_deref().unwrap_or("not run yet");
    let mut text = format!("stage '{name}': {}\n", paint(tone(state), state));
    if let Some(job) = &hand.job {
        field(&mut text, "job", &job.id);
    }
    field(
        &mut text,
        "shell",
        &format!("{} COMMAND", hand.shell.join(" ")),
    );
    field(
        &mut text,
        "directory",
        &hand.directory.display().to_string(),
    );
    let variables: Vec<String> = hand
        .resolved
        .env
        .keys()
        .map(|name| format!("{name}=***"))
        .collect();
    if !variables.is_empty() {
        field(&mut text, "env", &variables.join(" "));
    }
    for (nth, command) in hand.shown.iter().enumerate() {
        let label = match hand.shown.len() {
            1 => "command".to_owned(),
            _ => format!("command {}", nth + 1),
        };
        let mut label = label.as_str();
        for line in command.trim_end().lines() {
            field(&mut text, label, line);
            label = "";
        }
    }
    if let Some(job) = &hand.job {
        for (label, paths) in [("input", &job.inputs), ("output", &job.outputs)] {
            for (nth, path) in paths.iter().enumerate() {
                field(&mut text, if nth == 0 { label } else { "" }, path.as_str());
            }
        }
    }
    all_data(&mut text, "reads", deps);
    all_data(&mut text, "makes", outs);
    if let Some(left) = left {
        text.push('\n');
        left_by_job(&mut text, left);
    }
    if let Some(last) = last.as_ref().filter(|_| hand.job.is_none()) {
        text.push('\n');
        last_attempt(&mut text, last);
    }
    text.push('\n');
    next(&mut text, hand, last.as_ref());
    text
}

fn tone(state: &str) -> Tone {
    match state {
        "completed" => Tone::Good,
        "failed" | "interrupted" => Tone::Bad,
        "running" => Tone::Act,
        _ => Tone::Dim,
    }
}

/// One line, with control characters written out.
fn field(text: &mut String, label: &str, value: &str) {
    writeln!(text, "  {label:<9}  {}", harmless(value)).ok();
}

fn all_data(text: &mut String, label: &str, data: &[Data<'_>]) {
    for (nth, one) in data.iter().enumerate() {
        let label = if nth == 0 { label } else { "" };
        field(text, label, &told(one));
    }
}

fn told(data: &Data<'_>) -> String {
    let now = match data.now {
        Now::Missing => "missing".to_owned(),
        Now::File(count) => format!("a file of {}", bytes(count)),
        Now::Directory => "a directory".to_owned(),
        Now::Other => "no file and no directory".to_owned(),
    };
    let recorded = match data.recorded {
        Some(digest) => format!(", last recorded as {}", digest.short()),
        None => String::new(),
    };
    let makers: Vec<String> = data
        .makers
        .iter()
        .map(|maker| format!("'{maker}'"))
        .collect();
    let makers = match makers.len() {
        0 => String::new(),
        1 => format!("; {} makes it", makers[0]),
        _ => format!("; {} make it", makers.join(" and ")),
    };
    format!("{}: {now}{recorded}{makers}", data.path)
}

fn last_attempt(text: &mut String, last: &Last) {
    let Last {
        run,
        stage,
        log,
        tail,
        kept,
        tries,
    } = last;
    let began = stage.started.or(stage.ended).unwrap_or(run.run.started);
    let (word, tone) = became(run, stage);
    writeln!(
        text,
        "last tried on {} in run {}: {}",
        second(began),
        run.run.short_id(),
        paint(tone, &harmless(&word))
    )
    .ok();
    if let Some(why) = &stage.why {
        field(text, "why", why);
    }
    if let Some(usage) = &stage.usage {
        field(text, "used", &used(usage));
    }
    for (label, how) in tries {
        field(text, label, how);
    }
    if stage.attempts > 0 {
        let part = if tail.len() == TAIL_LINES {
            format!(" (last {TAIL_LINES} lines)")
        } else {
            String::new()
        };
        field(text, "log", &format!("{}{part}", log.told()));
    }
    for line in tail {
        writeln!(text, "    | {line}").ok();
    }
    for path in &stage.restored {
        field(text, "restored", &format!("{path} as it was before"));
    }
    for (path, place, there) in kept {
        let gone = if *there { "" } else { " (gone)" };
        field(text, "kept", &format!("{path}: {place}{gone}"));
    }
}

/// What is there of a job that failed.
fn left_by_job(text: &mut String, left: &Left) {
    let Left {
        place,
        exit_code,
        stdout,
        stderr,
    } = left;
    let how = exit_code.as_ref().map_or_else(
        || "without an exit status".to_owned(),
        |code| format!("with exit status {code}"),
    );
    writeln!(
        text,
        "it last ended {}, and left",
        paint(Tone::Bad, &harmless(&how))
    )
    .ok();
    field(text, "work dir", place);
    for (label, lines) in [("stdout", stdout), ("stderr", stderr)] {
        let some = match lines.len() {
            0 => "nothing",
            TAIL_LINES => "its last 10 lines",
            _ => "all of it",
        };
        field(text, label, some);
        for line in lines {
            writeln!(text, "    | {line}").ok();
        }
    }
}

/// What to do from here.
fn next(text: &mut String, hand: &ByHand<'_>, last: Option<&Last>) {
    let name = hand.stage.name.as_str();
    let job = match &hand.job {
        Some(job) => format!(" {}", job.id),
        None if hand.stage.parallel.is_some() => " FILE".to_owned(),
        None => String::new(),
    };
    let mut commands = vec![(
        format!("playbook debug --shell {name}{job}"),
        "a shell there, with its environment",
    )];
    if let Some(last) = last.filter(|last| last.tail.len() == TAIL_LINES) {
        commands.push((
            format!("playbook log show {}/{name}", last.run.run.short_id()),
            "all that it printed",
        ));
    }
    let mut alone = "run it alone, whatever is recorded";
    if hand.stage.parallel.is_some() {
        commands.push((
            format!("playbook run --only {name}"),
            "run the jobs that are not done",
        ));
        alone = "run all of its jobs, whatever is recorded";
    }
    commands.push((format!("playbook run --only --force {name}"), alone));
    let width = commands.iter().map(|(command, _)| command.len()).max();
    let width = width.unwrap_or(0);
    for (command, what) in commands {
        let command = paint(Tone::Strong, &format!("{command:<width$}"));
        writeln!(text, "  {command}  {what}").ok();
    }
}
