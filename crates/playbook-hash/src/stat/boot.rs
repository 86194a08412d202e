//! Which start of the machine this is.

use std::sync::OnceLock;

/// Which start of the machine something happened under; nothing where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot(Option<u64>);

impl Boot {
    /// The present one (`random(4)`, `boot_id`).
    pub fn now() -> Self {
        Self::of(boot_id())
    }

    /// The one with this id.
    pub(super) fn of(id: Option<&str>) -> Self {
        Self(id.map(|id| {
            let mut front = [0; 8];
            front.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..8]);
            u64::from_le_bytes(front)
        }))
    }

    /// Whether both are known, and one and the same.
    pub fn is(self, other: Self) -> bool {
        self.0.is_some() && self == other
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.unwrap_or(0).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(Some(u64::from_le_bytes(bytes)).filter(|id| *id != 0))
    }
}

/// The kernel's name for this start of the machine, where it has one. Asked once: no process outlives it.
pub fn boot_id() -> Option<&'static str> {
    static ANSWER: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned())
    };
    ANSWER.get_or_init(ask).as_deref()
}
