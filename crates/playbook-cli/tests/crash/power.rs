//! A power cut: nothing runs any more, and the last records of the journal and the last bytes of outs did not
//! reach the disk.

use crate::between::orphans_die;
use crate::pipeline::Pipeline;
use crate::points::with_a_past;
use crate::random::finish;
use crate::rng::Rng;
use crate::run::{Fate, run};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, asked_kills};
use crate::watch::{Verdict, Watch};

/// Scenarios in the short version.
const SHORT: usize = 12;
/// More operations than a run has.
const OPERATIONS: usize = 60;
const JOURNAL: &str = ".playbook/playbook/journal";

#[test]
fn what_a_power_cut_leaves_of_journal_and_outs_is_put_right() {
    let mut tally = Tally::new("power cuts");
    let template = Sandbox::new(&Pipeline::small());
    let past = with_a_past(&template);
    for nth in 0..asked_kills().unwrap_or(SHORT) {
        let mut rng = tally.nth_rng(nth);
        let sandbox = template.copy();
        let mut watch = past.of_copy(&sandbox);
        let verdict = power_cut(&mut tally, &mut rng, &mut watch);
        tally.note(&format!("cut {nth}"), verdict);
    }
    tally.finish();
}

fn power_cut(tally: &mut Tally, rng: &mut Rng, watch: &mut Watch<'_>) -> Verdict {
    let how = rng.pick(&["kill", "kill-half", "kill-after"]);
    let n = rng.between(8, OPERATIONS);
    let ran = run(watch.sandbox, &Fate::Faults(format!("{how}={n}")), &["-j1"]);
    tally.kills += usize::from(ran.killed);
    watch.after(&ran)?;
    orphans_die(watch);
    watch.forget();
    let mut all_noted = true;
    if let Some(journal) = watch.sandbox.read(JOURNAL) {
        let left = rng.below(journal.len() + 1);
        watch.sandbox.write(JOURNAL, &journal.as_bytes()[..left]);
        // Without its first record nobody knows whose the old outs are that wait aside.
        all_noted = journal.find('\n').is_some_and(|first| left > first);
    }
    if rng.one_in(2) {
        let stage = rng.below(watch.pipeline().stages.len());
        let files: Vec<String> = watch.expected(stage).keys().cloned().collect();
        let path = &files[rng.below(files.len())];
        if watch.sandbox.read(path).is_some() {
            watch.lose(path);
        }
    }
    let cut = format!("{how}={n}, all noted: {all_noted}");
    let ran = run(watch.sandbox, &Fate::Undisturbed, &["-j2"]);
    watch.after(&ran).map_err(|what| format!("{cut}: {what}"))?;
    if !all_noted {
        watch.put_asides_away();
    }
    finish(watch).map_err(|what| format!("{cut}: {what}"))
}
