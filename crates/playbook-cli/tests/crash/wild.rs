//! Stages that are written as one: for each file that is there, and for each combination of values.

use std::collections::BTreeMap;

use crate::rng::Rng;
use crate::stage::{Out, STYLES, Stage, Style, Written};

/// Files that there may be, by the words that wildcards then stand for. No other word holds one of these.
const NAMES: [&str; 5] = ["fig", "kiwi", "lime", "nut", "plum"];
/// Values that the lists of a matrix may hold.
const SIZES: [&str; 3] = ["tiny", "vast", "wide"];
const TINTS: [&str; 3] = ["blue", "jade", "red"];

/// Two stages with a wildcard, the second of what the first makes; one that collects what that makes; a matrix below it,
/// and one that collects what that makes.
#[derive(Debug, Clone)]
pub(crate) struct Wild {
    /// What its stages' names end in, before what tells one from another.
    pub(crate) renamed: String,
    sizes: Vec<&'static str>,
    tints: Vec<&'static str>,
    first: Stage,
    second: Stage,
    /// Which of the first ones' outs they read.
    reads: usize,
    all: Stage,
    matrix: Stage,
    grid: Stage,
}

impl Wild {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut stages = ["w", "v", "all", "m", "grid"].map(|name| Stage::random(rng, name));
        for stage in &mut stages {
            stage.lines = stage.lines.min(2);
            // What stands in quotes can be no list.
            while stage.style == Style::Detached && matches!(&*stage.name, "all" | "grid") {
                stage.style = rng.pick(&STYLES);
            }
        }
        let [first, second, all, matrix, grid] = stages;
        let sizes = rng.between(1, 2);
        Self {
            renamed: String::new(),
            sizes: rng.sample(&SIZES, sizes),
            tints: rng.sample(&TINTS, 2),
            first,
            second,
            reads: rng.below(2),
            all,
            matrix,
            grid,
        }
    }

    /// Another value in a list, or one less.
    pub(crate) fn vary(&mut self, rng: &mut Rng) {
        if rng.one_in(2) {
            toggle(&mut self.sizes, rng.pick(&SIZES));
        } else {
            toggle(&mut self.tints, rng.pick(&TINTS));
        }
    }

    /// The stages there are now, behind so many others.
    pub(crate) fn stages(&self, sources: &BTreeMap<String, u32>, before: usize) -> Vec<Stage> {
        let names = sources.keys().filter_map(|path| name(path));
        let names: Vec<&str> = names.collect();
        let Self { renamed, .. } = self;
        let mut stages = Vec::new();
        let wild = |nth: usize, name: &str, title: &str| {
            let words = vec![(name.to_owned(), "{n}".to_owned())];
            first_of(nth, title.to_owned(), String::new(), words)
        };
        for (nth, name) in names.iter().enumerate() {
            stages.push(Stage {
                name: format!("w{renamed}_{name}"),
                reads: [self.first.reads.clone(), vec![file(name)]].concat(),
                outs: vec![
                    Out::File(format!("wild/w/{name}.txt")),
                    Out::Directory(format!("wild/w/{name}.d")),
                ],
                written: wild(nth, name, &format!("w{renamed}_{{n}}")),
                ..self.first.clone()
            });
        }
        for (nth, name) in names.iter().enumerate() {
            stages.push(Stage {
                name: format!("v{renamed}_{name}"),
                needs: vec![(before + nth, self.reads)],
                outs: vec![Out::File(format!("wild/v/{name}.txt"))],
                written: wild(nth, name, &format!("v{renamed}_{{n}}")),
                ..self.second.clone()
            });
        }
        let seconds = before + names.len();
        let all = before + stages.len();
        stages.push(Stage {
            name: format!("all{renamed}"),
            needs: (seconds..all).map(|at| (at, 0)).collect(),
            written: Written::Collecting("wild/v/{any}.txt".to_owned()),
            ..self.all.clone()
        });
        let mut made = Vec::new();
        for (nth, (size, tint)) in self.combinations().enumerate() {
            let (sizes, tints) = (self.sizes.join(", "), self.tints.join(", "));
            let line = format!("    matrix: {{size: [{sizes}], tint: [{tints}]}}\n");
            let item = |list: &str| format!("{{{{ item.{list} }}}}");
            let words = [(size, item("size")), (tint, item("tint"))];
            let words = words.map(|(word, item)| (word.to_owned(), item)).to_vec();
            let out = format!("mat/{size}-{tint}.txt");
            made.push((out.clone(), before + stages.len()));
            stages.push(Stage {
                name: format!("m{renamed}@{size}-{tint}"),
                needs: vec![(all, 0)],
                outs: vec![Out::File(out)],
                written: first_of(nth, format!("m{renamed}"), line, words),
                ..self.matrix.clone()
            });
        }
        // What a pattern matches is in the order of paths, whatever that of the lists.
        made.sort();
        stages.push(Stage {
            name: format!("grid{renamed}"),
            needs: made.iter().map(|(_, at)| (*at, 0)).collect(),
            written: Written::Collecting("mat/{any}.txt".to_owned()),
            ..self.grid.clone()
        });
        stages
    }

    fn combinations(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let with_tints = |size| self.tints.iter().map(move |tint| (size, *tint));
        self.sizes.iter().copied().flat_map(with_tints)
    }
}

fn first_of(nth: usize, title: String, line: String, words: Vec<(String, String)>) -> Written {
    match nth {
        0 => Written::First { title, line, words },
        _ => Written::Another,
    }
}

/// In if it is out, and out if it is not the last one in.
fn toggle(list: &mut Vec<&'static str>, value: &'static str) {
    match list.iter().position(|there| *there == value) {
        None => list.push(value),
        Some(_) if list.len() == 1 => {}
        Some(at) => {
            list.remove(at);
        }
    }
}

/// A few files that stages with a wildcard are for.
pub(crate) fn some_files(rng: &mut Rng) -> Vec<String> {
    let most = rng.between(2, 3);
    let names = rng.sample(&NAMES, most);
    names.into_iter().map(file).collect()
}

/// One of the files that there may be.
pub(crate) fn any_file(rng: &mut Rng) -> String {
    file(rng.pick(&NAMES))
}

fn file(name: &str) -> String {
    format!("in/w/{name}.src")
}

fn name(path: &str) -> Option<&str> {
    path.strip_prefix("in/w/")?.strip_suffix(".src")
}
