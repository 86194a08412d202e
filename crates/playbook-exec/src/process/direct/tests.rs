//! What is run without a shell ends as it does with one, and leaves the same; what is not surely the same is refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use indexmap::IndexMap;
use playbook_hash::disk::{Durability, open_empty, replace};
use playbook_types::model::policy::Environment;
use playbook_types::model::shell::ShellMode;
use playbook_types::name::EnvName;
use proptest::prelude::*;

use super::words::parse;
use super::{Direct, Shell, retelling};
use crate::process::builder::Builder;
use crate::process::group::{Ended, Group, Leader};

/// A directory to run commands in, and what is known of the shell there.
struct Place {
    dir: tempfile::TempDir,
    direct: Direct,
    env: IndexMap<EnvName, String>,
    environment: Environment,
}

/// How a command was run, and what came of it.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    ended: Ended,
    log: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Place {
    fn new(env: &[(&str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| {
            let name = EnvName::parse(name).unwrap();
            (name, (*value).to_owned())
        });
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
            direct: Direct::default(),
            env: env.collect(),
            environment: Environment::Inherit,
        };
        place.have_the_shell_asked();
        place
    }

    /// From the fourth command on it has been.
    fn have_the_shell_asked(&self) {
        self.set_up();
        for _ in 0..4 {
            self.with("cat", |builder| drop(builder.prepare(&self.direct)));
        }
    }

    /// The files as every command finds them.
    fn set_up(&self) {
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            }
            .unwrap();
        }
        let file = |name: &str, text: &str, mode| {
            let path = self.dir.path().join(name);
            replace(&path, text.as_bytes(), Durability::Fast).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        file("in", "some\ninput\n", 0o644);
        file("old", "old contents, longer than new ones\n", 0o644);
        file("plain", "not a program", 0o644);
        file("bare", "echo no interpreter \"$0\" \"$@\"", 0o755);
        file(
            "tool",
            "#!/bin/sh\necho \"$0\"; printf '[%s]' \"$@\"; cat; echo bad >&2; exit 7\n",
            0o755,
        );
        fs::create_dir(self.dir.path().join("sub")).unwrap();
        std::os::unix::fs::symlink("gone", self.dir.path().join("dangling")).unwrap();
    }

    fn with<T>(&self, text: &str, act: impl FnOnce(&Builder<'_>) -> T) -> T {
        let state = self.dir.path().join("sub");
        let log = open_empty(&self.dir.path().join("log")).unwrap();
        act(&Builder {
            shell: ShellMode::Sh,
            text,
            directory: self.dir.path().to_owned(),
            env: &self.env,
            environment: self.environment,
            out: &log,
            err: &log,
            state: &state,
            devices: None,
            stage: "a",
        })
    }

    /// Runs a command with a shell or, if it can be, without one.
    fn run(&self, text: &str, with: Leader) -> Option<Done> {
        self.set_up();
        self.with(text, |builder| {
            let group = match with {
                Leader::Shell => builder.spawn_shell().unwrap(),
                Leader::Program => {
                    let prepared = builder.prepare(&self.direct);
                    builder.spawn(prepared).unwrap()
                }
            };
            if group.led_by() != with {
                let _ended = end(group);
                return None;
            }
            let ended = match (end(group), with) {
                (Ended::Signalled(signal), Leader::Program) => {
                    let text = &retelling(signal);
                    let builder = Builder {
                        text,
                        directory: builder.directory.clone(),
                        ..*builder
                    };
                    end(builder.spawn_shell().unwrap())
                }
                (ended, _) => ended,
            };
            Some(self.look(ended))
        })
    }

    fn look(&self, ended: Ended) -> Done {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
        let log = String::from_utf8(files.remove("log").unwrap()).unwrap();
        Done { ended, log, files }
    }

    /// That a command needs no shell, and that nobody can tell.
    fn same(&self, text: &str) -> Done {
        let direct = self.run(text, Leader::Program);
        if direct.is_none() && self.direct.shell() != Shell::Dash {
            return self.run(text, Leader::Shell).unwrap();
        }
        let direct = direct.unwrap_or_else(|| panic!("a shell was needed for {text:?}"));
        assert_eq!(
            Some(&direct),
            self.run(text, Leader::Shell).as_ref(),
            "{text:?}"
        );
        direct
    }
}

fn end(group: Group) -> Ended {
    group.wait_for_leader().unwrap();
    group.end().unwrap().0
}

#[test]
fn words_are_read_as_the_shell_reads_them() {
    let place = Place::new(&[]);
    let done =
        place.same("  ./tool a 'b c' \"d 'e'\" f'g'\"h\" '' x=1 -o:%@+,. '$HOME*?~' < in > out\n");
    assert_eq!(done.ended, Ended::Exited(7));
    assert_eq!(done.log, "bad\n");
    let expected = "./tool\n[a][b c][d 'e'][fgh][][x=1][-o:%@+,.][$HOME*?~]some\ninput\n";
    assert_eq!(String::from_utf8_lossy(&done.files["out"]), expected);
}

#[test]
fn files_are_opened_as_the_shell_opens_them() {
    let place = Place::new(&[]);
    for text in [
        "cat in > old",
        "cat in >> old",
        "cat <in >>new",
        "cat > new < in -",
        "cat in > dangling",
        "cat missing > new",
        "ls > sub/new",
        "cat",
    ] {
        place.same(text);
    }
}

#[test]
fn a_program_cannot_tell_whether_a_shell_started_it() {
    let place = Place::new(&[("DECLARED", "two\nlines"), ("OPTIND", "7"), ("IFS", ":")]);
    place.same("cat /proc/self/cmdline in > out");
    place.same("readlink /proc/self/cwd /proc/self/exe");
    place.same(
        "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3 /proc/self/fd/10",
    );
    place.same("readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/3 < in > out");
    place.same("grep -E '^(Umask|SigBlk|SigIgn|SigCgt)' /proc/self/status");
    let environment = |place: &Place, with| {
        let done = place.run("cat /proc/self/environ", with);
        let done = done
            .or_else(|| place.run("cat /proc/self/environ", Leader::Shell))
            .unwrap();
        let mut all: Vec<_> = done.log.split('\0').map(str::to_owned).collect();
        all.sort();
        all
    };
    let inherited = environment(&place, Leader::Program);
    assert_eq!(inherited, environment(&place, Leader::Shell));
    let mut clean = place;
    clean.environment = Environment::Clean;
    for _ in 0..4 {
        clean.with("cat", |builder| drop(builder.prepare(&clean.direct)));
    }
    clean.same("cat in > out");
    let left = environment(&clean, Leader::Program);
    assert_eq!(left, environment(&clean, Leader::Shell));
    assert!(left.len() < inherited.len(), "{left:?}");
}

#[test]
fn what_the_shell_said_is_known_to_the_next_run_from_its_first_command_on() {
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("environments");
    let known = || Direct::kept_at(file.clone());
    let mut place = Place::new(&[("DECLARED", "told to nobody")]);
    let asked = place.run("cat in", Leader::Program);
    place.direct = known();
    place.have_the_shell_asked();
    place.direct.save().unwrap();
    let Ok(bytes) = fs::read(&file) else {
        // A shell whose ways are not known, or one that was installed just now.
        return;
    };
    assert!(!bytes.windows(4).any(|four| four == b"told"), "{bytes:?}");
    place.direct = known();
    assert_eq!(place.run("cat in", Leader::Program), asked);
    place.direct = known();
    place.same("cat /proc/self/environ");
    // It is no answer to anything else.
    place.direct = known();
    let name = EnvName::parse("DECLARED").unwrap();
    place.env.insert(name, "something else".to_owned());
    assert_eq!(place.run("cat in", Leader::Program), None);
    place.env = Place::new(&[("DECLARED", "told to nobody")]).env;
    place.direct = Direct::default();
    assert_eq!(place.run("cat in", Leader::Program), None);
}

#[test]
fn a_program_that_a_signal_ends_is_told_of_as_the_shell_tells_it() {
    let place = Place::new(&[]);
    for signal in [
        "HUP", "INT", "QUIT", "ABRT", "KILL", "SEGV", "PIPE", "TERM", "USR1",
    ] {
        place.same(&format!("sh -c 'ulimit -c 0; kill -{signal} $$'"));
    }
}

#[test]
fn whatever_goes_wrong_is_left_to_the_shell() {
    let place = Place::new(&[]);
    for text in [
        "nowhere_to_be_found > out",
        "./plain > out",
        "./bare a > out",
        "./missing",
        "./sub",
        "cat in > sub",
        "cat in > missing/out",
        "cat > out < missing",
        "cat < sub",
        "cat in > /dev/null",
    ] {
        assert_eq!(place.run(text, Leader::Program), None, "{text:?}");
        let after = place.look(Ended::Exited(0));
        let shell = place.run(text, Leader::Shell).unwrap();
        assert_eq!(
            (after.log, after.files),
            (shell.log, shell.files),
            "{text:?}"
        );
    }
}

#[test]
fn an_environment_that_changes_what_the_shell_does_is_left_to_it() {
    for variable in ["ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "_"] {
        let place = Place::new(&[(variable, "posix")]);
        assert_eq!(place.run("cat in", Leader::Program), None, "{variable}");
    }
    for path in ["", ".", "bin:/bin", "/bin/:/usr/bin", ":/bin"] {
        let place = Place::new(&[("PATH", path)]);
        assert_eq!(place.run("cat in", Leader::Program), None, "{path:?}");
    }
}

#[test]
fn a_program_is_looked_up_where_the_shell_looks_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let place = Place::new(&[("PATH", &path)]);
    let first = place.same("tac in > out");
    let own = dir.path().join("tac");
    replace(&own, b"#!/bin/sh\necho mine \"$0\"\n", Durability::Fast).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let second = place.same("tac in > out");
    assert_ne!(first, second);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.run("tac in > out", Leader::Program), None);
}

#[test]
fn what_means_anything_to_a_shell_is_refused() {
    // Two blanks are between them.
    let texts = "a; b  a && b  a &  (a)  { a; }  ! a  a # c  $a  a $a  a `b`  a \\b  a *  a ?  a [b]  a {b,c}  a ~  a ~/b  a=b  \
        a=b c  ~/a  'a' b  \"a\"  a \"$b\"  a \"b\\c\"  a \"!b\"  a 'b  a \"b  a 2> b  a 2>&1  a >& b  a &> b  a >| b  a << b  a <<< b  \
        a <> b  a >  a > b > c  a < b < c  > a  > a b  a b>c  a 2>b  a >$b  a >''  a | b  a|b  a || b  a\nb  a \n b  a 'b\nc'  \
        cd b  . b  : b  [ b ]  test b  echo b  printf b  true  false  exec b  eval b  command b  time b  if b  while b  \
        function b  select b  env  env b  /usr/bin/env b  printenv  setsid b  a\tb\u{1}  a \u{e9}  a '\u{e9}'  a ^b  a %b%;  -a  \
        +a  @a  a\u{0}b  unset b  umask  ulimit -n  trap b  let b  source b  [[ b ]]  type a  hash  fg  wait  in  do  done  fi";
    for text in texts.split("  ").chain(["", " \n"]) {
        assert_eq!(parse(text), None, "{text:?}");
    }
    assert!(parse("a '>' b > c").is_some_and(|simple| simple.words == ["a", ">", "b"]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Texts made of what may be and what may not be, close together.
    #[test]
    fn what_is_accepted_does_what_the_shell_does(
        name in prop::sample::select(vec!["./tool", "cat", "/bin/echo", "expr"]),
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                " ", " ", " ", "a", "in", "-", "'b c'", "\"d\"", "''", "x=1", "*", "$HOME", "%", "+1", "/", ".", "~", "=", ":",
                " > new", " >> old", " < in", ">", "<", "2>", "\\", "#", " #", "!", "{", "}", "^", "\t", "@", ",", "'$(x)'", "\"'\"",
            ]),
            0..8,
        ),
    ) {
        let place = Place::new(&[]);
        let text = format!("{name} {}", pieces.concat());
        if let Some(direct) = place.run(&text, Leader::Program) {
            prop_assert_eq!(Some(direct), place.run(&text, Leader::Shell), "{:?}", text);
        }
    }
}
