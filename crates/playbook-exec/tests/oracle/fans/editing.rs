//! What edits do to the disk and to the account of fan-outs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::TestCaseError;

use crate::edit::own_file;
use crate::fans::edit::{Change, Damage, Edit, Lost, NAMES};
use crate::fans::world::{Out, World, text_of};
use crate::files::{flip, put, put_in_secret, remove, rename, touch};
use crate::running::Run;
use crate::world::LOCK;
use crate::{Account, Expected};

/// Where the user puts files among outputs.
const ADDED: [&str; 3] = ["mine.txt", "sub/mine", "new/er/mine"];

impl Account for World<'_> {
    type Edit = Edit;

    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Nothing => {}
            Edit::Put(name, says) => self.put_input(NAMES[*name], *says),
            Edit::PutInSecret(name, says) => {
                let name = NAMES[*name];
                if let Some(found) = self.files.get_mut(name) {
                    *found = *says;
                    put_in_secret(&self.directory.join("in").join(name), &text_of(*says));
                }
            }
            Edit::Remove(name) => {
                if self.files.remove(NAMES[*name]).is_some() {
                    remove_below(&self.path("in"), NAMES[*name]);
                }
            }
            Edit::Rename(from, to) => self.rename_input(NAMES[*from], NAMES[*to]),
            Edit::Source(to) => {
                self.source = *to;
                put(&self.path("s"), &format!("s{to}\n"));
            }
            Edit::Extra(to) => {
                self.extra = *to;
                put(&self.path("x"), &format!("x{to}\n"));
            }
            Edit::Param(i, to) => self.params[*i] = *to,
            Edit::Fan(i, change) => self.change(*i, change),
            Edit::Out(i, damage) => self.damage(*i, damage),
            Edit::Record(i, lost) => self.lose(*i, lost),
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
        (0..self.fans.len() + 2).map(|i| format!("t{i}")).collect()
    }

    fn needed_by(&self, stage: &str) -> BTreeSet<String> {
        let stage: usize = stage[1..].parse().unwrap();
        let needs_first = (1..=stage).any(|i| {
            let fan = self.fans.get(i - 1);
            fan.is_some_and(|fan| fan.is_after || fan.extra == crate::fans::edit::Extra::Made)
        });
        let first = (needs_first || stage == 0).then_some(0);
        let all = first.into_iter().chain(1..=stage);
        all.map(|i| format!("t{i}")).collect()
    }

    fn playbook(&self) -> String {
        self.text()
    }

    fn expect(&mut self, among: &BTreeSet<String>) -> Expected {
        self.expect_all(among)
    }

    fn came(&mut self, run: &Run) -> Result<(), TestCaseError> {
        self.came_to(run)
    }

    fn remember_the_lock(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path(LOCK)) {
            self.past.push((text, self.ran.clone()));
        }
        for fan in 0..self.fans.len() {
            let record = fs::read(self.record(fan)).unwrap_or_default();
            self.records[fan].push(record);
        }
    }
}

impl World<'_> {
    fn rename_input(&mut self, from: &str, to: &str) {
        if from == to {
            return;
        }
        let Some(says) = self.files.remove(from) else {
            return;
        };
        let place = self.path("in").join(to);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        rename(&self.path("in").join(from), &place);
        remove_below(&self.path("in"), from);
        self.files.insert(to.to_owned(), says);
    }

    fn change(&mut self, i: usize, change: &Change) {
        let fan = &mut self.fans[i];
        match change {
            Change::Size(to) => fan.size = *to,
            Change::Glob(to) => fan.glob = *to,
            Change::Ext => fan.has_ext ^= true,
            Change::Salt(to) => fan.salt = *to,
            Change::Env(to) => fan.env = *to,
            Change::Extra(to) => fan.extra = *to,
            Change::Workers(to) => fan.workers = *to,
        }
    }

    fn my_text(&mut self) -> String {
        self.texts += 1;
        format!("mine {}\n", self.texts)
    }

    fn damage(&mut self, i: usize, damage: &Damage) {
        let top = self.path(&format!("o{i}"));
        let text = self.my_text();
        let out = &mut self.outs[i];
        let nth = |n: &usize| out.tree.keys().nth(n % out.tree.len().max(1)).cloned();
        let (set, path) = match damage {
            Damage::Gone => {
                remove(&top);
                *out = Out::default();
                return;
            }
            Damage::File => {
                remove(&top);
                put(&top, &text);
                *out = Out {
                    file: Some(text),
                    ..Out::default()
                };
                return;
            }
            Damage::Add(n) => (Some(text), Some(ADDED[n % ADDED.len()].to_owned())),
            Damage::Tamper(n) => (Some(text), nth(n)),
            Damage::TamperInSecret(n) => {
                let path = nth(n);
                let former = path.as_ref().map_or("", |path| &out.tree[path]);
                // No output begins like this.
                let text = former.get(1..).map(|rest| format!("#{rest}"));
                (text, path)
            }
            Damage::Remove(n) => (None, nth(n)),
            Damage::Touch(n) => {
                if let Some(path) = nth(n) {
                    touch(&top.join(path));
                }
                return;
            }
        };
        let Some(path) = path.filter(|_| out.file.is_none()) else {
            return;
        };
        if let Some(text) = set {
            let place = top.join(&path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            if matches!(damage, Damage::TamperInSecret(_)) {
                put_in_secret(&place, &text);
            } else {
                put(&place, &text);
            }
            out.is_there = true;
            out.tree.insert(path, text);
        } else {
            remove_below(&top, &path);
            out.tree.remove(&path);
        }
    }

    fn lose(&mut self, i: usize, lost: &Lost) {
        let path = self.record(i);
        if !path.exists() {
            return;
        }
        let bytes = fs::read(&path).unwrap();
        match lost {
            Lost::All => remove(&path),
            Lost::Bit(at) if !bytes.is_empty() => flip(&path, *at),
            Lost::Bit(_) => {}
            Lost::Tail(at) => put_bytes(&path, &bytes[..at % (bytes.len() + 1)]),
            Lost::Old(n) => {
                let n = n % self.records[i].len();
                put_bytes(&path, &self.records[i][n]);
            }
        }
        self.forget_when(i);
    }
}

fn put_bytes(path: &Path, bytes: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::write(path, bytes).unwrap();
}

/// Removes a file and the directories that it leaves empty.
fn remove_below(top: &Path, path: &str) {
    let place = top.join(path);
    remove(&place);
    let above = place.ancestors().skip(1);
    for directory in above.take_while(|directory| *directory != top) {
        if fs::remove_dir(directory).is_err() {
            break;
        }
    }
}
