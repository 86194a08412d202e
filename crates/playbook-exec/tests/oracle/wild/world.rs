//! The world as the oracle of wildcards has it: `a_{s}` is made from each file, `b_{s}` from what that makes, and `all`
//! collects what one of them makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{TestCaseError, prop_assert, prop_assert_eq};

use crate::edit::own_file;
use crate::files::{put, put_in_secret, read_tree, remove, rename, touch};
use crate::running::Run;
use crate::wild::edit::{BAD, Damage, Edit, NAMES, Shape};
use crate::world::LOCK;
use crate::{Account, Expected};

const IGNORE: &str = ".playbookignore";

/// What a stage last ran on, and what it made: nothing if it failed.
#[derive(Debug, Clone, PartialEq)]
struct Ran {
    inputs: String,
    out: Option<String>,
}

/// A stage as it is now.
struct Stage {
    name: String,
    out: String,
    /// Paths, in the order in which they are read.
    deps: Vec<String>,
}

pub(crate) struct World<'d> {
    directory: &'d Path,
    shape: Shape,
    files: BTreeMap<String, u8>,
    common: u8,
    ignores: bool,
    /// What stands at each out, of stages that are gone as well.
    outs: BTreeMap<String, String>,
    ran: BTreeMap<String, Ran>,
    texts: usize,
    mine: BTreeSet<String>,
    past: Vec<(String, BTreeMap<String, Ran>)>,
}

fn text_of(says: u8) -> String {
    match says {
        BAD => "bad!\n".to_owned(),
        says => format!("in {says}\n"),
    }
}

impl<'d> World<'d> {
    pub(crate) fn new(directory: &'d Path, shape: Shape, files: &[(usize, u8)]) -> Self {
        let mut world = Self {
            directory,
            shape,
            files: BTreeMap::new(),
            common: 0,
            ignores: false,
            outs: BTreeMap::new(),
            ran: BTreeMap::new(),
            texts: 0,
            mine: BTreeSet::new(),
            past: Vec::new(),
        };
        fs::create_dir_all(world.path("raw/sub")).unwrap();
        fs::create_dir(world.path("mid")).unwrap();
        put(&world.path("x"), "x0\n");
        for (name, says) in files {
            world.put_input(NAMES[*name], *says);
        }
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    fn put_input(&mut self, name: &str, says: u8) {
        put(&self.path("raw").join(name), &text_of(says));
        self.files.insert(name.to_owned(), says);
    }

    /// What the wildcard stands for now, sorted.
    fn samples(&self) -> Vec<String> {
        let counts = |name: &&String| {
            let is_ignored = self.ignores && name.as_str() == "ignored.txt";
            !name.starts_with('.') && !name.contains('/') && !is_ignored
        };
        let ending = format!(".{}", self.shape.extension);
        let names = self.files.keys().filter(counts);
        let mut samples: Vec<String> = names
            .filter_map(|name| name.strip_suffix(&ending).map(str::to_owned))
            .collect();
        samples.sort();
        samples
    }

    fn now(&self) -> Vec<Stage> {
        let samples = self.samples();
        let mut first = Vec::new();
        let mut second = Vec::new();
        for sample in &samples {
            let mut deps = vec![format!("raw/{sample}.{}", self.shape.extension)];
            deps.extend(self.shape.has_common.then(|| "x".to_owned()));
            first.push(Stage {
                name: format!("a_{sample}"),
                out: format!("mid/{sample}"),
                deps,
            });
            second.push(Stage {
                name: format!("b_{sample}"),
                out: format!("out/{sample}"),
                deps: vec![format!("mid/{sample}")],
            });
        }
        let collected = if self.shape.collects_second {
            &second
        } else {
            &first
        };
        let deps: Vec<String> = collected.iter().map(|stage| stage.out.clone()).collect();
        let all = Stage {
            name: "all".to_owned(),
            out: "all".to_owned(),
            deps,
        };
        let mut stages = first;
        stages.append(&mut second);
        if !samples.is_empty() {
            stages.push(all);
        }
        stages
    }

    /// What a path says that no stage makes, or that one has made.
    fn says(&self, path: &str) -> String {
        match path.strip_prefix("raw/") {
            Some(name) => text_of(self.files[name]),
            None if path == "x" => format!("x{}\n", self.common),
            None => self.outs[path].clone(),
        }
    }

    /// Everything that decides about a stage.
    fn inputs(&self, stage: &Stage) -> String {
        let Shape {
            salt,
            param,
            is_short,
            ..
        } = &self.shape;
        let written = match stage.name.as_bytes()[0] as char {
            'a' if stage.name != "all" => format!("{salt} {param}"),
            'b' => format!("{is_short}"),
            _ => String::new(),
        };
        let read = stage.deps.iter().map(|dep| (dep, self.says(dep)));
        format!("{written} {:?}", read.collect::<Vec<_>>())
    }

    /// What a stage makes; nothing if it fails.
    fn makes(&self, stage: &Stage) -> Option<String> {
        let read: Vec<String> = stage.deps.iter().map(|dep| self.says(dep)).collect();
        let all = read.concat();
        if stage.name == "all" {
            let each = stage.deps.iter().zip(&read);
            return Some(each.flat_map(|(dep, text)| [dep, "\n", text]).collect());
        }
        if stage.name.starts_with('b') {
            return Some(if self.shape.is_short {
                format!("{}\n", all.len())
            } else {
                all
            });
        }
        let Shape { salt, param, .. } = &self.shape;
        (!all.contains("bad")).then(|| format!("{salt} {param}\n{all}"))
    }

    fn my_text(&mut self) -> String {
        self.texts += 1;
        format!("mine {}\n", self.texts)
    }

    fn damage(&mut self, nth: usize, damage: &Damage) {
        let my_text = self.my_text();
        let Some(out) = self.outs.keys().nth(nth % self.outs.len().max(1)).cloned() else {
            return;
        };
        let place = self.path(&out);
        match damage {
            Damage::Remove => {
                remove(&place);
                self.outs.remove(&out);
            }
            Damage::Touch => touch(&place),
            Damage::Tamper => {
                put(&place, &my_text);
                self.outs.insert(out, my_text);
            }
            Damage::TamperInSecret => {
                let text = format!("#{}", &self.outs[&out][1..]);
                put_in_secret(&place, &text);
                self.outs.insert(out, text);
            }
        }
    }

    fn rename_input(&mut self, from: &str, to: &str) {
        if let Some(says) = self.files.remove(from) {
            rename(&self.path("raw").join(from), &self.path("raw").join(to));
            self.files.insert(to.to_owned(), says);
        }
    }
}

impl Account for World<'_> {
    type Edit = Edit;

    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Nothing => {}
            Edit::Put(name, says) => self.put_input(NAMES[*name], *says),
            Edit::PutInSecret(name, says) => {
                if let Some(found) = self.files.get_mut(NAMES[*name]) {
                    *found = *says;
                    put_in_secret(&self.path("raw").join(NAMES[*name]), &text_of(*says));
                }
            }
            Edit::Remove(name) => {
                self.files.remove(NAMES[*name]);
                remove(&self.path("raw").join(NAMES[*name]));
            }
            Edit::Rename(from, to) => self.rename_input(NAMES[*from], NAMES[*to]),
            Edit::Common(to) => {
                self.common = *to;
                put(&self.path("x"), &format!("x{to}\n"));
            }
            Edit::Param(to) => self.shape.param = *to,
            Edit::Salt(to) => self.shape.salt = *to,
            Edit::Extension(to) => self.shape.extension = to,
            Edit::ToggleShort => self.shape.is_short ^= true,
            Edit::ToggleCollected => self.shape.collects_second ^= true,
            Edit::ToggleCommon => self.shape.has_common ^= true,
            Edit::ToggleIgnore => {
                self.ignores ^= true;
                if self.ignores {
                    put(&self.path(IGNORE), "ignored*\n");
                } else {
                    remove(&self.path(IGNORE));
                }
            }
            Edit::Out(nth, damage) => self.damage(*nth, damage),
            Edit::AddLeftover => {
                let text = self.my_text();
                put(&self.path("mid/leftover"), &text);
            }
            Edit::Checkout(number) => {
                let number = number % self.past.len().max(1);
                if let Some((text, ran)) = self.past.get(number) {
                    put(&self.path(LOCK), text);
                    self.ran.clone_from(ran);
                }
            }
            Edit::Forget(file) => remove(&self.path(own_file(*file))),
        }
    }

    fn stages(&self) -> Vec<String> {
        self.now().into_iter().map(|stage| stage.name).collect()
    }

    fn needed_by(&self, stage: &str) -> BTreeSet<String> {
        let all = self.now();
        let mut needed = BTreeSet::from([stage.to_owned()]);
        for stage in all.iter().rev() {
            if needed.contains(&stage.name) {
                let makers = all.iter().filter(|maker| stage.deps.contains(&maker.out));
                needed.extend(makers.map(|maker| maker.name.clone()));
            }
        }
        needed
    }

    fn playbook(&self) -> String {
        let Shape {
            salt,
            param,
            extension,
            is_short,
            collects_second,
            has_common,
        } = &self.shape;
        let (common, read) = if *has_common { (", x", " x") } else { ("", "") };
        let short = if *is_short {
            "wc -c < mid/{s} | tr -d \" \""
        } else {
            "cat mid/{s}"
        };
        let collected = if *collects_second { "out" } else { "mid" };
        format!(
            "version: '1.0'\nname: oracle\nparams: {{p: {param}}}\nstages:\n  \
             a_{{s}}:\n    cmd: 'echo half > mid/{{s}}; if cat raw/{{s}}.{extension} | grep -q bad; then exit 3; fi; {{ echo {salt} {{{{params.p}}}}; cat raw/{{s}}.{extension}{read}; }} > mid/{{s}}'\n    \
             deps: ['raw/{{s}}.{extension}'{common}]\n    outs: ['mid/{{s}}']\n  \
             b_{{s}}:\n    cmd: '{short} > out/{{s}}'\n    deps: ['mid/{{s}}']\n    outs: ['out/{{s}}']\n  \
             all:\n    cmd: 'for f in {{{{deps}}}}; do echo $f; cat $f; done > all'\n    deps: ['{collected}/{{s}}']\n    outs: [all]\n"
        )
    }

    fn expect(&mut self, among: &BTreeSet<String>) -> Expected {
        self.mine = mine(&read_tree(self.directory));
        let mut expected = Expected::default();
        let stages = self.now();
        let mut lost = BTreeSet::new();
        for stage in stages.iter().filter(|stage| among.contains(&stage.name)) {
            if stage.deps.iter().any(|dep| lost.contains(dep)) {
                expected.skipped.insert(stage.name.clone());
                lost.insert(stage.out.clone());
                continue;
            }
            let inputs = self.inputs(stage);
            let stands = self.ran.get(&stage.name).is_some_and(|ran| {
                ran.inputs == inputs
                    && ran.out.is_some()
                    && ran.out.as_ref() == self.outs.get(&stage.out)
            });
            if stands {
                continue;
            }
            let out = self.makes(stage);
            if let Some(out) = &out {
                self.outs.insert(stage.out.clone(), out.clone());
            } else {
                expected.failed.insert(stage.name.clone());
                lost.insert(stage.out.clone());
            }
            self.ran.insert(stage.name.clone(), Ran { inputs, out });
            expected.ran.insert(stage.name.clone());
        }
        if !expected.ran.is_empty() {
            self.ran
                .retain(|name, _| stages.iter().any(|stage| stage.name == *name));
        }
        expected
    }

    fn came(&mut self, _: &Run) -> Result<(), TestCaseError> {
        let there = read_tree(self.directory);
        for path in self.outs.keys().chain(there.keys()) {
            let is_out =
                ["mid/", "out/"].iter().any(|front| path.starts_with(front)) || path == "all";
            if is_out && path != "mid/leftover" {
                prop_assert_eq!(
                    there.get(path),
                    self.outs.get(path),
                    "what stands at {}",
                    path
                );
            }
        }
        let lost: Vec<_> = self.mine.difference(&mine(&there)).cloned().collect();
        prop_assert!(lost.is_empty(), "lost of the user's: {:?}", lost);
        Ok(())
    }

    fn remember_the_lock(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path(LOCK)) {
            self.past.push((text, self.ran.clone()));
        }
    }
}

/// What the user wrote, wherever it is now.
fn mine(tree: &BTreeMap<String, String>) -> BTreeSet<String> {
    let texts = tree.values().filter(|text| text.starts_with("mine"));
    texts.cloned().collect()
}
