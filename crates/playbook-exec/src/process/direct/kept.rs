//! What the shell said of environments, kept for the runs that follow.
//!
//! What a shell hands on follows from which shell it is and from what it is given, so an answer is known by the digest of
//! all that. Values that people put into their environment are not written down: of a variable that is handed on
//! as it was given only its number is, and an answer with any other value that is not the shell's own is not kept.
//!
//! | bytes | what |
//! |---|---|
//! | 24 | `playbook environments 1` and a line break |
//! | 32 | the BLAKE3 of everything behind them |
//! | 32, 4 each | what was asked, and the length of the answer, which follows |
//!
//! and of each answer:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | whether `_` is the path of the program |
//! | 1 each | 0 for a variable that is handed on as it was given, 1 for one of the shell's own |
//! | 4 | its number among those that were given; or |
//! | 4, …, 4, … | the length of its name, the name, the length of its value, the value |

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_hash::disk::sealed::{seal, unseal, unsealed};
use playbook_hash::disk::{DiskError, Durability, replace};
use playbook_hash::{Moment, StatKey, boot_id, is_racy, this_program};

use crate::process::builder::{Builder, STAGE_MARK};
use crate::process::direct::environment::Environment;

const MAGIC: &[u8; 24] = b"playbook environments 1\n";
const DIGEST: usize = 32;
/// More answers are not kept: the oldest goes.
const MOST: usize = 64;
/// Variables that shells give values of their own.
const SHELLS_OWN: [&str; 6] = ["IFS", "OLDPWD", "OPTIND", "PWD", "SHLVL", "_"];
/// The dynamic linker puts the libraries that are named there into every program.
const PRELOAD: &str = "/etc/ld.so.preload";

/// Answers of shells, by what was asked.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Where they are kept, if they are.
    path: Option<PathBuf>,
    /// The newest last.
    answers: IndexMap<[u8; DIGEST], Vec<u8>>,
    is_new: bool,
}

/// What the shell is asked.
#[derive(Debug)]
pub(super) struct Question {
    given: IndexMap<OsString, OsString>,
    /// `None` if the answer is not for keeping.
    digest: Option<[u8; DIGEST]>,
}

impl Question {
    pub(super) fn of(builder: &Builder<'_>) -> Self {
        let inherited = std::env::vars_os().filter(|(name, _)| builder.environment.passes(name));
        let mut given: IndexMap<OsString, OsString> = inherited.collect();
        let command = builder.shell_command("");
        for (name, value) in command.get_envs() {
            let value = value.unwrap_or_default();
            given.insert(name.to_owned(), value.to_owned());
        }
        let digest = digest(&given, &builder.directory);
        Self { given, digest }
    }
}

/// Of the shell, the directory it is started in, and what it is given; but not of the stage, nor of what the caller's `_`
/// is, which do not matter to it. `None` where that is not all that the answer depends on.
fn digest(given: &IndexMap<OsString, OsString>, directory: &Path) -> Option<[u8; DIGEST]> {
    let shell = Path::new("/bin/sh").canonicalize().ok()?;
    let stat = StatKey::at(&shell)?;
    let preloads = Path::new(PRELOAD).symlink_metadata().is_ok();
    let links = |name: &OsString| name.as_bytes().starts_with(b"LD_");
    let is_plain = !preloads && !given.keys().any(links) && !is_racy(&stat, Moment::now());
    is_plain.then_some(())?;
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        // Lengths in front, so that nothing reads as something else.
        hasher.update(&bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    add(&this_program()?);
    add(boot_id()?.as_bytes());
    add(shell.as_os_str().as_bytes());
    add(format!("{stat:?}").as_bytes());
    add(directory.as_os_str().as_bytes());
    for (name, value) in given {
        add(name.as_bytes());
        if name != STAGE_MARK && name != "_" {
            add(value.as_bytes());
        }
    }
    Some(*hasher.finalize().as_bytes())
}

impl Kept {
    /// Those at `path`; none if they are not as this program wrote them.
    pub(super) fn load(path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap_or_default();
        Self {
            path: Some(path),
            answers: decode(&bytes).unwrap_or_default(),
            is_new: false,
        }
    }

    /// What the shell said when it was asked this.
    pub(super) fn find(&self, question: &Question) -> Option<Environment> {
        answer(self.answers.get(&question.digest?)?, &question.given)
    }

    /// Keeps what the shell said.
    pub(super) fn note(&mut self, question: &Question, found: &Environment) {
        let bytes = answer_bytes(found, &question.given);
        if let (Some(digest), Some(bytes), Some(_)) = (question.digest, bytes, &self.path) {
            self.answers.shift_remove(&digest);
            while self.answers.len() >= MOST {
                self.answers.shift_remove_index(0);
            }
            self.answers.insert(digest, bytes);
            self.is_new = true;
        }
    }

    /// Writes them down, if there are new ones.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub(super) fn save(&mut self) -> Result<(), DiskError> {
        match &self.path {
            Some(path) if std::mem::take(&mut self.is_new) => {
                replace(path, &encode(&self.answers), Durability::Fast)
            }
            _ => Ok(()),
        }
    }
}

fn answer_bytes(found: &Environment, given: &IndexMap<OsString, OsString>) -> Option<Vec<u8>> {
    let mut bytes = vec![u8::from(found.names_program)];
    for (name, value) in &found.vars {
        match given.get_full(name) {
            Some((number, _, before)) if before == value => {
                bytes.push(0);
                bytes.extend(u32::try_from(number).ok()?.to_le_bytes());
            }
            _ => {
                SHELLS_OWN.iter().find(|own| name == **own)?;
                bytes.push(1);
                for text in [name, value] {
                    bytes.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
    }
    Some(bytes)
}

fn answer(bytes: &[u8], given: &IndexMap<OsString, OsString>) -> Option<Environment> {
    let (names_program, mut rest) = bytes.split_first()?;
    let mut vars = Vec::new();
    while let Some((kind, behind)) = rest.split_first() {
        rest = behind;
        vars.push(match kind {
            0 => {
                let (name, value) = given.get_index(number(&mut rest)?)?;
                (name.clone(), value.clone())
            }
            1 => (text(&mut rest)?, text(&mut rest)?),
            _ => return None,
        });
    }
    let path = vars.iter().find(|(name, _)| name == OsStr::new("PATH"))?;
    Some(Environment {
        path: path.1.clone(),
        vars,
        names_program: *names_program != 0,
    })
}

fn encode(answers: &IndexMap<[u8; DIGEST], Vec<u8>>) -> Vec<u8> {
    let mut bytes = unsealed(MAGIC);
    for (question, answer) in answers {
        // An environment that does not fit was never handed to anybody.
        let length = u32::try_from(answer.len()).unwrap_or(u32::MAX);
        bytes.extend(question);
        bytes.extend(length.to_le_bytes());
        bytes.extend(answer);
    }
    seal(MAGIC, &mut bytes);
    bytes
}

fn decode(bytes: &[u8]) -> Option<IndexMap<[u8; DIGEST], Vec<u8>>> {
    let mut rest = unseal(MAGIC, bytes)?;
    let mut answers = IndexMap::new();
    while !rest.is_empty() {
        let (question, behind) = rest.split_first_chunk::<DIGEST>()?;
        rest = behind;
        let length = number(&mut rest)?;
        let (answer, behind) = rest.split_at_checked(length)?;
        rest = behind;
        answers.insert(*question, answer.to_vec());
    }
    Some(answers)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (bytes, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn text(rest: &mut &[u8]) -> Option<OsString> {
    let length = number(rest)?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(OsString::from_vec(text.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> IndexMap<OsString, OsString> {
        let pairs = [
            ("PATH", "/bin"),
            ("TOKEN", "a secret"),
            ("PWD", "/x"),
            ("_", "y"),
        ];
        let owned = pairs.map(|(name, value)| (name.into(), value.into()));
        owned.into_iter().collect()
    }

    fn found(vars: &[(&str, &str)]) -> Environment {
        let vars = vars
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Environment {
            vars,
            path: "/bin".into(),
            names_program: true,
        }
    }

    fn question(digest: u8) -> Question {
        Question {
            given: given(),
            digest: Some([digest; DIGEST]),
        }
    }

    #[test]
    fn what_was_said_is_said_again_without_the_values_of_people() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("environments");
        let said = found(&[
            ("TOKEN", "a secret"),
            ("SHLVL", "1"),
            ("PATH", "/bin"),
            ("OLDPWD", ""),
        ]);
        let mut kept = Kept::load(path.clone());
        kept.save().unwrap();
        assert!(!path.exists(), "there is nothing to keep");
        kept.note(&question(1), &said);
        kept.save().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|six| six == b"secret"), "{bytes:?}");
        let kept = Kept::load(path);
        let again = kept.find(&question(1)).unwrap();
        assert_eq!((&again.vars, &again.path), (&said.vars, &said.path));
        assert!(again.names_program);
        assert!(kept.find(&question(2)).is_none());
    }

    #[test]
    fn a_value_that_is_neither_given_nor_of_the_shells_is_not_kept() {
        let mut kept = Kept {
            path: Some(PathBuf::from("nowhere")),
            ..Kept::default()
        };
        for other in [("TOKEN", "changed"), ("NEW", "made"), ("PS4", "+ ")] {
            kept.note(&question(1), &found(&[("PATH", "/bin"), other]));
            assert!(kept.find(&question(1)).is_none(), "{other:?}");
        }
        let unknown = Question {
            digest: None,
            ..question(1)
        };
        kept.note(&unknown, &found(&[("PATH", "/bin")]));
        assert!(kept.answers.is_empty());
    }

    #[test]
    fn everything_the_shell_is_given_is_part_of_what_is_asked() {
        let here = Path::new("/x");
        let asked = digest(&given(), here);
        // Where the shell of this machine is too young, nothing is kept, and there is nothing to compare.
        let Some(asked) = asked else { return };
        let with = |name: &str, value: &str| {
            let mut given = given();
            given.insert(name.into(), value.into());
            digest(&given, here)
        };
        assert_eq!(digest(&given(), here), Some(asked));
        for name in [STAGE_MARK, "_"] {
            assert_eq!(with(name, "a"), with(name, "b"), "but not {name}");
        }
        for (name, value) in [("PATH", "/usr/bin"), ("NEW", ""), ("TOKEN", "a secreT")] {
            assert_ne!(with(name, value), Some(asked), "{name}");
        }
        assert_ne!(digest(&given(), Path::new("/")), Some(asked));
        assert_eq!(with("LD_PRELOAD", "x.so"), None);
    }

    #[test]
    fn damaged_anywhere_nothing_is_kept_and_only_so_many_are() {
        let mut kept = Kept {
            path: Some(PathBuf::from("nowhere")),
            ..Kept::default()
        };
        for n in 0..=MOST {
            kept.note(
                &question(u8::try_from(n).unwrap()),
                &found(&[("PATH", "/bin")]),
            );
        }
        assert_eq!(kept.answers.len(), MOST);
        assert!(
            kept.find(&question(0)).is_none(),
            "the oldest made room for the newest"
        );
        kept.answers.truncate(2);
        let whole = encode(&kept.answers);
        assert_eq!(decode(&whole), Some(kept.answers));
        for at in 0..whole.len() {
            assert!(decode(&whole[..at]).is_none(), "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(decode(&flipped).is_none(), "flipped at {at}");
        }
        // Whoever can make a checksum can make anything; that must not stop us, either.
        let bytes = answer_bytes(&found(&[("PATH", "/bin"), ("SHLVL", "2")]), &given()).unwrap();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                drop(answer(&changed, &given()));
                drop(answer(&changed[..at], &given()));
            }
        }
    }
}
