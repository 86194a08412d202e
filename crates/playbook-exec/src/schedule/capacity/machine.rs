//! What this machine has: memory, accelerators, free disk. It is looked at only if a stage asks.

use std::path::{Path, PathBuf};

use playbook_types::model::playbook::Playbook;
use playbook_types::units::ByteSize;

use crate::plan::Plan;
use crate::process::cgroup::{Version, memory_groups};
use crate::schedule::capacity::amounts::{Amounts, Resource, asked, is_here};
use crate::schedule::capacity::devices::{Devices, devices};

/// What there is, where some stage of a plan asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Memory that processes of this run can have.
    pub(crate) memory: Option<Memory>,
    /// Accelerators.
    pub(crate) devices: Devices,
    /// Disk that is free where the playbook is.
    pub(crate) disk: Option<ByteSize>,
}

/// How much memory there is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) size: ByteSize,
    /// The control group that allows no more; the machine has no more where there is none.
    pub(crate) group: Option<PathBuf>,
}

impl Machine {
    /// Looks at what the stages of this plan ask for on this machine. What cannot be found out has no limit.
    pub(crate) fn of(plan: &Plan<'_>) -> Self {
        let playbook = plan.playbook();
        let here = |id: &&_| {
            let target = plan.stage(**id).target.as_ref();
            target.is_none_or(|name| playbook.targets.get(name).is_none_or(is_here))
        };
        let (mut memory, mut gpus, mut disk) = (false, false, false);
        for id in plan.stages.iter().filter(here) {
            let asked = asked(plan.stage(*id));
            memory |= asked.get(Resource::Memory) > 0;
            gpus |= asked.get(Resource::Gpus) > 0;
            disk |= asked.get(Resource::Disk) > 0;
        }
        let said = playbook.targets.values().filter(|target| is_here(target));
        let said = said.filter_map(|target| target.gpus).max().unwrap_or(0);
        Self {
            memory: memory.then(|| memory_below(Path::new("/"))).flatten(),
            devices: if gpus {
                devices(said)
            } else {
                Devices::default()
            },
            disk: disk.then(|| free_disk(plan.root_path())).flatten(),
        }
    }

    /// What stages here may have together: what it has, or what a target that is this machine is said to have, if that is more.
    /// Cores are not its business.
    pub(super) fn room(&self, playbook: &Playbook) -> Amounts {
        let said = playbook.targets.values().filter(|target| is_here(target));
        let said = said
            .filter_map(|target| target.memory)
            .max()
            .unwrap_or_default();
        let memory = self.memory.as_ref().map(|memory| memory.size.max(said));
        let bytes = |size: Option<ByteSize>| size.map_or(u64::MAX, ByteSize::bytes);
        Amounts::UNLIMITED
            .with(Resource::Memory, bytes(memory))
            .with(Resource::Gpus, self.devices.names.len() as u64)
            .with(Resource::Disk, bytes(self.disk))
    }
}

/// What the file system has left for who is not root.
fn free_disk(root: &Path) -> Option<ByteSize> {
    let found = rustix::fs::statvfs(root).ok()?;
    Some(ByteSize::from_bytes(
        found.f_bavail.saturating_mul(found.f_frsize),
    ))
}

/// The machine's memory (`proc_meminfo(5)`), or less if a control group this process is in allows less: any of them holds. `top` is the root of the file system.
fn memory_below(top: &Path) -> Option<Memory> {
    let meminfo = std::fs::read_to_string(top.join("proc/meminfo")).ok()?;
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let machine = Memory {
        size: ByteSize::from_bytes(kilobytes.saturating_mul(1024)),
        group: None,
    };
    let limit = |(version, place): (Version, PathBuf)| {
        let file = match version {
            Version::One => "memory.limit_in_bytes",
            Version::Two => "memory.max",
        };
        let text = std::fs::read_to_string(place.join(file)).ok()?;
        // "max" is none.
        let size = ByteSize::from_bytes(text.trim().parse().ok()?);
        let group = Some(place);
        Some(Memory { size, group })
    };
    let limits = memory_groups(top).into_iter().filter_map(limit);
    limits.chain([machine]).min_by_key(|memory| memory.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root of a file system with these files.
    fn top(files: &[(&str, &str)]) -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = top.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test's own files")]
            std::fs::write(path, text).unwrap();
        }
        top
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       16000000 kB\nMemFree:  1 kB\n",
    );

    fn found(files: &[(&str, &str)], bytes: u64, group: Option<&str>) {
        let top = top(files);
        let memory = memory_below(top.path()).unwrap();
        assert_eq!(memory.size.bytes(), bytes);
        assert_eq!(memory.group, group.map(|group| top.path().join(group)));
    }

    #[test]
    fn the_smallest_limit_of_machine_and_control_groups() {
        let machine = 16_384_000_000;
        found(&[MEMINFO], machine, None);
        let v2 = ("proc/self/cgroup", "0::/user.slice/job\n");
        let at = |group: &'static str, limit: &'static str| (group, limit);
        found(&[MEMINFO, v2], machine, None);
        let free = at("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
        found(&[MEMINFO, v2, free], machine, None);
        let above = at("sys/fs/cgroup/user.slice/memory.max", "2000000000\n");
        found(
            &[MEMINFO, v2, free, above],
            2_000_000_000,
            Some("sys/fs/cgroup/user.slice"),
        );
        let more = at("sys/fs/cgroup/user.slice/memory.max", "99000000000\n");
        found(&[MEMINFO, v2, more], machine, None);
        // In a container without a name space of its own the group's name is one of outside.
        let v1 = (
            "proc/self/cgroup",
            "5:cpu,cpuacct:/x\n4:memory:/docker/ab:c\n0::/\n",
        );
        let own = at("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n");
        found(
            &[MEMINFO, v1, own],
            1_000_000_000,
            Some("sys/fs/cgroup/memory"),
        );
        let none = at(
            "sys/fs/cgroup/memory/docker/ab:c/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        found(&[MEMINFO, v1, none], machine, None);
        found(
            &[MEMINFO, ("proc/self/cgroup", "nonsense\n0:\n")],
            machine,
            None,
        );
        assert_eq!(memory_below(top(&[]).path()), None);
    }

    #[test]
    fn this_machine_has_something() {
        assert!(memory_below(Path::new("/")).is_none_or(|memory| memory.size.bytes() > 0));
        assert!(free_disk(&std::env::temp_dir()).is_some());
    }
}
