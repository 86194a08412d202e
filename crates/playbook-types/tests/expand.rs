//! What stages a playbook with wildcards, `matrix` or `foreach` comes to, and what it is told about.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;

use playbook_types::expand::{Files, ListedFiles, Name};
use playbook_types::finding::{Findings, Severity};
use playbook_types::model::stage::Stage;
use playbook_types::name::StageName;
use playbook_types::parse::{Parsed, SourceName, parse_with};
use playbook_types::path::DataPath;
use proptest::prelude::*;

fn read(stages: &str, files: &mut dyn Files) -> Result<Parsed, Findings> {
    let text = format!("version: \"1.0\"\nname: t\n{stages}");
    parse_with(&text, &SourceName::new("playbook.yaml"), files)
}

/// The stages with what they read and make, then what is told.
fn expanded_of(playbook: &str, files: &mut dyn Files) -> String {
    let mut shown = String::new();
    let found = match read(playbook, files) {
        Ok(parsed) => {
            parsed
                .playbook
                .stages
                .values()
                .for_each(|stage| show(stage, &mut shown));
            parsed.warnings
        }
        Err(found) => found,
    };
    for finding in &found.0 {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let at = finding.place.as_ref().map_or(0, |place| place.line);
        writeln!(shown, "{severity}, line {at}: {}", finding.message).unwrap();
        if let Some(hint) = &finding.hint {
            writeln!(shown, "  hint: {hint}").unwrap();
        }
    }
    shown
}

fn show(stage: &Stage, shown: &mut String) {
    let paths = |paths: Vec<&DataPath>| {
        paths
            .iter()
            .map(|path| path.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let deps = paths(stage.deps.iter().map(|dep| &dep.path).collect());
    let outs = paths(stage.outs.iter().map(|out| &out.path).collect());
    write!(shown, "{}: {deps} -> {outs}", stage.name).unwrap();
    if !stage.after.is_empty() {
        let after: Vec<&str> = stage.after.iter().map(StageName::as_str).collect();
        write!(shown, " after {}", after.join(" ")).unwrap();
    }
    shown.push('\n');
}

fn expanded(stages: &str, files: &[&str]) -> String {
    let files = &mut ListedFiles::of(files.iter().copied());
    expanded_of(&format!("stages:\n{stages}"), files)
}

const TRANSCRIBE: &str = "  transcribe_{sample}: {cmd: 'w {sample}', deps: ['raw/{sample}.wav'], outs: ['out/{sample}.json']}\n";

fn with_transcribe(stages: &str, files: &[&str]) -> String {
    expanded(&format!("{TRANSCRIBE}{stages}"), files)
}

#[test]
fn a_stage_for_each_match() {
    let files = [
        "raw/b.wav",
        "raw/a.wav",
        "raw/notes.txt",
        "raw/.x.wav",
        "out/gone.json",
    ];
    insta::assert_snapshot!(with_transcribe("", &files));
}

#[test]
fn chains_and_collecting_go_by_what_stages_make() {
    let stages = "  clean_{s}: {cmd: x, deps: ['out/{s}.json'], outs: ['clean/{s}.txt']}
  all: {cmd: 'cat {{ deps }}', deps: ['clean/{any}.txt', head], outs: [all.txt]}\n";
    // What lies there is no match.
    let files = ["raw/a.wav", "raw/b.wav", "out/gone.json", "clean/older.txt"];
    insta::assert_snapshot!(with_transcribe(stages, &files));
}

#[test]
fn the_order_in_the_text_makes_no_difference() {
    let first = "  all: {cmd: x, deps: ['out/{s}.json'], outs: [all]}\n";
    let files = ["raw/a.wav", "raw/b.wav"];
    let shown = expanded(&format!("{first}{TRANSCRIBE}"), &files);
    insta::assert_snapshot!(shown);
}

#[test]
fn nothing_matches() {
    let stages = "  clean_{s}: {cmd: x, deps: ['out/{s}.json'], outs: ['clean/{s}.txt']}
  all: {cmd: 'cat {{ deps }}', deps: ['clean/{any}.txt'], outs: [all.txt]}
  page: {cmd: x, deps: [all.txt], outs: [page.html]}
  apart: {cmd: x, outs: [o], after: [all]}\n";
    insta::assert_snapshot!(with_transcribe(stages, &["out/gone.json", "all.txt"]));
}

#[test]
fn several_wildcards() {
    let stages = "  align_{sample}_{ref}: {cmd: x, deps: ['fq/{sample}.fq', 'ref/{ref}.fa'], outs: ['bam/{sample}.{ref}.bam']}
  merge_{sample}: {cmd: 'm {{ deps }}', deps: ['bam/{sample}.{any}.bam'], outs: ['m/{sample}']}
  same_{x}: {cmd: x, deps: ['d/{x}/{x}.txt'], outs: ['same/{x}']}\n";
    let files = [
        "fq/a.fq",
        "fq/b.fq",
        "ref/hg.fa",
        "ref/mm.fa",
        "d/one/one.txt",
        "d/two/one.txt",
        "d/file",
    ];
    insta::assert_snapshot!(expanded(stages, &files));
}

#[test]
fn directories_of_several_levels() {
    let stages = "  seg_{patient}: {cmd: x, deps: ['data/{patient}/scan.nii'], outs: ['seg/{patient}/mask.nii']}
  sum_{p}: {cmd: x, deps: ['seg/{p}'], outs: ['sum/{p}']}
  model_{m}: {cmd: x, deps: ['conf/{m}.yaml'], outs: ['models/{m}']}
  eval_{m}: {cmd: x, deps: ['models/{m}/weights.bin'], outs: ['eval/{m}']}\n";
    let files = [
        "data/p1/scan.nii",
        "data/p2/other",
        "data/p3/scan.nii",
        "conf/x.yaml",
        "seg/old/mask.nii",
    ];
    insta::assert_snapshot!(expanded(stages, &files));
}

#[test]
fn what_a_stage_makes_is_not_what_it_is_made_for() {
    let stages = "  norm_{x}: {cmd: x, deps: ['raw/{x}'], outs: ['raw/{x}.norm']}
  top_{s}: {cmd: x, deps: ['{s}.txt'], outs: ['{s}.txt.out']}
  report: {cmd: x, outs: [summary.txt]}\n";
    let files = [
        "raw/a",
        "raw/a.norm",
        "raw/b.norm",
        "in.txt",
        "in.txt.out",
        "summary.txt",
    ];
    insta::assert_snapshot!(expanded(stages, &files));
}

#[test]
fn a_second_dep_need_not_be_there() {
    let stages = "  t_{s}: {cmd: x, deps: ['raw/{s}.wav', 'meta/{s}.json'], outs: ['o/{s}']}\n";
    insta::assert_snapshot!(expanded(
        stages,
        &["raw/a.wav", "raw/b.wav", "meta/a.json", "meta/c.json"]
    ));
}

#[test]
fn some_have_nothing_to_collect() {
    let stages =
        "  t_{p}: {cmd: 'x {{ deps }}', deps: ['list/{p}', 'raw/{p}/{n}.wav'], outs: ['o/{p}']}\n";
    insta::assert_snapshot!(expanded(
        stages,
        &["list/a", "list/b", "list/c", "raw/b/1.wav", "raw/b/2.wav"]
    ));
}

#[test]
fn what_stages_make_and_what_others_match_have_to_meet() {
    let stages = "  j_{s}: {cmd: x, deps: ['out/{s}.json', 'o2/{s}.json'], outs: ['j/{s}']}
  o2_{s}: {cmd: x, deps: ['in/{s}.txt'], outs: ['o2/{s}.json']}\n";
    let files = ["raw/a.wav", "raw/b.wav", "in/b.txt", "in/c.txt"];
    insta::assert_snapshot!(with_transcribe(stages, &files));
    let files = ["raw/a.wav", "in/b.txt"];
    insta::assert_snapshot!(with_transcribe(stages, &files));
}

#[test]
fn after_the_stages_of_a_written_one() {
    let stages = "  one_{sample}: {cmd: x, deps: ['raw/{sample}.wav'], outs: ['one/{sample}'], after: ['transcribe_{sample}']}
  all: {cmd: x, outs: [all], after: ['transcribe_{sample}', train, one_a]}
  train: {cmd: x, outs: ['m/{{ item }}'], foreach: [u, v]}
  eval: {cmd: x, outs: ['e/{{ item }}'], foreach: [u], after: [train, train@v]}\n";
    insta::assert_snapshot!(with_transcribe(stages, &["raw/a.wav", "raw/b.wav"]));
}

#[test]
fn matrix_and_foreach() {
    let playbook = "params: {regions: [us, uk], models: {small: {size: 1}, large: {size: 2}}}
stages:
  train: {cmd: 't {{ item.model }} {{ item.seed }} {{ key }}', matrix: {model: [a, b], seed: [1, 2]}, outs: ['m/{{ item.model }}/{{ item.seed }}']}
  build: {cmd: 'b {{ item }}', foreach: '{{ params.regions }}', deps: ['in/{{ item }}.csv'], outs: ['b/{{ key }}']}
  fit: {cmd: 'f {{ item.size }}', foreach: '{{ params.models }}', outs: ['fit/{{ key }}-{{ item.size }}']}
  pair_{s}: {cmd: 'p {s} {{ item }}', foreach: [x, y], deps: ['raw/{s}.wav'], outs: ['p/{s}.{{ item }}']}
  odd: {cmd: 'o {{ item }}', foreach: ['a b', 'a/c'], outs: ['odd/{{ item }}']}
  all: {cmd: 'cat {{ deps }}', deps: ['b/{any}', 'p/{s}.x'], outs: [all]}\n";
    let files = &mut ListedFiles::of(["raw/r.wav", "b/old"]);
    insta::assert_snapshot!(expanded_of(playbook, files));
}

#[test]
fn what_it_is_for_is_put_into_other_texts_too() {
    let playbook = "stages:
  t_{s}:
    description: the {s} of {{ item.x }}, {other} {{ params.z }}
    cmd: echo {s}
    matrix: {x: [1]}
    wdir: 'w/{s}'
    env: {S: '{s}', X: '{{ item.x }}', KEPT: '{{ nothing', DOLLAR: '${s}'}
    deps: ['raw/{s}']
    outs: ['w/{s}/{{ key }}']\n";
    let parsed = read(playbook, &mut ListedFiles::of(["raw/a b"])).unwrap();
    let stage = parsed.playbook.stages.values().next().unwrap();
    assert_eq!(
        stage.description.as_deref(),
        Some("the a b of 1, {other} {{ params.z }}")
    );
    assert_eq!(stage.wdir.as_ref().unwrap().as_str(), "w/a b");
    let env: Vec<&str> = stage.env.values().map(String::as_str).collect();
    assert_eq!(env, ["a b", "1", "{{ nothing", "${s}"]);
}

#[test]
fn literal_braces_in_paths() {
    let stages =
        "  a_{x}: {cmd: x, deps: ['{{ \"{x}\" }}/{x}', '{a,b}', '{1}'], outs: ['o/{x}']}\n";
    insta::assert_snapshot!(expanded(stages, &["{x}/1", "x/2"]));
}

#[test]
fn odd_names() {
    let files = [
        "raw/my song.wav",
        "raw/my_song.wav",
        "raw/-x.wav",
        "raw/é.wav",
        "raw/$(id).wav",
        "raw/a\nb.wav",
    ];
    insta::assert_snapshot!(with_transcribe("", &files));
    let front = "  '{s}': {cmd: x, deps: ['raw/{s}.wav'], outs: ['o/{s}']}\n";
    insta::assert_snapshot!(expanded(front, &["raw/-x.wav", "raw/@.wav", "raw/a.wav"]));
}

#[test]
fn names_that_are_no_text() {
    let mut files = ListedFiles::of(["raw/a.wav"]);
    for (text, counts) in [
        ("caf\u{fffd}.wav", true),
        ("x\u{fffd}.wav", true),
        ("ignored.wav", false),
    ] {
        let name = Name {
            text: text.to_owned(),
            is_text: !counts,
            counts,
        };
        files.0[0].push(name.clone());
        files
            .0
            .get_mut(&DataPath::parse("raw").unwrap())
            .unwrap()
            .push(name);
    }
    let shown = expanded_of(&format!("stages:\n{TRANSCRIBE}"), &mut files);
    insta::assert_snapshot!(shown);
}

/// A disk that refuses.
struct Refusing;

impl Files for Refusing {
    fn names(&mut self, directory: &DataPath) -> Result<Option<&[Name]>, String> {
        Err(format!("cannot list {directory}: permission denied"))
    }
}

#[test]
fn directories_that_cannot_be_listed() {
    let shown = expanded_of(&format!("stages:\n{TRANSCRIBE}"), &mut Refusing);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_thousand_of_them_are_told_of_once() {
    let files: Vec<String> = (0..1000).map(|n| format!("raw/{n}.wav")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let stages = "  t_{s}: {cmd: 'x {{ params.nope }} {{ deps[7] }}', deps: ['raw/{s}.wav'], outs: ['raw/{s}.wav/x', 'o/{s}'], after: [nobody]}\n";
    insta::assert_snapshot!(expanded(stages, &files));
}

proptest! {
    /// What order names are told in makes no difference.
    #[test]
    fn any_order_of_names_gives_the_same(names in prop::collection::btree_set("[a-c]{1,3}", 1..8), seed in any::<u64>()) {
        let paths: Vec<String> = names.iter().map(|name| format!("raw/{name}.wav")).collect();
        let sorted: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut shuffled = sorted.clone();
        shuffled.sort_by_key(|path| {
            let bytes = path.bytes().map(u64::from);
            bytes.fold(seed, |hash, byte| hash.rotate_left(7).wrapping_mul(31) ^ byte)
        });
        let stages = "  all: {cmd: x, deps: ['out/{s}.json'], outs: [all]}\n";
        prop_assert_eq!(with_transcribe(stages, &sorted), with_transcribe(stages, &shuffled));
    }
}
