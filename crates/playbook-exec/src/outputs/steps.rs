//! The steps that end a transaction. A run takes them, and so does whoever puts a dead run right: each can
//! be taken again after it was taken in part.

use std::fs;
use std::path::Path;

use playbook_hash::disk;
use playbook_lock::journal::OldOut;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;

use crate::outputs::fault::OutFault;
use crate::outputs::keep::Places;
use crate::outputs::moving::{Standing, entries_of, move_data, standing_at};

/// Drops old outs that wait aside, except what is not the stage's own, which is kept.
pub(super) fn drop_old(
    places: &Places,
    stage: &StageName,
    outs: &[OldOut],
) -> Result<Vec<KeptFile>, OutFault> {
    let mut kept = Vec::new();
    for (out, aside) in asides(outs) {
        let waits_at = places.resolve(&out.path).with_file_name(aside);
        if out.recorded {
            disk::remove_tree(&waits_at)?;
        } else if waits_at.symlink_metadata().is_ok() {
            kept.push(places.keep(stage, &out.path, &waits_at)?);
        } else {
            // A run that died had come this far, and told nobody.
            kept.extend(places.kept_before(stage, &out.path));
        }
    }
    Ok(kept)
}

/// Moves what a failed stage left at its outs away for inspection; where the disk is full it is removed.
pub(super) fn clear(
    places: &Places,
    stage: &StageName,
    outs: &[OldOut],
) -> Result<Vec<KeptFile>, OutFault> {
    let mut kept = Vec::new();
    for out in outs {
        let path = places.resolve(&out.path);
        if look(&out.path, &path)? == Standing::Nothing {
            continue;
        }
        if disk_is_full(&path) {
            // What it left would keep the disk full, and the lock from being saved.
            disk::remove_tree(&path)?;
        } else {
            kept.push(places.keep_failed(stage, &out.path, &path)?);
        }
    }
    Ok(kept)
}

/// What came of bringing old outs back.
#[derive(Debug, Default)]
pub(super) struct BroughtBack {
    pub(super) restored: Vec<DataPath>,
    /// Old outs whose places others have taken meanwhile.
    pub(super) kept: Vec<KeptFile>,
    /// Old outs that are neither aside nor in their places.
    pub(super) gone: Vec<DataPath>,
}

/// Brings back what waits aside. What stands in its place is what was brought back before.
pub(super) fn bring_back(
    places: &Places,
    stage: &StageName,
    outs: &[OldOut],
) -> Result<BroughtBack, OutFault> {
    let mut done = BroughtBack::default();
    for (out, aside) in asides(outs) {
        let path = places.resolve(&out.path);
        let waits_at = path.with_file_name(aside);
        if look(&out.path, &waits_at)? == Standing::Nothing {
            if look(&out.path, &path)? == Standing::Nothing {
                done.gone.push(out.path.clone());
            }
            continue;
        }
        put_back(&out.path, &waits_at, &path)?;
        if look(&out.path, &waits_at)? == Standing::Nothing {
            done.restored.push(out.path.clone());
        } else {
            done.kept.push(places.keep(stage, &out.path, &waits_at)?);
        }
    }
    Ok(done)
}

/// Brings back what waits beside an out under the name `aside`, of which the journal knows nothing; if
/// something stands in its place, it is kept.
pub(crate) fn put_stray_back(
    places: &Places,
    stage: &StageName,
    path: &DataPath,
    aside: &str,
) -> Result<(), OutFault> {
    let stray = OldOut {
        path: path.clone(),
        aside: Some(aside.to_owned()),
        recorded: false,
    };
    if look(path, &places.resolve(path))? == Standing::Nothing {
        bring_back(places, stage, &[stray])?;
    } else {
        drop_old(places, stage, &[stray])?;
    }
    Ok(())
}

/// Moves `from` to `to`; where both are directories, what is missing in `to`. What cannot go stays.
fn put_back(out: &DataPath, from: &Path, to: &Path) -> Result<(), OutFault> {
    match (look(out, from)?, look(out, to)?) {
        (_, Standing::Nothing) => Ok(move_data(from, to)?),
        (Standing::Directory, Standing::Directory) => {
            for name in entries_of(from)? {
                put_back(out, &from.join(&name), &to.join(&name))?;
            }
            if entries_of(from)?.is_empty() {
                if let Ok(meta) = fs::symlink_metadata(from) {
                    disk::set_permissions(to, meta.permissions())?;
                }
                disk::remove_dir(from)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn asides(outs: &[OldOut]) -> impl Iterator<Item = (&OldOut, &str)> {
    outs.iter()
        .filter_map(|out| Some((out, out.aside.as_deref()?)))
}

fn look(out: &DataPath, path: &Path) -> Result<Standing, OutFault> {
    standing_at(path).map_err(|source| OutFault::Unreadable {
        out: out.clone(),
        source,
    })
}

/// Less than this many bytes left is no room for anything.
const NO_ROOM: u64 = 1 << 20;

/// Whether the file system that a path is on has no room left.
fn disk_is_full(path: &Path) -> bool {
    let Some(directory) = path.parent() else {
        return false;
    };
    rustix::fs::statvfs(directory)
        .is_ok_and(|found| found.f_bavail.saturating_mul(found.f_frsize) < NO_ROOM)
}
