//! Wildcards: files come and go, and with them stages; which of them run is exactly what the oracle says.

mod edit;
mod world;

use playbook_hash::disk::faults::read_late;

use crate::running::Tally;
use crate::wild::edit::any_history;
use crate::wild::world::World;
use crate::{LATE, follow, in_a_directory, try_all};

#[test]
fn stages_come_and_go_with_files_and_run_as_the_oracle_says() {
    read_late(LATE);
    let tally = Tally::default();
    try_all(25, &any_history(), |(shape, files, steps)| {
        in_a_directory(|directory| {
            let mut world = World::new(directory, shape, &files);
            follow(directory, &mut world, &steps, &tally)
        })
    });
    println!("{tally:?}");
}
