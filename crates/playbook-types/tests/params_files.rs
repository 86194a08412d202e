//! Files with params: what is read from them, what is refused, and where that is said to stand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use playbook_types::expand::NoFiles;
use playbook_types::finding::{Finding, Findings, Origin, Severity};
use playbook_types::model::params::Params;
use playbook_types::parse::{Draft, Layers, ParamsFile, ParamsFormat, Parsed, SourceName};
use playbook_types::path::DataPath;

fn format(name: &str) -> ParamsFormat {
    ParamsFormat::of(name.as_ref()).unwrap()
}

fn file(name: &str, text: &str) -> ParamsFile {
    let origin = Origin::ParamsFile(DataPath::parse(name).unwrap());
    ParamsFile::parse(text.as_bytes(), format(name), origin)
}

fn given(name: &str, text: &str) -> ParamsFile {
    ParamsFile::parse(
        text.as_bytes(),
        format(name),
        Origin::Given(name.to_owned()),
    )
}

fn params(name: &str, text: &str) -> Params {
    let file = file(name, text);
    assert_eq!(file.findings(), [], "{text}");
    file.params().clone()
}

/// All findings in a file, each with its line underlined.
fn findings(name: &str, text: &str) -> String {
    file(name, text).findings().iter().map(show).collect()
}

fn show(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let name = match &finding.origin {
        Origin::Playbook => "playbook.yaml",
        Origin::ParamsFile(path) => path.as_str(),
        Origin::Given(name) => name,
    };
    let place = finding.place.as_ref().unwrap();
    let under = " ".repeat(place.column - 1) + &"^".repeat(place.width);
    let hint = finding.hint.iter().map(|hint| format!("  hint: {hint}\n"));
    format!(
        "{severity}: {}\n  {name}:{}:{}\n  | {}\n  | {under}\n{}",
        finding.message,
        place.line,
        place.column,
        place.text.replace('\t', " "),
        hint.collect::<String>()
    )
}

fn together(playbook: &str, layers: Layers<'_>) -> Result<Parsed, Findings> {
    let text = format!("version: \"1.0\"\nname: t\n{playbook}");
    let draft = Draft::read(&text).unwrap().with_params(layers).unwrap();
    draft.check(&SourceName::new("playbook.yaml"), &mut NoFiles)
}

fn told(playbook: &str, layers: Layers<'_>) -> String {
    let found = match together(playbook, layers) {
        Ok(parsed) => parsed.warnings,
        Err(found) => found,
    };
    found.0.iter().map(show).collect()
}

#[test]
fn three_formats_say_the_same() {
    let yaml = "# all of it\ni: 3\nbig: 18446744073709551615\nf: 0.5\nt: 'a b'\nyes: true\nl: [1, [x], {k: 1}]\nm: {n: {o: 1}}\n";
    let toml = "i = 3\nbig = 18446744073709551615\nf = 0.5\nt = 'a b'\nyes = true\nl = [1, ['x'], {k = 1}]\n[m.n]\no = 1\n";
    let json = r#"{"i": 3, "big": 18446744073709551615, "f": 0.5, "t": "a b", "yes": true, "l": [1, ["x"], {"k": 1}], "m": {"n": {"o": 1}}}"#;
    let expected = params("p.yaml", yaml);
    assert_eq!(params("p.toml", toml), expected);
    assert_eq!(params("p.json", json), expected);
    assert_eq!(params("P.YML", yaml), expected);
}

#[test]
fn kinds_of_numbers_are_kept_apart() {
    for (name, text) in [
        ("p.yaml", "a: 1\nb: 1.0\nc: '1'\nd: -0.0\n"),
        ("p.toml", "a = 1\nb = 1.0\nc = '1'\nd = -0.0\n"),
        (
            "p.json",
            "{\"a\": 1, \"b\": 1.0, \"c\": \"1\", \"d\": -0.0}",
        ),
    ] {
        let shown: Vec<String> = params(name, text)
            .iter()
            .map(|(_, value)| format!("{value:?}"))
            .collect();
        assert_eq!(
            shown,
            ["Int(1)", "Float(1.0)", "Str(\"1\")", "Float(-0.0)"],
            "{name}"
        );
    }
    assert_eq!(
        params("p.toml", "a = 0xff\nb = 1_000\nc = 0b11\n"),
        params("p.yaml", "a: 255\nb: 1000\nc: 3\n")
    );
    assert_eq!(
        params("p.json", "{\"a\": -0, \"b\": 1e2}"),
        params("p.yaml", "a: 0\nb: 100.0\n")
    );
}

#[test]
fn an_empty_file_has_no_params() {
    for (name, text) in [
        ("p.yaml", ""),
        ("p.yaml", "# a: 1\n\n"),
        ("p.yaml", "---\n"),
        ("p.toml", "# a\n"),
        ("p.json", "{}"),
        ("p.yaml", "\u{feff}# a\n"),
    ] {
        assert_eq!(params(name, text), Params::default(), "{name}: {text:?}");
    }
}

#[test]
fn odd_texts_in_json_come_as_they_are() {
    let text = "\u{feff}\t{\r\n\t\"k\" : \"\\u00e9\\ud83d\\ude00\\\"\\\\\", \"{[,:\": [ ] , \"z\":[{},[\"]\"]] }\n";
    let file = file("p.json", text);
    assert!(
        file.findings()[0]
            .message
            .contains("'{[,:' cannot be the name")
    );
    let text = text.replace("{[,:", "x");
    let expected = "k: \"\u{e9}\u{1f600}\\\"\\\\\"\nx: []\nz: [{}, [']']]\n";
    assert_eq!(params("p.json", &text), params("p.yaml", expected));
}

macro_rules! cases {
    ($($name:ident: $file:literal $text:expr;)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!(findings($file, $text)); })*
    };
}

cases! {
    yaml_broken: "p.yaml" "a: 1\nb: [1\nc: 2\n";
    yaml_duplicates: "p.yaml" "a: 1\nm: {k: 1, k: 2}\na: 3\n";
    yaml_list: "p.yaml" "- a\n- b\n";
    yaml_odd_values: "p.yaml" "a: .nan\nb: [1, -.inf]\nc: 99999999999999999999\nd: !x 1\n? [k]\n: 1\n";
    yaml_names: "p.yaml" "a.b: 1\nm: {'': 2, 'x y': 3}\n";
    yaml_two_documents: "p.yaml" "a: 1\n---\nb: 2\n";
    toml_broken: "p.toml" "a = 1\nb = = 2\nc = [1,\n";
    toml_conflict: "p.toml" "a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> main\n";
    toml_duplicates: "p.toml" "a = 1\n[m]\nk = 1\nk = 2\n[m]\n";
    toml_odd_values: "p.toml" "day = 2026-02-16\nat = [1979-05-27T07:32:00Z, 07:32:00]\nn = nan\nbig = 99999999999999999999999999999999999999999\n[t]\n\"é\" = 1\nlow = -9223372036854775809\n";
    toml_names: "p.toml" "a.b = 1\n\"a.c\" = 2\n[m]\n\"x y\" = 3\n";
    json_broken: "p.json" "{\n  \"a\": 1,\n  \"é\": [1 2]\n}\n";
    json_cut_off: "p.json" "{\"a\": 1";
    json_trailing_comma: "p.json" "{\"a\": 1,}\n";
    json_comment: "p.json" "{\n  // one\n  \"a\": 1\n}\n";
    json_duplicates: "p.json" "{\n\t\"a\": 1,\n\t\"m\": {\"k\": {}, \"k\": 2},\n\t\"a\": 3\n}\n";
    json_list: "p.json" "[1]\n";
    json_odd_values: "p.json" "{\"a\": 99999999999999999999, \"b\": [1, -99999999999999999999]}\n";
    json_too_large_a_float: "p.json" "{\"a\": 1e999}\n";
    json_null: "p.json" "null\n";
}

#[test]
fn not_text() {
    let origin = Origin::Given("p.yaml".to_owned());
    let file = ParamsFile::parse(b"a: 1\nb: 'x\xffy'\n", ParamsFormat::Yaml, origin);
    insta::assert_snapshot!(file.findings().iter().map(show).collect::<String>());
}

#[test]
fn nested_too_deeply() {
    let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
    for (name, text) in [
        ("p.json", format!("{{\"a\": {open}{close}}}")),
        ("p.toml", format!("a = {open}{close}\n")),
        ("p.yaml", format!("a: {open}{close}\n")),
    ] {
        assert!(!file(name, &text).findings().is_empty(), "{name}");
    }
}

#[test]
fn later_files_lie_over_earlier_ones_and_the_playbook_over_all() {
    let playbook = "params_files: [a.yaml, b.toml]\nparams: {m: {own: 1}, s: own}\nstages: {x: {cmd: x, outs: [o], params: [m, s, l, k]}}\n";
    let layers = Layers {
        files: vec![
            file("a.yaml", "m: {a: 1, own: 2}\ns: a\nl: [1, 2]\nk: a\n"),
            file("b.toml", "s = 'b'\nl = [3]\nm.b = 1\n"),
        ],
        given: vec![given(
            "c.json",
            "{\"m\": {\"c\": 1, \"a\": 5}, \"k\": \"c\"}",
        )],
        set: &[],
    };
    let parsed = together(playbook, layers).unwrap();
    assert_eq!(parsed.warnings.0, []);
    let expected = "m: {a: 5, own: 1, b: 1, c: 1}\ns: own\nl: [3]\nk: c\n";
    assert_eq!(parsed.playbook.params, params("p.yaml", expected));
}

const ONE_STAGE: &str = "params_files: [p.yaml]\nparams: {model: tiny}\nstages: {x: {cmd: 'x {{params.model}} {{params.rate}}', outs: [o]}}\n";

#[test]
fn what_no_file_has_is_unknown() {
    let layers = || Layers {
        files: vec![file("p.yaml", "rat: 1\n")],
        ..Layers::default()
    };
    insta::assert_snapshot!(told(ONE_STAGE, layers()));
    let broken = Layers {
        files: vec![file("p.yaml", "rat: [1\n")],
        ..Layers::default()
    };
    insta::assert_snapshot!(told(ONE_STAGE, broken));
}

#[test]
fn numbers_of_files_are_warned_of_where_they_are_used() {
    let layers = Layers {
        files: vec![file("p.yaml", "rate: 1.10\nother: 1.10\nmodel: 1.10\n")],
        given: Vec::new(),
        set: &[],
    };
    insta::assert_snapshot!(told(ONE_STAGE, layers));
}

#[test]
fn names_that_nobody_knows_are_warned_of_in_what_is_given_only() {
    let layers = Layers {
        files: vec![file("p.yaml", "more: 1\nm: {n: 1}\n")],
        given: vec![given(
            "q.toml",
            "rate = 0.5\nmodle = 'big'\n[m]\nn = 2\nk = 3\n[z]\ny = 1\n",
        )],
        set: &[],
    };
    insta::assert_snapshot!(told(ONE_STAGE, layers));
}

#[test]
fn a_stage_cannot_make_a_params_file() {
    let playbook = "params_files: [conf/p.yaml]\nstages:\n  x: {cmd: x, outs: [conf]}\n  y: {cmd: x, outs: [conf/p.yaml]}\n";
    insta::assert_snapshot!(told(playbook, Layers::default()));
}

#[test]
fn which_format_is_said_by_the_extension() {
    let playbook = "params_files: [p.ini, p, p.yaml.bak, a/p.json, ./a//p.json]\nstages: {x: {cmd: x, outs: [o]}}\n";
    insta::assert_snapshot!(told(playbook, Layers::default()));
}
