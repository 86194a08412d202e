//! The control groups this process, and with it its commands, are in (`cgroups(7)`, versions 1 and 2).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Which files a control group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// Where the control groups are that count this process's memory, each before those it lies in. In a container the upper ones are
/// not to be seen, and its own may be what stands at the top. `top` is the root of the file system.
pub(crate) fn memory_groups(top: &Path) -> Vec<(Version, PathBuf)> {
    let groups = std::fs::read_to_string(top.join("proc/self/cgroup")).unwrap_or_default();
    groups
        .lines()
        .flat_map(|line| groups_in(top, line))
        .collect()
}

fn groups_in(top: &Path, line: &str) -> Vec<(Version, PathBuf)> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next())
    else {
        return Vec::new();
    };
    let (version, mounts): (_, &[&str]) = match controllers {
        "" => (Version::Two, &["sys/fs/cgroup", "sys/fs/cgroup/unified"]),
        _ if controllers.split(',').any(|one| one == "memory") => {
            (Version::One, &["sys/fs/cgroup/memory"])
        }
        _ => return Vec::new(),
    };
    let group = Path::new(group.trim_start_matches('/'));
    let of_mount = |mount| {
        let at = top.join(mount);
        group
            .ancestors()
            .map(move |group| (version, at.join(group)))
    };
    mounts.iter().flat_map(of_mount).collect()
}

/// How often the system has killed a process of this process's control group because there was no memory left.
#[derive(Debug, Default)]
pub(crate) struct MemoryKills(OnceLock<Option<File>>);

impl MemoryKills {
    /// So often until now; nothing where the system does not tell.
    pub(crate) fn count(&self) -> Option<u64> {
        let file = self.0.get_or_init(|| counter(Path::new("/"))).as_ref()?;
        // It is made anew with every read.
        let mut text = [0; 512];
        let length = file.read_at(&mut text, 0).ok()?;
        kills(std::str::from_utf8(text.get(..length)?).ok()?)
    }
}

fn counter(top: &Path) -> Option<File> {
    memory_groups(top).into_iter().find_map(|(version, place)| {
        let name = match version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = std::fs::read_to_string(place.join(name)).ok()?;
        kills(&text)?;
        File::open(place.join(name)).ok()
    })
}

fn kills(text: &str) -> Option<u64> {
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted() {
        assert_eq!(
            kills("low 0\nhigh 0\noom 3\noom_kill 2\noom_group_kill 1\n"),
            Some(2)
        );
        assert_eq!(
            kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"),
            Some(7)
        );
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!(kills(""), None);
    }

    #[test]
    fn the_counter_of_the_innermost_group_is_read() {
        let top = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test's own files")]
            std::fs::write(path, text).unwrap();
        };
        let count = || {
            let file = counter(top.path())?;
            kills(&std::io::read_to_string(file).unwrap())
        };
        assert_eq!(count(), None);
        write("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(count(), None);
        write("sys/fs/cgroup/a/memory.events", "oom_kill 5\n");
        assert_eq!(count(), Some(5));
        write("sys/fs/cgroup/a/b/memory.events", "oom_kill 4\n");
        assert_eq!(count(), Some(4));
        let kills = MemoryKills(OnceLock::from(counter(top.path())));
        write("sys/fs/cgroup/a/b/memory.events", "oom_kill 6\n");
        assert_eq!(kills.count(), Some(6));
    }
}
