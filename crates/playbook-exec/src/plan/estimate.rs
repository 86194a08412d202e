//! How long a run will take, from how long its stages took when they last ran.
//!
//! A run is played through without running anything: a stage starts when what it needs has ended and its cores are
//! free, in the same order as in a real run. Stages that never ran count for nothing, so that with
//! them the answer is a lower bound. What other targets have room for is not taken into account.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::record::lock::EntryStatus;

use crate::plan::build::Plan;
use crate::plan::foretell::{Fate, Foretold};
use crate::schedule::{Capacity, Demand, Grant, Turns};

/// A stage that is still to run, or to run on.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The others in the list that have to end first, by their numbers in it.
    pub needs: Vec<usize>,
    /// The cores it takes.
    pub cores: u32,
    /// How long it will run, or run on, in seconds.
    pub seconds: f64,
}

/// How long these stages take together with so many cores, in seconds. They stand in an order that satisfies all
/// needs.
pub fn makespan(stages: &[Expected], jobs: u32) -> f64 {
    let mut waits: Vec<usize> = stages.iter().map(|stage| stage.needs.len()).collect();
    let mut feeds = vec![Vec::new(); stages.len()];
    for (number, stage) in stages.iter().enumerate() {
        for need in &stage.needs {
            feeds[*need].push(number);
        }
    }
    let is_ready = |number: &usize| waits[*number] == 0;
    let (mut capacity, mut turns) = (Capacity::of_jobs(jobs), Turns::default());
    let demand = |number: usize| Demand::cores(stages[number].cores.max(1).into());
    for ready in (0..stages.len()).filter(is_ready) {
        turns.wait(ready, demand(ready));
    }
    // Times never are negative, so their bits are in the same order as they are.
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut grants: Vec<Option<Grant>> = stages.iter().map(|_| None).collect();
    let mut now = 0.0_f64;
    loop {
        while let Some((next, grant)) = turns.next(&mut capacity, None) {
            grants[next] = Some(grant);
            let end = now + stages[next].seconds.max(0.0);
            running.push(Reverse((end.to_bits(), next)));
        }
        let Some(Reverse((end, ended))) = running.pop() else {
            return now;
        };
        now = f64::from_bits(end);
        if let Some(grant) = grants[ended].take() {
            capacity.give_back(grant);
        }
        for fed in &feeds[ended] {
            waits[*fed] -= 1;
            if waits[*fed] == 0 {
                turns.wait(*fed, demand(*fed));
            }
        }
    }
}

/// How long a run will take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    /// If only what certainly runs does, in seconds.
    pub certain: f64,
    /// If what may run does as well, in seconds.
    pub at_most: f64,
    /// Stages among them of which it is not known how long they take.
    pub unknown: usize,
    /// The chain of stages, each needing the one before it, that takes longest: no number of cores makes it shorter.
    pub longest: Vec<StageName>,
    /// How long that takes, in seconds.
    pub longest_seconds: f64,
}

impl Plan<'_> {
    /// How long this stage took when it last ran to its end, in seconds, if that is known.
    pub fn usual_seconds(&self, id: StageId) -> Option<f64> {
        let entry = self.lock()?.stages.get(&self.stage(id).name)?;
        // A try that failed or was cut off says nothing of how long one takes that ends well.
        let cut_off = matches!(entry.status, EntryStatus::Failed | EntryStatus::Running);
        let ran = !entry.adopted && !cut_off;
        entry
            .duration_seconds
            .filter(|seconds| seconds.is_finite() && ran)
    }

    /// How long a run of these stages takes on so many cores.
    pub fn estimate(&self, foretold: &[Foretold], jobs: u32) -> Estimate {
        let runs = |fate: &Fate| match fate {
            Fate::Miss(_) | Fate::Running { .. } => true,
            Fate::Hit(_) | Fate::Maybe(_) | Fate::Fault(_) => false,
        };
        let may_run = |fate: &Fate| runs(fate) || matches!(fate, Fate::Maybe(_));
        let certain = self.expected(foretold, runs);
        let all = self.expected(foretold, may_run);
        let (chain, longest_seconds) = longest_chain(&all.1);
        let name = |number: usize| self.stage(all.0[number]).name.clone();
        let known = |id: &&StageId| self.usual_seconds(**id).is_none();
        Estimate {
            certain: makespan(&certain.1, jobs),
            at_most: makespan(&all.1, jobs),
            unknown: all.0.iter().filter(known).count(),
            longest: chain.into_iter().map(name).collect(),
            longest_seconds,
        }
    }

    fn expected(
        &self,
        foretold: &[Foretold],
        counts: impl Fn(&Fate) -> bool,
    ) -> (Vec<StageId>, Vec<Expected>) {
        let ids: Vec<StageId> = foretold
            .iter()
            .filter(|stage| counts(&stage.fate))
            .map(|stage| stage.id)
            .collect();
        let mut numbers = vec![None; self.graph.len()];
        for (number, id) in ids.iter().enumerate() {
            numbers[id.index()] = Some(number);
        }
        let expected = ids.iter().map(|id| Expected {
            needs: self
                .graph
                .needs(*id)
                .iter()
                .filter_map(|need| numbers[need.index()])
                .collect(),
            cores: self.stage(*id).resources.cores.unwrap_or(1),
            seconds: self.usual_seconds(*id).unwrap_or(0.0),
        });
        let expected = expected.collect();
        (ids, expected)
    }
}

/// The chain that takes longest, from its first stage on.
fn longest_chain(stages: &[Expected]) -> (Vec<usize>, f64) {
    let mut ends: Vec<(f64, Option<usize>)> = Vec::with_capacity(stages.len());
    for stage in stages {
        let last = stage
            .needs
            .iter()
            .copied()
            .max_by(|a, b| ends[*a].0.total_cmp(&ends[*b].0));
        let begin = last.map_or(0.0, |last| ends[last].0);
        ends.push((begin + stage.seconds.max(0.0), last));
    }
    let last = (0..ends.len()).max_by(|a, b| ends[*a].0.total_cmp(&ends[*b].0).then(b.cmp(a)));
    let Some(last) = last else {
        return (Vec::new(), 0.0);
    };
    let mut chain: Vec<usize> = std::iter::successors(Some(last), |at| ends[*at].1).collect();
    chain.reverse();
    (chain, ends[last].0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn stage(needs: &[usize], cores: u32, seconds: f64) -> Expected {
        Expected {
            needs: needs.to_vec(),
            cores,
            seconds,
        }
    }

    fn takes(stages: &[Expected], jobs: u32, expected: f64) {
        let found = makespan(stages, jobs);
        assert!(
            (found - expected).abs() < 1e-9,
            "{found}, not {expected}, with {jobs} jobs"
        );
    }

    #[test]
    fn a_run_takes_as_long_as_its_order_and_its_cores_let_it() {
        takes(&[], 4, 0.0);
        let chain = [stage(&[], 1, 1.0), stage(&[0], 1, 2.0), stage(&[1], 1, 3.0)];
        takes(&chain, 1, 6.0);
        takes(&chain, 4, 6.0);
        let fan: Vec<Expected> = (0..5).map(|_| stage(&[], 1, 2.0)).collect();
        takes(&fan, 1, 10.0);
        takes(&fan, 2, 6.0);
        takes(&fan, 8, 2.0);
        takes(&fan, 0, 10.0);
        let large = [stage(&[], 2, 1.0), stage(&[], 4, 1.0), stage(&[], 1, 1.0)];
        takes(&large, 4, 3.0);
        takes(&large, 2, 3.0);
        // A large stage never waits for one behind it in the playbook, which goes ahead only where it takes nothing away.
        let waits = [stage(&[], 1, 5.0), stage(&[], 2, 1.0), stage(&[], 1, 5.0)];
        takes(&waits, 2, 11.0);
        let beside = [stage(&[], 2, 5.0), stage(&[], 2, 5.0), stage(&[], 1, 9.0)];
        takes(&beside, 3, 10.0);
    }

    #[test]
    fn never_shorter_than_the_longest_chain_nor_than_the_work_shared_out() {
        // Numbers in a fixed disorder (a linear congruential generator, Knuth's MMIX).
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..200 {
            let count = next(40);
            let stages: Vec<Expected> = (0..count)
                .map(|number| {
                    let needs: BTreeSet<usize> =
                        (0..next(4).min(number)).map(|_| next(number)).collect();
                    stage(
                        &needs.into_iter().collect::<Vec<_>>(),
                        1,
                        f64::from(u32::try_from(next(100)).unwrap()),
                    )
                })
                .collect();
            let work: f64 = stages.iter().map(|stage| stage.seconds).sum();
            let (chain, longest) = longest_chain(&stages);
            for pair in chain.windows(2) {
                assert!(stages[pair[1]].needs.contains(&pair[0]));
            }
            for jobs in [1, 2, 7] {
                let found = makespan(&stages, jobs);
                assert!(found >= longest && found >= work / f64::from(jobs) && found <= work);
            }
            takes(&stages, 1, work);
            takes(&stages, 1_000, longest);
        }
    }

    #[test]
    fn a_hundred_thousand_stages_are_no_matter() {
        let stages: Vec<Expected> = (0..100_000)
            .map(|number: usize| {
                stage(
                    &[number.saturating_sub(7)][usize::from(number < 7)..],
                    1,
                    1.0,
                )
            })
            .collect();
        takes(&stages, 2, 50_000.0);
    }
}
