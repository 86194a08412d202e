//! Fan-outs: which jobs run is exactly what the oracle says, and the record of jobs decides nothing but that.

mod edit;
mod editing;
mod text;
mod world;

use playbook_hash::disk::faults::read_late;

use crate::fans::edit::any_history;
use crate::fans::world::World;
use crate::running::Tally;
use crate::{LATE, follow, in_a_directory, try_all};

#[test]
fn the_jobs_that_run_are_those_the_oracle_names() {
    read_late(LATE);
    let tally = Tally::default();
    try_all(25, &any_history(), |(fans, files, steps)| {
        in_a_directory(|directory| {
            let mut world = World::new(directory, fans, &files);
            follow(directory, &mut world, &steps, &tally)
        })
    });
    println!("{tally:?}");
}
