//! Mounts that nobody else sees: each scenario is a shell script in a mount namespace of its own, so that what
//! it mounts is gone when it ends, however it ends.

use std::io::Write as _;
use std::process::Command;
use std::sync::OnceLock;

use super::Sandbox;
use super::sandbox::Ended;

/// As root, and as anybody where the system lets everybody be root among their own.
const WAYS: [&[&str]; 2] = [
    &["unshare", "--mount", "--propagation", "private"],
    &["unshare", "--user", "--map-root-user", "--mount"],
];

impl Sandbox {
    /// Runs a script in the sandbox where it can mount. `$0` is the binary. Gives nothing, and says so, where
    /// nobody lets us mount; on CI that is a failure unless `PLAYBOOK_NO_MOUNTS` is set.
    pub(crate) fn with_mounts(&self, script: &str) -> Option<Ended> {
        let Some(way) = way() else {
            skip("no mount namespace can be made here");
            return None;
        };
        Some(self.finish(self.script(way, script)))
    }

    fn script(&self, way: &[&str], script: &str) -> Command {
        self.by(&[way, &["sh", "-c", script]].concat())
    }
}

/// Says that a test was skipped.
pub(crate) fn skip(why: &str) {
    let test = std::thread::current();
    let name = test.name().unwrap_or("a test");
    // Not by a macro, whose text only failed tests show.
    let told = format!("SKIPPED {name}: {why}\n");
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    let may_skip = std::env::var_os("PLAYBOOK_NO_MOUNTS").is_some();
    assert!(
        std::env::var_os("CI").is_none() || may_skip,
        "{why}; set PLAYBOOK_NO_MOUNTS if that is as it should be"
    );
}

/// How to get a namespace in which one can mount.
fn way() -> Option<&'static [&'static str]> {
    static WAY: OnceLock<Option<&'static [&'static str]>> = OnceLock::new();
    *WAY.get_or_init(|| {
        let probe = Sandbox::new();
        let works = |way: &&&[&str]| {
            let output = probe
                .script(way, "mount -t tmpfs none . && mount --bind . .")
                .output();
            output.is_ok_and(|output| output.status.success())
        };
        WAYS.iter().find(works).copied()
    })
}
