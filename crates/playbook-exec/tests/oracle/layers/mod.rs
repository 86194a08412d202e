//! Params files: whatever they say, and wherever and in which format, what runs depends on what it comes to alone.

mod edit;
mod world;

use playbook_hash::disk::faults::read_late;

use crate::layers::edit::any_history;
use crate::layers::world::World;
use crate::running::Tally;
use crate::{LATE, follow, in_a_directory, try_all};

#[test]
fn what_runs_depends_on_what_params_files_come_to() {
    read_late(LATE);
    let tally = Tally::default();
    try_all(25, &any_history(), |(files, steps)| {
        in_a_directory(|directory| {
            let mut world = World::new(directory, files);
            follow(directory, &mut world, &steps, &tally)
        })
    });
    println!("{tally:?}");
}
