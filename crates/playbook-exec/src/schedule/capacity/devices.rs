//! Accelerators, and how a command is told which ones it may use.

use std::path::Path;

use crate::process::VISIBLE_DEVICES;

/// The accelerators of this machine that this run may hand out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// As [`VISIBLE_DEVICES`] has them.
    pub(crate) names: Vec<String>,
    /// Who started this process has said which.
    pub(crate) told: bool,
}

/// The accelerators of this machine: those the caller's [`VISIBLE_DEVICES`] names, else all that show as `/dev/nvidia0` and so on, but at
/// least as many as a target is said to have.
pub(super) fn devices(said: u32) -> Devices {
    match std::env::var_os(VISIBLE_DEVICES) {
        Some(told) => Devices {
            names: named(&told.to_string_lossy()),
            told: true,
        },
        None => Devices {
            names: (0..seen(Path::new("/dev")).max(said))
                .map(|n| n.to_string())
                .collect(),
            told: false,
        },
    }
}

/// What stands in the variable, up to the first that is none: CUDA hides what follows. Each once.
fn named(told: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let all = told.split(',').map(str::trim);
    for name in
        all.take_while(|name| !name.is_empty() && !name.starts_with('-') && *name != "NoDevFiles")
    {
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// How many there are. CUDA numbers them from 0, whatever their files are called.
fn seen(dev: &Path) -> u32 {
    let entries = std::fs::read_dir(dev).into_iter().flatten().flatten();
    let is_one = |name: &std::ffi::OsStr| {
        let number = name.to_str().and_then(|name| name.strip_prefix("nvidia"));
        number
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let count = entries.filter(|entry| is_one(&entry.file_name())).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_read_as_cuda_reads_it() {
        for (told, expected) in [
            ("", &[][..]),
            ("0,2", &["0", "2"]),
            (" 3 , 1 ", &["3", "1"]),
            ("GPU-8932f937,MIG-1", &["GPU-8932f937", "MIG-1"]),
            ("0,-1,1", &["0"]),
            ("-1", &[]),
            ("NoDevFiles", &[]),
            ("1,1,2", &["1", "2"]),
        ] {
            assert_eq!(named(told), expected, "{told:?}");
        }
    }

    #[test]
    fn device_files_are_counted() {
        let dev = tempfile::tempdir().unwrap();
        for name in [
            "nvidia0",
            "nvidia3",
            "nvidiactl",
            "nvidia-uvm",
            "nvidia",
            "null",
        ] {
            std::fs::File::create(dev.path().join(name)).unwrap();
        }
        assert_eq!(seen(dev.path()), 2);
        assert_eq!(seen(&dev.path().join("none")), 0);
    }
}
