//! What the playbook of fan-outs says, and what its commands make.

use std::fmt::Write as _;

use crate::fans::edit::{DECLARED, Extra, GLOBS};
use crate::fans::world::World;

impl World<'_> {
    pub(super) fn dep(fan: usize) -> String {
        match fan {
            0 => "in".to_owned(),
            fan => format!("o{}", fan - 1),
        }
    }

    /// What is read of all jobs.
    pub(super) fn extra_path(&self, fan: usize) -> Option<&'static str> {
        match self.fans[fan].extra {
            Extra::Nothing => None,
            Extra::Source => Some("x"),
            Extra::Made => Some("b"),
        }
    }

    pub(super) fn extra_text(&self, fan: usize) -> String {
        match self.fans[fan].extra {
            Extra::Nothing => String::new(),
            Extra::Source => format!("x{}\n", self.extra),
            Extra::Made => self.made.clone().unwrap(),
        }
    }

    pub(super) fn command(&self, i: usize) -> String {
        let fan = &self.fans[i];
        let (inputs, outputs) = match fan.size {
            None => ("{{input}}", "{{output}}"),
            Some(_) => ("{{inputs}}", "{{outputs}}"),
        };
        let param = fan.param.filter(|i| *i != DECLARED);
        let param = param.map(|i| format!(" {{{{params.p{i}}}}}"));
        let param = param.unwrap_or_default();
        let extra = self.extra_path(i).map(|path| format!("cat {path}; "));
        let extra = extra.unwrap_or_default();
        let all = if fan.short {
            format!("cat {inputs} | wc -c | tr -d ' '")
        } else {
            format!("cat {inputs}; cat \"$i\"")
        };
        format!(
            "set -- {outputs}; for i in {inputs}; do echo \"t{} $i\" >> ../jobs; done; \
             echo half > \"$1\"; if cat {inputs} | grep -q bad; then exit 3; fi; \
             for i in {inputs}; do {{ echo {}{param} \"$E\"; {extra}{all}; }} > \"$1\"; shift; done",
            i + 1,
            fan.salt,
        )
    }

    /// What a job makes of one input, out of all it reads.
    pub(super) fn makes(&self, i: usize, all: &[&str], input: &str) -> String {
        let fan = &self.fans[i];
        let param = fan.param.filter(|i| *i != DECLARED);
        let param = param.map(|i| format!(" {}", self.params[i]));
        let param = param.unwrap_or_default();
        let extra = self.extra_text(i);
        let all = all.concat();
        let rest = if fan.short {
            format!("{}\n", all.len())
        } else {
            all + input
        };
        format!("{}{param} {}\n{extra}{rest}", fan.salt, fan.env)
    }

    pub(super) fn collect(&self) -> String {
        let last = self.fans.len() - 1;
        let each = self.outs[last].tree.iter();
        each.flat_map(|(path, text)| ["./", path, "\n", text])
            .collect()
    }

    pub(super) fn text(&self) -> String {
        let mut text = "version: \"1.0\"\nname: oracle\nparams:\n".to_owned();
        for (i, value) in self.params.iter().enumerate() {
            writeln!(text, "  p{i}: {value}").unwrap();
        }
        text += "stages:\n  t0: {cmd: 'case $(cat s) in *[02]) echo even > b;; *) echo odd > b;; esac', deps: [s], outs: [b]}\n";
        for (i, fan) in self.fans.iter().enumerate() {
            let command = serde_json::to_string(&self.command(i)).unwrap();
            let split = match fan.size {
                None => "strategy: per_file".to_owned(),
                Some(size) => format!("strategy: chunked, chunk_size: {size}"),
            };
            let glob = GLOBS[fan.glob].map(|glob| format!(", glob: '{glob}'"));
            let ext = if fan.has_ext { ", ext: o" } else { "" };
            let workers = (fan.workers > 0).then(|| format!(", max_workers: {}", fan.workers));
            let extra = self.extra_path(i).map(|path| format!(", {path}"));
            writeln!(
                text,
                "  t{}: {{cmd: {command}, deps: [{}{}], outs: [o{i}], after: [{}], params: [{}], deterministic: {}, env: {{E: '{}'}}, parallel: {{{split}{}{ext}{}}}}}",
                i + 1,
                Self::dep(i),
                extra.unwrap_or_default(),
                if fan.is_after { "t0" } else { "" },
                if fan.param == Some(DECLARED) { "p1" } else { "" },
                fan.deterministic,
                fan.env,
                glob.unwrap_or_default(),
                workers.unwrap_or_default(),
            )
            .unwrap();
        }
        let last = self.fans.len() - 1;
        writeln!(
            text,
            "  t{}: {{cmd: 'cd o{last}; find . -type f | LC_ALL=C sort | while read -r f; do echo \"$f\"; cat \"$f\"; done > ../all', deps: [o{last}], outs: [all]}}",
            last + 2
        )
        .unwrap();
        text
    }
}
