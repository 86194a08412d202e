//! Which build of the program this is.

use std::sync::OnceLock;

/// This program: its version, and the size, times and inode of its file. Another version, or another build of it,
/// may read the same text otherwise, so whatever a program keeps for itself names the one that wrote it. `None`
/// where the system does not tell. Asked once: it stays the program that was started.
pub fn this_program() -> Option<[u8; 32]> {
    static ANSWER: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    *ANSWER.get_or_init(ask)
}

fn ask() -> Option<[u8; 32]> {
    let file = std::env::current_exe().ok()?;
    let stat = rustix::fs::stat(&file).ok()?;
    let times = (
        (stat.st_mtime, stat.st_mtime_nsec),
        (stat.st_ctime, stat.st_ctime_nsec),
    );
    let version = env!("CARGO_PKG_VERSION");
    let text = format!("{version} {} {} {times:?}", stat.st_size, stat.st_ino);
    Some(*blake3::hash(text.as_bytes()).as_bytes())
}
