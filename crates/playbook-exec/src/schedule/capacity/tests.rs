//! The rules of capacity and turns.

use std::collections::{BTreeMap, BTreeSet};

use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::model::target::{Target, TargetKind};
use playbook_types::name::{StageName, TargetName};
use playbook_types::units::ByteSize;
use proptest::prelude::*;

use super::devices::Devices;
use super::machine::Memory;
use super::*;

/// A playbook with a target `small` of eight cores, 10 bytes of memory and two accelerators.
fn playbook() -> Playbook {
    let mut playbook = Playbook::default();
    let small = Target {
        cores: Some(8),
        memory: Some(ByteSize::from_bytes(10)),
        gpus: Some(2),
        ..Target::default()
    };
    playbook
        .targets
        .insert(TargetName::parse("small").unwrap(), small);
    playbook
}

/// A machine with 20 bytes of memory, three accelerators and 15 bytes of disk.
fn machine() -> Machine {
    Machine {
        memory: Some(Memory {
            size: ByteSize::from_bytes(20),
            group: None,
        }),
        devices: Devices {
            names: ["a", "b", "c"].map(str::to_owned).to_vec(),
            told: true,
        },
        disk: Some(ByteSize::from_bytes(15)),
    }
}

fn on_small(cores: u32, memory: u64) -> Demand {
    let mut stage = Stage::named(StageName::parse("s").unwrap());
    stage.resources.cores = Some(cores);
    stage.resources.memory = Some(ByteSize::from_bytes(memory));
    stage.target = Some(TargetName::parse("small").unwrap());
    Demand::of(&stage, &playbook())
}

#[test]
fn cores_are_counted_and_a_large_stage_runs_alone() {
    let mut capacity = Capacity::of_jobs(4);
    let three = capacity.take(&Demand::cores(3)).unwrap();
    let one = capacity.take(&Demand::cores(1)).unwrap();
    assert!(capacity.is_full() && capacity.take(&Demand::cores(1)).is_none());
    capacity.give_back(three);
    assert!(
        capacity.take(&Demand::cores(64)).is_none(),
        "one core is still taken"
    );
    capacity.give_back(one);
    let all = capacity.take(&Demand::cores(64)).unwrap();
    assert!(capacity.is_full());
    capacity.give_back(all);
    assert!(capacity.take(&Demand::cores(4)).is_some());
}

#[test]
fn a_target_has_what_it_is_said_to_have() {
    let mut capacity = Capacity::new(64, &playbook(), &machine());
    let first = capacity.take(&on_small(4, 4)).unwrap();
    let second = capacity.take(&on_small(4, 4)).unwrap();
    assert!(
        capacity.take(&on_small(1, 0)).is_none(),
        "its eight cores are taken"
    );
    let here = capacity.take(&Demand::cores(56)).unwrap();
    capacity.give_back(first);
    assert!(capacity.take(&on_small(1, 7)).is_none(), "6 bytes are free");
    let third = capacity.take(&on_small(1, 6)).unwrap();
    for grant in [second, here, third] {
        capacity.give_back(grant);
    }
    assert!(capacity.take(&on_small(8, 10)).is_some());
}

#[test]
fn accelerators_are_handed_out_and_none_twice() {
    let mut stage = Stage::named(StageName::parse("s").unwrap());
    let mut wants = |gpus: u32| {
        stage.resources.gpu = Some(gpus);
        Demand::of(&stage, &playbook())
    };
    let (none, one, two) = (wants(0), wants(1), wants(2));
    let mut capacity = Capacity::new(64, &playbook(), &machine());
    assert_eq!(capacity.take(&none).unwrap().visible_devices(), None);
    let first = capacity.take(&one).unwrap();
    let second = capacity.take(&two).unwrap();
    assert_eq!(first.visible_devices(), Some("a"));
    assert_eq!(second.visible_devices(), Some("b,c"));
    assert!(capacity.take(&one).is_none());
    capacity.give_back(first);
    assert!(capacity.take(&two).is_none());
    capacity.give_back(second);
    let third = capacity.take(&two).unwrap();
    assert_eq!(third.visible_devices(), Some("a,b"));
    // More than there are is all of them, alone.
    assert!(capacity.take(&wants(9)).is_none());
    capacity.give_back(third);
    let all = capacity.take(&wants(9)).unwrap();
    assert_eq!(all.visible_devices(), Some("a,b,c"));
}

#[test]
fn a_target_that_is_said_to_have_more_than_the_machine_is_believed() {
    let mut playbook = playbook();
    playbook.targets[0].memory = Some(ByteSize::from_bytes(50));
    let mut capacity = Capacity::new(64, &playbook, &machine());
    let first = capacity.take(&on_small(1, 40)).unwrap();
    assert!(capacity.take(&on_small(1, 20)).is_none());
    capacity.give_back(first);
    assert!(capacity.take(&on_small(1, 20)).is_some());
}

#[test]
fn of_another_machine_only_the_cores_count_here() {
    let mut playbook = playbook();
    playbook.targets[0].kind = TargetKind::Ssh;
    let mut stage = Stage::named(StageName::parse("s").unwrap());
    stage.target = Some(TargetName::parse("small").unwrap());
    stage.resources.gpu = Some(2);
    stage.resources.disk = Some(ByteSize::from_bytes(1_000));
    let mut capacity = Capacity::new(2, &playbook, &machine());
    let there = capacity.take(&Demand::of(&stage, &playbook)).unwrap();
    assert_eq!(there.visible_devices(), None);
    assert!(
        capacity.take(&Demand::of(&stage, &playbook)).is_none(),
        "its accelerators are taken"
    );
    stage.target = None;
    stage.resources.gpu = Some(3);
    stage.resources.disk = Some(ByteSize::from_bytes(15));
    let here = capacity.take(&Demand::of(&stage, &playbook)).unwrap();
    assert_eq!(here.visible_devices(), Some("a,b,c"));
    assert!(capacity.is_full());
}

/// Who starts now, all of them.
fn starts(turns: &mut Turns<u32>, capacity: &mut Capacity) -> Vec<(u32, Grant)> {
    std::iter::from_fn(|| turns.next(capacity, None)).collect()
}

fn names(started: &[(u32, Grant)]) -> Vec<u32> {
    started.iter().map(|(who, _)| *who).collect()
}

#[test]
fn what_goes_ahead_is_never_what_a_large_stage_waits_for() {
    let (mut turns, mut capacity) = (Turns::default(), Capacity::of_jobs(8));
    for (who, cores) in [(1, 3), (2, 3), (3, 4), (4, 1), (5, 1), (6, 1)] {
        turns.wait(who, Demand::cores(cores));
    }
    // 3 finds no room for 4 cores; 4 and 5 use what is free and fit in beside it.
    let mut running = starts(&mut turns, &mut capacity);
    assert_eq!(names(&running), [1, 2, 4, 5]);
    // One of those that ran before it ends, and it starts although others went ahead.
    let (_, grant) = running.remove(0);
    capacity.give_back(grant);
    let next = starts(&mut turns, &mut capacity);
    assert_eq!(names(&next), [6], "3 cores are free, and 3 stays the next");
    let (_, grant) = running.remove(0);
    capacity.give_back(grant);
    assert_eq!(names(&starts(&mut turns, &mut capacity)), [3]);
}

#[test]
fn one_for_the_whole_machine_lets_nobody_ahead() {
    let (mut turns, mut capacity) = (Turns::default(), Capacity::of_jobs(2));
    let one = capacity.take(&Demand::cores(1)).unwrap();
    turns.wait(7, Demand::cores(2));
    turns.wait(8, Demand::cores(1));
    assert!(turns.next(&mut capacity, None).is_none());
    // Not even what stands before it and came later.
    turns.wait(1, Demand::cores(1));
    assert!(turns.next(&mut capacity, None).is_none());
    capacity.give_back(one);
    assert_eq!(names(&starts(&mut turns, &mut capacity)), [7]);
}

#[test]
fn one_that_is_being_decided_holds_back_those_behind_it() {
    let (mut turns, mut capacity) = (Turns::default(), Capacity::of_jobs(8));
    for who in [1, 3] {
        turns.wait(who, Demand::cores(1));
    }
    assert_eq!(turns.next(&mut capacity, Some(2)).unwrap().0, 1);
    assert!(turns.next(&mut capacity, Some(2)).is_none());
    assert_eq!(turns.next(&mut capacity, None).unwrap().0, 3);
}

#[test]
fn four_cores_of_eight_run_two_at_a_time() {
    let (mut turns, mut capacity) = (Turns::default(), Capacity::new(64, &playbook(), &machine()));
    for who in 0..10 {
        turns.wait(who, on_small(4, 0));
    }
    let mut ran = Vec::new();
    loop {
        let running = starts(&mut turns, &mut capacity);
        if running.is_empty() {
            break;
        }
        ran.push(names(&running));
        for (_, grant) in running {
            capacity.give_back(grant);
        }
    }
    assert_eq!(ran, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
}

/// A stage of a made-up run: what it asks for, how long it runs, and when it comes.
#[derive(Debug, Clone)]
struct Made {
    cores: u32,
    memory: u64,
    gpus: u32,
    disk: u64,
    small: bool,
    runs: u32,
    comes: u32,
}

fn made() -> impl Strategy<Value = Made> {
    let asks = (1..12_u32, 0..13_u64, 0..4_u32, 0..9_u64, any::<bool>());
    (asks, 1..9_u32, 0..30_u32).prop_map(|((cores, memory, gpus, disk, small), runs, comes)| Made {
        cores: if small { cores.min(8) } else { cores },
        memory,
        gpus,
        disk,
        small,
        runs,
        comes,
    })
}

impl Made {
    fn demand(&self) -> Demand {
        let mut stage = Stage::named(StageName::parse("s").unwrap());
        stage.resources.cores = Some(self.cores);
        stage.resources.memory = Some(ByteSize::from_bytes(self.memory));
        stage.resources.gpu = Some(self.gpus);
        stage.resources.disk = Some(ByteSize::from_bytes(self.disk));
        stage.target = self.small.then(|| TargetName::parse("small").unwrap());
        Demand::of(&stage, &playbook())
    }

    /// What it takes of the machine, then of the target: cores, memory, accelerators, and of the machine's disk.
    fn takes(&self, limits: [u64; 7]) -> [u64; 7] {
        let here = [u64::from(self.cores), self.memory, self.gpus.into()];
        let there = if self.small { here } else { [0; 3] };
        let all = [
            here[0], here[1], here[2], there[0], there[1], there[2], self.disk,
        ];
        std::array::from_fn(|at| all[at].min(limits[at]))
    }
}

/// The same rule told in another way, by counting everything anew each time.
#[derive(Default)]
struct Told {
    jobs: u64,
    stages: Vec<Made>,
    waiting: Vec<usize>,
    running: BTreeMap<usize, u32>,
    /// Whose turn it is, and who ran when it found no room.
    first: Option<(usize, Vec<usize>)>,
}

impl Told {
    fn limits(&self) -> [u64; 7] {
        [self.jobs, 20, 3, 8, 10, 2, 15]
    }

    fn fits<'a>(&self, together: impl Iterator<Item = &'a usize>) -> bool {
        let limits = self.limits();
        let sum = together.fold([0; 7], |sum: [u64; 7], who| {
            let takes = self.stages[*who].takes(limits);
            std::array::from_fn(|at| sum[at] + takes[at])
        });
        sum.iter().zip(limits).all(|(sum, limit)| *sum <= limit)
    }

    fn has_room(&self, who: usize) -> bool {
        self.fits(self.running.keys().chain([&who]))
    }

    /// Who starts now.
    fn next(&mut self) -> Option<usize> {
        self.waiting.sort_unstable();
        let cores = self
            .running
            .keys()
            .map(|who| self.stages[*who].takes(self.limits())[0]);
        if cores.sum::<u64>() == self.jobs {
            return None;
        }
        let first = match &self.first {
            Some((first, _)) => *first,
            None => *self.waiting.first()?,
        };
        if self.has_room(first) {
            self.first = None;
            return Some(first);
        }
        if self.first.is_none() {
            self.first = Some((first, self.running.keys().copied().collect()));
        }
        let (_, found) = self.first.as_ref()?;
        let ahead = self.running.keys().filter(|who| !found.contains(who));
        let ahead: Vec<usize> = ahead.copied().chain([first]).collect();
        let goes = |who: &&usize| {
            **who != first && self.has_room(**who) && self.fits(ahead.iter().chain([*who]))
        };
        self.waiting.iter().find(goes).copied()
    }

    /// Whoever waits for its turn waits for one of those that ran when it came, never for one that went ahead.
    fn nobody_is_held_up(&self) {
        if let Some((who, found)) = &self.first {
            let waits_for = found.iter().any(|other| self.running.contains_key(other));
            assert!(waits_for, "{who} is held up by {:?}", self.running.keys());
        }
    }
}

fn play(mut told: Told) {
    let mut capacity = Capacity::new(told.jobs.try_into().unwrap(), &playbook(), &machine());
    let mut turns: Turns<usize> = Turns::default();
    let mut grants: BTreeMap<usize, Grant> = BTreeMap::new();
    let (mut now, mut started) = (0, 0);
    while started < told.stages.len() {
        for who in (0..told.stages.len()).filter(|who| told.stages[*who].comes == now) {
            turns.wait(who, told.stages[who].demand());
            told.waiting.push(who);
        }
        loop {
            let next = told.next();
            let found = turns.next(&mut capacity, None);
            assert_eq!(found.as_ref().map(|(who, _)| *who), next);
            let Some((who, grant)) = found else { break };
            grants.insert(who, grant);
            let handed_out = grants.values().filter_map(Grant::visible_devices);
            let handed_out: Vec<&str> = handed_out.flat_map(|names| names.split(',')).collect();
            let once: BTreeSet<&&str> = handed_out.iter().collect();
            assert_eq!(once.len(), handed_out.len(), "one is handed out twice");
            told.waiting.retain(|other| *other != who);
            told.running.insert(who, now + told.stages[who].runs);
            assert!(told.fits(told.running.keys()), "more than there is");
            started += 1;
        }
        told.nobody_is_held_up();
        now += 1;
        assert!(now < 10_000, "something never starts");
        let ended = told.running.extract_if(.., |_, end| *end <= now);
        let ended: Vec<usize> = ended.map(|(who, _)| who).collect();
        for who in ended {
            capacity.give_back(grants.remove(&who).unwrap());
        }
    }
    for grant in grants.into_values() {
        capacity.give_back(grant);
    }
    assert!(
        capacity.take(&Demand::cores(told.jobs)).is_some(),
        "all is given back"
    );
}

proptest! {
    #[test]
    fn a_run_keeps_its_promises(stages in prop::collection::vec(made(), 0..40), jobs in 1..20_u64) {
        play(Told { jobs, stages, ..Told::default() });
    }
}
