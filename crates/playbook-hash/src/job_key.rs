//! The keys of a fan-out's jobs: everything that decides whether a job's output still stands.
//!
//! A job's command is the stage's with the job's own paths put in, so the stage's and the paths stand for it.

use playbook_types::digest::Digest;
use playbook_types::path::DataPath;
use playbook_types::record::lock::AfterEntry;

use crate::fingerprint::Fingerprint;
use crate::framed::Framed;
use crate::layout;
use crate::params::digest_params;

/// What the jobs of one stage have in common.
#[derive(Debug, Clone, Copy)]
pub struct JobKeys {
    common: Digest,
}

/// One file of a job.
#[derive(Debug, Clone, Copy)]
pub struct JobFile<'a> {
    /// What is read.
    pub input: &'a DataPath,
    /// Of its contents.
    pub digest: Digest,
    /// What is made of it.
    pub output: &'a DataPath,
}

impl JobKeys {
    /// Those of a stage whose first dep is split, in a run that follows these runs of others.
    pub fn new(fingerprint: &Fingerprint, after: &[AfterEntry]) -> Self {
        let Fingerprint {
            shell,
            command,
            is_list,
            deps,
            params,
            env,
            wdir,
            outs: _,  // each job has its own
            split: _, // which files a job has says it
        } = fingerprint;
        let mut framed = Framed::new(layout::JOBS);
        framed.bytes(shell.word().as_bytes());
        framed.digest(command);
        framed.tag(u8::from(*is_list));
        framed.digest(&digest_params(params));
        framed.option(env.as_ref(), Framed::digest);
        framed.option(wdir.as_ref(), |framed, path| {
            framed.bytes(path.as_str().as_bytes());
        });
        let mut others: Vec<_> = deps.iter().skip(1).collect();
        others.sort_by(|a, b| a.path.cmp(&b.path));
        framed.len(others.len());
        for other in others {
            framed.bytes(other.path.as_str().as_bytes());
            framed.digest(&other.digest);
        }
        framed.len(after.len());
        for AfterEntry {
            stage,
            completed_at,
        } in after
        {
            framed.bytes(stage.as_str().as_bytes());
            framed.option(completed_at.map(|at| at.to_string()), |framed, at| {
                framed.bytes(at.as_bytes());
            });
        }
        Self {
            common: framed.finish(),
        }
    }

    /// The key of the job with these files.
    pub fn key<'a>(&self, files: impl ExactSizeIterator<Item = JobFile<'a>>) -> Digest {
        let mut framed = Framed::new(layout::JOB);
        framed.digest(&self.common);
        framed.len(files.len());
        for JobFile {
            input,
            digest,
            output,
        } in files
        {
            framed.bytes(input.as_str().as_bytes());
            framed.digest(&digest);
            framed.bytes(output.as_str().as_bytes());
        }
        framed.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::digest_command;
    use crate::fingerprint::DataDigest;
    use playbook_types::model::fanout::{Split, Strategy};
    use playbook_types::model::shell::ShellMode;
    use playbook_types::name::{ParamKey, StageName};
    use playbook_types::value::ParamValue;

    fn path(text: &str) -> DataPath {
        DataPath::parse(text).unwrap()
    }

    fn dep(name: &str, contents: &str) -> DataDigest {
        DataDigest {
            path: path(name),
            digest: digest_command(contents),
            file_count: 1,
            total_bytes: 1,
        }
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint {
            shell: ShellMode::Sh,
            command: digest_command("x"),
            is_list: false,
            deps: vec![dep("raw", "1"), dep("model", "2"), dep("a", "3")],
            params: std::collections::BTreeMap::new(),
            env: None,
            wdir: None,
            outs: vec![path("done")],
            split: Some(Split {
                strategy: Strategy::PerFile,
                glob: None,
                ext: None,
            }),
        }
    }

    fn key_of(
        fingerprint: &Fingerprint,
        after: &[AfterEntry],
        files: &[(&str, &str, &str)],
    ) -> Digest {
        let files: Vec<_> = files
            .iter()
            .map(|(input, contents, output)| (path(input), digest_command(contents), path(output)))
            .collect();
        let files = files.iter().map(|(input, digest, output)| JobFile {
            input,
            digest: *digest,
            output,
        });
        JobKeys::new(fingerprint, after).key(files)
    }

    #[test]
    fn everything_that_decides_about_a_job_is_in_its_key_and_nothing_else() {
        let files = [("raw/a", "1", "done/a")];
        let plain = key_of(&fingerprint(), &[], &files);
        let change = |edit: fn(&mut Fingerprint)| {
            let mut changed = fingerprint();
            edit(&mut changed);
            key_of(&changed, &[], &files)
        };
        for same in [
            change(|it| it.deps[0].digest = digest_command("other files of the directory")),
            change(|it| it.deps[1..].reverse()),
            change(|it| it.split = None),
        ] {
            assert_eq!(same, plain);
        }
        let after = |at: Option<&str>| {
            let entry = AfterEntry {
                stage: StageName::parse("download").unwrap(),
                completed_at: at.map(|at| at.parse().unwrap()),
            };
            key_of(&fingerprint(), &[entry], &files)
        };
        let mut keys = vec![
            plain,
            change(|it| it.shell = ShellMode::Bash),
            change(|it| it.command = digest_command("y")),
            change(|it| it.is_list = true),
            change(|it| it.deps[1].digest = digest_command("4")),
            change(|it| it.deps[1].path = path("b")),
            change(|it| drop(it.deps.pop())),
            change(|it| {
                it.params
                    .insert(ParamKey::parse("k").unwrap(), ParamValue::Null);
            }),
            change(|it| it.env = Some(digest_command(""))),
            change(|it| it.wdir = Some(path("src"))),
            after(None),
            after(Some("2026-11-28T10:00:00Z")),
            after(Some("2026-11-28T10:00:01Z")),
            key_of(&fingerprint(), &[], &[("raw/b", "1", "done/a")]),
            key_of(&fingerprint(), &[], &[("raw/a", "2", "done/a")]),
            key_of(&fingerprint(), &[], &[("raw/a", "1", "done/b")]),
            key_of(
                &fingerprint(),
                &[],
                &[("raw/a", "1", "done/a"), ("raw/b", "1", "done/b")],
            ),
            key_of(
                &fingerprint(),
                &[],
                &[("raw/b", "1", "done/b"), ("raw/a", "1", "done/a")],
            ),
            key_of(&fingerprint(), &[], &[]),
        ];
        let all = keys.len();
        keys.sort_by_key(|key| *key.as_bytes());
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn the_layout_is_pinned() {
        let key = key_of(&fingerprint(), &[], &[("raw/a", "1", "done/a")]);
        insta::assert_snapshot!(key, @"blake3:4ea82440c0672224ca0b96ea787a8e8c14c2f062a317a8b5ff709c6740e05e5b");
    }
}
