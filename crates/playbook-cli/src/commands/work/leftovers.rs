//! What stages that are gone have left is named once.

use std::fmt::Write as _;
use std::fs;

use playbook_exec::plan::Plan;
use playbook_exec::{Leftover, leftovers};
use playbook_hash::disk::{self, Durability};

use crate::render::harmless::harmless;

/// So many are named one by one.
const FEW: usize = 5;

/// What to tell of outs that no stage makes any more; nothing if there are none or all were named before. Where that
/// cannot be noted they are named again.
pub(super) fn to_tell(plan: &Plan<'_>) -> Option<String> {
    let noted = plan.project().state_dir().named_leftovers();
    let found = leftovers(plan);
    let before = match fs::read_to_string(&noted) {
        Ok(before) => before,
        Err(_) if found.is_empty() => return None,
        Err(_) => String::new(),
    };
    let line = |it: &Leftover| format!("{}\n", it.path.as_str().escape_debug());
    let note: String = found.iter().map(line).collect();
    if note != before {
        disk::replace(&noted, note.as_bytes(), Durability::Fast).ok();
    }
    let known: indexmap::IndexSet<&str> = before.split_inclusive('\n').collect();
    let new = found.iter().filter(|it| !known.contains(line(it).as_str()));
    told(&new.collect::<Vec<_>>())
}

fn told(new: &[&Leftover]) -> Option<String> {
    if new.is_empty() {
        return None;
    }
    let what = if new.len() == 1 { "out" } else { "outs" };
    let mut text = format!("left by stages that are gone: {} {what}\n", new.len());
    for it in new.iter().take(FEW) {
        let (path, stage) = (harmless(it.path.as_str()), &it.stage);
        writeln!(text, "  {path} (made by {stage})").ok();
    }
    if new.len() > FEW {
        writeln!(text, "  and {} more", new.len() - FEW).ok();
    }
    let whose = if new.len() == 1 { "it" } else { "them" };
    writeln!(
        text,
        "  nothing reads or makes {whose} any more; remove what you do not need"
    )
    .ok();
    Some(text)
}
