//! The world as the oracle of params files has it: what each file says, and what that comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{TestCaseError, prop_assert_eq};

use crate::edit::own_file;
use crate::files::{put, remove, touch};
use crate::layers::edit::{Edit, File, Format, KEYS, Layer, VALUES};
use crate::running::Run;
use crate::world::LOCK;
use crate::{Account, Expected};

const STAGES: [&str; 5] = [
    "cmd: 'echo {{params.a}} > o0', outs: [o0]",
    "cmd: 'echo {{params.m.x}} > o1', outs: [o1]",
    "cmd: 'echo m > o2', params: [m], outs: [o2]",
    "cmd: 'echo {{params.l}} > o3', outs: [o3]",
    "cmd: 'cat o0 o1 > o4', deps: [o0, o1], outs: [o4]",
];

/// What a stage last ran on, and what it made.
type Ran = (String, String);

pub(crate) struct World<'d> {
    directory: &'d Path,
    base: [usize; KEYS],
    own: Layer,
    files: Vec<File>,
    /// In which order the playbook names them.
    order: Vec<usize>,
    /// How often each has changed its name.
    moves: Vec<usize>,
    unused: Vec<usize>,
    comments: Vec<usize>,
    outs: BTreeMap<usize, String>,
    ran: BTreeMap<usize, Ran>,
    past: Vec<(String, BTreeMap<usize, Ran>)>,
}

/// The text of a layer.
fn written(says: Layer, unused: usize, comment: usize, format: Format) -> String {
    let [a, x, y, l] = says.map(|value| value.map(|value| VALUES[value]));
    let list = l.map(|value| format!("[{value}, 3]"));
    let map = |between: &str| {
        let parts = [("x", x), ("y", y)].into_iter();
        let parts = parts.filter_map(|(name, value)| Some((name, value?)));
        let parts: Vec<String> = parts
            .map(|(name, value)| format!("\"{name}\"{between} {value}"))
            .collect();
        (!parts.is_empty()).then(|| format!("{{{}}}", parts.join(", ")))
    };
    let unused = VALUES[unused];
    let between = if format == Format::Toml { " =" } else { ":" };
    let all = [
        ("a", a.map(str::to_owned)),
        ("unused", Some(unused.to_owned())),
        ("l", list),
        ("m", map(between)),
    ];
    let all = all.into_iter();
    let all = all.filter_map(|(name, value)| Some(format!("\"{name}\"{between} {}", value?)));
    let lines: Vec<String> = all.collect();
    match format {
        Format::Json => format!("{{{}}}{}\n", lines.join(",\n"), " ".repeat(comment)),
        Format::Yaml | Format::Toml => format!("# {comment}\n{}\n", lines.join("\n")),
    }
}

impl<'d> World<'d> {
    pub(crate) fn new(directory: &'d Path, files: Vec<File>) -> Self {
        let count = files.len();
        let world = Self {
            directory,
            base: [0; KEYS],
            own: [None; KEYS],
            files,
            order: (0..count).collect(),
            moves: vec![0; count],
            unused: vec![0; count],
            comments: vec![0; count],
            outs: BTreeMap::new(),
            ran: BTreeMap::new(),
            past: Vec::new(),
        };
        fs::create_dir(world.path("deep")).unwrap();
        world.write_base();
        for i in 0..count {
            world.write(i);
        }
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    fn name(&self, i: usize) -> String {
        let directory = if self.moves[i] % 2 == 1 { "deep/" } else { "" };
        let extension = match self.files[i].format {
            Format::Yaml => "yaml",
            Format::Toml => "toml",
            Format::Json => "json",
        };
        format!("{directory}p{i}-{}.{extension}", self.moves[i])
    }

    fn write(&self, i: usize) {
        let File { says, format, .. } = self.files[i];
        let text = written(says, self.unused[i], self.comments[i], format);
        put(&self.path(&self.name(i)), &text);
    }

    fn write_base(&self) {
        let text = written(self.base.map(Some), 0, 0, Format::Yaml);
        put(&self.path("base.yaml"), &text);
    }

    fn listed(&self) -> Vec<usize> {
        let order = self.order.iter().copied();
        order.filter(|i| self.files[*i].is_listed).collect()
    }

    /// What a param comes to: the playbook's own, else that of the last file that has it.
    fn comes_to(&self, key: usize) -> usize {
        let listed = self.listed();
        let mut files = listed.iter().rev().filter_map(|i| self.files[*i].says[key]);
        self.own[key]
            .or_else(|| files.next())
            .unwrap_or(self.base[key])
    }

    /// What a stage depends on, and what it makes of it.
    fn stage(&self, i: usize) -> (String, String) {
        let value = |key: usize| VALUES[self.comes_to(key)];
        let word = |key: usize| value(key).trim_matches('"').to_owned();
        match i {
            0 => (value(0).to_owned(), format!("{}\n", word(0))),
            1 => (value(1).to_owned(), format!("{}\n", word(1))),
            2 => (format!("{} {}", value(1), value(2)), "m\n".to_owned()),
            3 => (value(3).to_owned(), format!("{} 3\n", word(3))),
            _ => {
                let read = format!("{}{}", self.outs[&0], self.outs[&1]);
                (read.clone(), read)
            }
        }
    }

    fn renamed(&mut self, i: usize, change: impl FnOnce(&mut Self)) {
        remove(&self.path(&self.name(i)));
        change(self);
        self.write(i);
    }
}

impl Account for World<'_> {
    type Edit = Edit;

    fn edit(&mut self, edit: &Edit) {
        match *edit {
            Edit::Nothing => {}
            Edit::Set(i, key, to) => {
                self.files[i].says[key] = to;
                self.write(i);
            }
            Edit::Base(key, to) => {
                self.base[key] = to;
                self.write_base();
            }
            Edit::Own(key, to) => self.own[key] = to,
            Edit::Unused(i, to) => {
                self.unused[i] = to;
                self.write(i);
            }
            Edit::Comment(i) => {
                self.comments[i] += 1;
                self.write(i);
            }
            Edit::Move(i) => self.renamed(i, |world| world.moves[i] += 1),
            Edit::Rewrite(i, format) => self.renamed(i, |world| world.files[i].format = format),
            Edit::Touch(i) => touch(&self.path(&self.name(i))),
            Edit::ToggleListed(i) => self.files[i].is_listed ^= true,
            Edit::Reorder => self.order.rotate_left(1),
            Edit::DeleteOut(i) => {
                self.outs.remove(&i);
                remove(&self.path(&format!("o{i}")));
            }
            Edit::Tamper(i) => {
                self.outs.insert(i, "by hand\n".to_owned());
                put(&self.path(&format!("o{i}")), "by hand\n");
            }
            Edit::Checkout(number) => {
                let number = number % self.past.len().max(1);
                if let Some((text, ran)) = self.past.get(number) {
                    put(&self.path(LOCK), text);
                    self.ran.clone_from(ran);
                }
            }
            Edit::Forget(file) => remove(&self.path(own_file(file))),
        }
    }

    fn stages(&self) -> Vec<String> {
        (0..STAGES.len()).map(|i| format!("t{i}")).collect()
    }

    fn needed_by(&self, stage: &str) -> BTreeSet<String> {
        let needed: &[&str] = match stage {
            "t4" => &["t0", "t1", "t4"],
            other => &[other],
        };
        needed.iter().map(|name| (*name).to_owned()).collect()
    }

    fn playbook(&self) -> String {
        let names: Vec<String> = self.listed().into_iter().map(|i| self.name(i)).collect();
        let own = written(self.own, 0, 0, Format::Json).replace('\n', " ");
        let mut stages = String::new();
        for (i, stage) in STAGES.iter().enumerate() {
            writeln!(stages, "  t{i}: {{{stage}}}").unwrap();
        }
        format!(
            "version: '1.0'\nname: oracle\nparams_files: [{}]\nparams: {own}\nstages:\n{stages}",
            [vec!["base.yaml".to_owned()], names].concat().join(", ")
        )
    }

    fn expect(&mut self, among: &BTreeSet<String>) -> Expected {
        let mut expected = Expected::default();
        for i in 0..STAGES.len() {
            let name = format!("t{i}");
            if !among.contains(&name) {
                continue;
            }
            let (inputs, out) = self.stage(i);
            let ran = self.ran.get(&i);
            let stands =
                ran.is_some_and(|(read, made)| *read == inputs && self.outs.get(&i) == Some(made));
            if !stands {
                self.outs.insert(i, out.clone());
                self.ran.insert(i, (inputs, out));
                expected.ran.insert(name);
            }
        }
        expected
    }

    fn came(&mut self, run: &Run) -> Result<(), TestCaseError> {
        for (i, out) in &self.outs {
            // A part of the run may leave others as they are.
            if run.ran.contains(&format!("t{i}")) {
                let there = fs::read_to_string(self.path(&format!("o{i}"))).unwrap();
                prop_assert_eq!(&there, out, "o{}", i);
            }
        }
        Ok(())
    }

    fn remember_the_lock(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path(LOCK)) {
            self.past.push((text, self.ran.clone()));
        }
    }
}
