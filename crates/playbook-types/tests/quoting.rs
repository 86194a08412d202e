//! Whatever a value is, a command receives exactly it: tried in real shells.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run real shells"
)]

use std::collections::BTreeMap;
use std::process::Command;

use indexmap::IndexMap;
use playbook_types::name::ParamKey;
use playbook_types::template::{FanOut, Scope, Template, TemplateErrorKind};
use playbook_types::value::ParamValue;
use proptest::prelude::*;

type Params = BTreeMap<ParamKey, ParamValue>;

fn params(values: &[&str]) -> Params {
    let entry = |(i, value): (usize, &&str)| {
        (
            ParamKey::parse(&format!("v{i}")).unwrap(),
            ParamValue::Str((*value).to_owned()),
        )
    };
    values.iter().enumerate().map(entry).collect()
}

fn render(template: &str, params: &Params) -> Result<String, TemplateErrorKind> {
    let (env, wildcards) = (IndexMap::new(), IndexMap::new());
    let scope = Scope {
        stage: "s",
        params,
        deps: &[],
        outs: &[],
        env: &env,
        wildcards: &wildcards,
        item: None,
        fan_out: FanOut::No,
    };
    let rendered = Template::parse(template).unwrap().render(&scope);
    rendered
        .map(|rendered| rendered.text)
        .map_err(|error| error.kind)
}

/// What a shell prints for a command, run in an empty directory that must stay empty.
fn printed(shell: &str, command: &str) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(shell)
        .arg("-c")
        .arg("--")
        .arg(command)
        .current_dir(directory.path())
        .output()
        .ok()?;
    let left: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?} made by: {command}");
    Some(output.stdout)
}

/// In every shell there is, the command must print just this.
fn prints(command: &str, expected: &str) {
    for shell in ["sh", "bash", "dash"] {
        if let Some(found) = printed(shell, command) {
            assert_eq!(
                String::from_utf8_lossy(&found),
                expected,
                "{shell} -c {command}"
            );
        }
    }
}

/// Places where any value can stand, each printing `<value>`.
const PLACES: [&str; 16] = [
    "printf '<%s>' {{params.v0}}",
    "printf '<%s>' \"{{params.v0}}\"",
    "printf '<%s>' '{{params.v0}}'",
    "printf '<%s>' pre{{params.v0}}post | sed 's/^<pre/</; s/post>$/>/'",
    "x=\"$(printf '<%s>' {{params.v0}}; echo e)\"; printf '%s' \"${x%e*}\"",
    "x=$(printf '<%s>' \"{{params.v0}}\"; echo e); printf '%s' \"${x%e*}\"",
    "(printf '<%s>' {{params.v0}})",
    "x={{params.v0}}; printf '<%s>' \"$x\"",
    "case {{params.v0}} in {{params.v0}}) printf '<%s>' {{params.v0}};; esac",
    "f() { printf '<%s>' \"$1\"; }; f {{params.v0}}",
    "printf '<%s>' \"a{{params.v0}}\" | sed 's/^<a/</'",
    "cat << EOF_X | { x=$(cat; echo e); printf '%s' \"${x%?e}\"; }\n<{{params.v0}}>\nEOF_X",
    "# it's a comment\nprintf '<%s>' {{params.v0}}",
    "cat > /dev/null <<'A' <<B\n$(nothing) `\nA\n$x\nB\nprintf '<%s>' {{params.v0}}",
    "echo \"$(echo 'a)' \"b\")\" > /dev/null; printf '<%s>' \"{{params.v0}}\"",
    "[ \"x\\\"y\" ] && printf '<%s>' '{{params.v0}}'",
];

fn any_value() -> impl Strategy<Value = String> {
    let nasty = prop_oneof![
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("$"),
        Just("`"),
        Just("$("),
        Just(")"),
        Just("${x}"),
        Just("\n"),
        Just(" "),
        Just("*"),
        Just(";"),
        Just("&"),
        Just("|"),
        Just("<"),
        Just(">"),
        Just("#"),
        Just("!"),
        Just("~"),
        Just("-"),
        Just("="),
        Just("{a,b}"),
        Just("EOF_X"),
        Just("\t"),
        Just("é"),
        Just("%"),
        Just("x"),
        Just("2"),
        Just("touch INJECTED"),
        Just("[a-z]"),
        Just("\r"),
    ];
    prop_oneof![
        4 => prop::collection::vec(nasty, 0..6).prop_map(|parts| parts.concat()),
        1 => "[^\\x00]{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_command_receives_exactly_the_value(value in any_value()) {
        for place in PLACES {
            // sed reads lines, so those two places are tried with values of one line.
            if place.contains("sed") && value.contains(['\n', '\r']) {
                continue;
            }
            match render(place, &params(&[&value])) {
                Ok(command) => prints(&command, &format!("<{value}>")),
                Err(TemplateErrorKind::EndsHereDocument) => prop_assert!(place.contains("EOF_X") && value.contains("EOF_X")),
                Err(other) => prop_assert!(false, "{} in {}: {}", value, place, other),
            }
        }
    }
}

#[test]
fn injections_stay_words() {
    for value in [
        "x; touch INJECTED",
        "$(touch INJECTED)",
        "`touch INJECTED`",
        "'; touch INJECTED; '",
        "\"; touch INJECTED; \"",
        "x\ntouch INJECTED",
        "\\",
        "-n",
        "a' 'b",
        "> INJECTED",
        "${x:-$(touch INJECTED)}",
    ] {
        for place in PLACES {
            if !(place.contains("sed") && value.contains('\n')) {
                prints(
                    &render(place, &params(&[value])).unwrap(),
                    &format!("<{value}>"),
                );
            }
        }
    }
}

#[test]
fn where_no_quoting_is_sound_a_value_that_needs_some_is_refused() {
    let places = [
        "cat <<'E'\n{{params.v0}}\nE",
        "cat <<\\E\n{{params.v0}}\nE",
        "echo `echo {{params.v0}}`",
        "echo $'{{params.v0}}'",
        "echo # {{params.v0}}",
        "echo $((1 + {{params.v0}}))",
        "echo \"${x:-{{params.v0}}}\"",
        "echo \"${x:-\"{{params.v0}}\"}\"",
        "echo ${x:{{params.v0}}}",
        "((x = {{params.v0}}))",
        "cat <<{{params.v0}}\n",
        "a[{{params.v0}}]=1",
        "a[\"{{params.v0}}\"]=1",
        "echo ${a['{{params.v0}}']}",
        "((a[\"{{params.v0}}\"]))",
        "cat <<E $(cat <<F\nF\n)\n{{params.v0}}\nE",
        "echo $[1+{{params.v0}}]",
        "echo $'a\\'b' {{params.v0}}",
    ];
    for place in places {
        let error = render(place, &params(&["a b"]));
        assert!(
            matches!(error, Err(TemplateErrorKind::NotQuotable { .. })),
            "{place}: {error:?}"
        );
    }
    for joined in [
        "echo ${{params.v0}}",
        "echo \\{{params.v0}}",
        "echo \"${{params.v0}}\"",
        "cat <<E\n${{params.v0}}\nE",
        "cat <<E\n$x{{params.v0}}\nE",
        "echo ${{\"{\"}}{{params.v0}}}",
        "echo $\\\n{{params.v0}}",
        "echo \"$\\\n{{params.v0}}\"",
        "cat <<E\n$X\\\n{{params.v0}}\nE",
    ] {
        let error = render(joined, &params(&["y"]));
        assert!(
            matches!(error, Err(TemplateErrorKind::NotQuotable { .. })),
            "{joined}: {error:?}"
        );
    }
    assert_eq!(
        render("echo $((1 + {{params.v0}}))", &params(&["41"])).unwrap(),
        "echo $((1 + 41))"
    );
    assert_eq!(
        render("echo $((1 -{{params.v0}}))", &params(&["-1"])).unwrap(),
        "echo $((1 -(-1)))"
    );
    for (place, value) in [
        ("echo `echo x {{params.v0}}>f`", "2"),
        ("`{{params.v0}} true`", "if"),
        ("echo `echo ~{{params.v0}}`", "root"),
        ("echo `echo x >~r{{params.v0}}`", "oot"),
        ("echo `x=a:~{{params.v0}}; echo $x`", "root"),
        ("echo `echo ~\\\n{{params.v0}}`", "root"),
        ("echo $((a) | b) ~{{params.v0}}", "root"),
    ] {
        assert!(render(place, &params(&[value])).is_err(), "{place}");
    }
    assert_eq!(
        render("echo `echo ~/{{params.v0}}`", &params(&["fine"])).unwrap(),
        "echo `echo ~/fine`"
    );
}

/// More places, each printing its words with a NUL behind; `V` is the value, and `X` is set to `x`.
const SPREAD: [(&str, &str); 24] = [
    ("printf '%s\\0' ${U:-{{params.v0}}}", "V\0"),
    ("printf '%s\\0' ${U:-\"{{params.v0}}\"}", "V\0"),
    ("printf '%s\\0' ${U:-'{{params.v0}}'}", "V\0"),
    ("printf '%s\\0' ${U-a\"b c\"{{params.v0}}}", "ab cV\0"),
    (
        "printf '%s\\0' \"$(case x in x) printf '<%s>' {{params.v0}};; esac)\" {{params.v0}}",
        "<V>\0V\0",
    ),
    (
        "printf '%s\\0' \"$(case {{params.v0}} in (a|{{params.v0}}) echo 'a)' ;; esac)\"",
        "a)\0",
    ),
    (
        "for i in \"$(for i do case x in x) :;; esac; done)\" {{params.v0}}; do printf '%s\\0' \"$i\"; done",
        "\0V\0",
    ),
    ("printf '%s\\0' \"$X{{params.v0}}\"", "xV\0"),
    ("printf '%s\\0' $X{{params.v0}}", "xV\0"),
    ("{ printf '%s\\0' {{params.v0}}>&3; } 3>&1", "V\0"),
    ("{ printf '%s\\0' {{params.v0}}2>&3; } 3>&1 >&3", "V2\0"),
    ("{ printf '%s\\0' 1{{params.v0}}>&3; } 3>&1", "1V\0"),
    ("printf '%s\\0' ~{{params.v0}}", "~V\0"),
    (
        "x=~{{params.v0}} y=a:~{{params.v0}}; printf '%s\\0' \"$x\" \"$y\"",
        "~V\0a:~V\0",
    ),
    ("x=~/{{params.v0}}; printf '%s\\0' \"${x#~/}\"", "V\0"),
    ("printf '%s\\0' {a,{{params.v0}}", "{a,V\0"),
    ("set -- {{params.v0}}=5; printf '%s\\0' \"$1\"", "V=5\0"),
    (
        "x='a'\"$(echo \")\")\"{{params.v0}}; printf '%s\\0' \"$x\"",
        "a)V\0",
    ),
    ("printf '%s\\0' \"`printf b`{{params.v0}}\" # it's", "bV\0"),
    ("sh -c 'printf \"%s\\0\" \"$1\"' sh {{params.v0}}", "V\0"),
    (
        "p=z{{params.v0}}; printf '%s\\0' \"${p%\"${p#z}\"}\"{{params.v0}}",
        "zV\0",
    ),
    ("printf '%s\\0' $((1+2)){{params.v0}}", "3V\0"),
    (
        "printf '%s\\0' \\\n'{{params.v0}}'\\'\"{{params.v0}}\"",
        "V'V\0",
    ),
    ("f() (printf '%s\\0' \"$1\"); f {{params.v0}}", "V\0"),
];

/// Places where a line goes on in the next, and a value must not become more than a word with what stands there.
const JOINED: [(&str, &str); 8] = [
    (
        "{{params.v0}}\\\n 2> /dev/null; printf '<%s>' {{params.v0}}",
        "<V>",
    ),
    ("{ printf '<%s>' {{params.v0}}\\\n>&3; } 3>&1", "<V>"),
    (
        "{ printf '<%s>' \\\n{{params.v0}}\\\n\\\n>&3; } 3>&1",
        "<V>",
    ),
    (
        "set -- x {{params.v0}}\\\n=5; printf '<%s>' \"$2\"",
        "<V=5>",
    ),
    (
        "printf '<%s>' {{params.v0}}\\\\\nprintf '<%s>' b",
        "<V\\><b>",
    ),
    ("X=x; printf '<%s>' $X\\\n{{params.v0}}", "<xV>"),
    ("X=x; printf '<%s>' \"$X\\\n\\\n{{params.v0}}\"", "<xV>"),
    ("printf '<%s>' ~\\\n{{params.v0}}", "<~V>"),
];

#[test]
fn a_value_means_nothing_with_the_next_line() {
    for value in ["if", "2", "a", "x y", "{", "time"] {
        for (place, expected) in JOINED {
            let command = render(place, &params(&[value])).unwrap();
            prints(&command, &expected.replace('V', value));
        }
    }
}

/// The same for what only bash knows.
const BASH: [(&str, &str); 9] = [
    ("a=(x {{params.v0}} y); printf '%s\\0' \"${a[1]}\"", "V\0"),
    (
        "[[ {{params.v0}} == {{params.v0}} ]] && printf '%s\\0' {{params.v0}}",
        "V\0",
    ),
    (
        "[[ x{{params.v0}} =~ ^(x){{params.v0}}$ ]] && printf '%s\\0' {{params.v0}}",
        "V\0",
    ),
    ("printf '%s\\0' x{b,{{params.v0}}}", "xb\0xV\0"),
    (
        "printf '%s\\0' \"$(cat <(printf '<%s>' {{params.v0}}))\"",
        "<V>\0",
    ),
    (
        "p=z{{params.v0}}; printf '%s\\0' ${p/z{{params.v0}}/Z}",
        "Z\0",
    ),
    (
        "p=z{{params.v0}}; printf '%s\\0' ${p##z{{params.v0}}}",
        "\0",
    ),
    ("((1 + 1)) && printf '%s\\0' {{params.v0}}", "V\0"),
    (
        "printf '%s\\0' $\"a\"{{params.v0}} $'b'\"{{params.v0}}\"",
        "aV\0bV\0",
    ),
];

/// One run of a shell for many places.
fn spread(shell: &str, places: &[(&str, &str)], value: &str) {
    let mut script = "X=x\n".to_owned();
    let mut expected = String::new();
    for (place, prints) in places {
        match render(place, &params(&[value])) {
            Ok(command) => {
                script.push_str(&command);
                script.push('\n');
                expected.push_str(&prints.replace('V', value));
            }
            // `a[$(…)]` in `[[ … ]]`.
            Err(error) => assert!(
                place.contains("[[") && value.contains('['),
                "{value:?} in {place}: {error}"
            ),
        }
    }
    if let Some(found) = printed(shell, &script) {
        assert_eq!(
            String::from_utf8_lossy(&found),
            expected,
            "{shell} -c {script}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_received_wherever_it_stands(value in any_value()) {
        spread("sh", &SPREAD, &value);
        spread("bash", &SPREAD, &value);
        spread("bash", &BASH, &value);
    }

    #[test]
    fn no_value_changes_the_shape_of_any_text(
        pieces in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 1..9),
        value in any_value(),
    ) {
        let template = format!("{}\nprintf '<%s>' {{{{params.v0}}}} \"{{{{params.v0}}}}\"", pieces.concat());
        // `''cat` runs cat, and x is what `case x` looks for; `$$` differs from run to run.
        if value.is_empty() || value == "x" || template.contains("$$") || Template::parse(&template).is_err() {
            return Ok(());
        }
        let values = params(&[&value]);
        let (Ok(nasty), Ok(plain)) = (render(&template, &values), render(&template, &params(&[HARMLESS]))) else {
            return Ok(());
        };
        for shell in ["sh", "bash"] {
            let (Some(nasty_out), Some(plain_out)) = (printed(shell, &nasty), printed(shell, &plain)) else { continue };
            let expected = String::from_utf8_lossy(&plain_out).replace(HARMLESS, &value);
            prop_assert_eq!(String::from_utf8_lossy(&nasty_out), expected, "{}: {} / {}", shell, nasty, plain);
        }
    }
}

/// A value without any meaning, which needs no quoting.
const HARMLESS: &str = "QZQ";

/// Pieces of shell text that open, close and confuse.
const FRAGMENTS: [&str; 64] = [
    "{{params.v0}}",
    "{{params.v0}}",
    "{{params.v0}}",
    "'{{params.v0}}'",
    "\"{{params.v0}}\"",
    "printf '<%s>' ",
    "printf '<%s>' {{params.v0}} ",
    "printf '%s ' ",
    " ",
    " ",
    "\n",
    "\n",
    ";",
    "'",
    "\"",
    "\"",
    "`",
    "$(",
    "$(",
    ")",
    ")",
    "(",
    "((",
    "))",
    "$((",
    "${",
    "${U:-",
    "${U#",
    "}",
    "{ ",
    "$",
    "$'",
    "\\",
    "\\\n",
    "#",
    " #",
    "cat <<E\n",
    "cat <<'E'\n",
    "cat <<-E\n",
    "\nE\n",
    "E",
    "<<E",
    "<<<",
    " >&1 ",
    " >&2 ",
    "case x in x) ",
    "case ",
    " in ",
    " esac",
    ";;",
    "if ",
    "then ",
    "fi",
    "for i in a b; do ",
    "done",
    "[[ ",
    " ]]",
    "&& ",
    "| cat",
    "$X",
    "a=",
    "a[",
    "]",
    "!",
];

#[test]
fn a_value_names_nobodys_home() {
    for value in ["root", "+", "-", "2", ""] {
        let values = params(&[value]);
        for (place, prints_it) in &SPREAD {
            if place.contains('~') && !place.contains("~/") {
                let command = render(place, &values).unwrap();
                prints(&command, &prints_it.replace('V', value));
            }
        }
    }
}

#[test]
fn a_value_names_a_file() {
    for value in [
        "a b", "$x", "it's", "2", "-n", "*", "#", "&1", "a\nb", "{a,b}", "~", "if", "a=b",
    ] {
        let command = render(
            "printf x >{{params.v0}}; printf '%s' * ; cat <./{{params.v0}}; rm ./{{params.v0}}",
            &params(&[value]),
        );
        prints(&command.unwrap(), &format!("{value}x"));
    }
}

#[test]
fn bash_evaluates_nothing_of_a_value() {
    let value = "a[$(touch INJECTED)]";
    for place in [
        "[[ {{params.v0}} -eq 1 ]]",
        "[[ \"{{params.v0}}\" -eq 1 ]]",
        "[[ -v '{{params.v0}}' ]]",
        "a[{{params.v0}}]=1",
        "a=([{{params.v0}}]=1)",
        "echo ${a[{{params.v0}}]}",
        "x=abc; echo ${x:{{params.v0}}}",
        "echo $[{{params.v0}}]",
        "(( {{params.v0}} ))",
        "echo $((\"{{params.v0}}\"))",
        "for ((i={{params.v0}}; i<1; i++)); do :; done",
    ] {
        assert!(render(place, &params(&[value])).is_err(), "{place}");
    }
}

#[test]
fn a_value_never_ends_the_here_document_around_it() {
    for (place, values) in [
        ("cat <<E\n{{params.v0}}\nE", vec!["E"]),
        ("cat <<'E'\n{{params.v0}}\nE", vec!["E"]),
        ("cat <<-E\n\t{{params.v0}}\n\tE", vec!["E"]),
        ("cat <<E\n{{params.v0}}", vec!["a\nE"]),
        ("cat <<EF\n{{params.v0}}{{params.v1}}\nEF", vec!["E", "F"]),
    ] {
        let error = render(place, &params(&values));
        assert_eq!(error, Err(TemplateErrorKind::EndsHereDocument), "{place}");
    }
    let nested = render(
        "cat <<E\n$(printf %s {{params.v0}})\nE",
        &params(&["a\nE\ntouch INJECTED"]),
    );
    assert!(
        matches!(nested, Err(TemplateErrorKind::NotQuotable { .. })),
        "{nested:?}"
    );
    let tabs = render("cat <<-E\n{{params.v0}}\nE", &params(&["\ta"]));
    assert!(
        matches!(tabs, Err(TemplateErrorKind::NotQuotable { .. })),
        "{tabs:?}"
    );
}

#[test]
fn values_of_the_environment_are_not_shown() {
    let env = IndexMap::from([(
        playbook_types::name::EnvName::parse("TOKEN").unwrap(),
        "s3 cret".to_owned(),
    )]);
    let wildcards = IndexMap::new();
    let scope = Scope {
        stage: "s",
        params: &Params::new(),
        deps: &[],
        outs: &[],
        env: &env,
        wildcards: &wildcards,
        item: None,
        fan_out: FanOut::No,
    };
    let template =
        Template::parse("curl -H {{ env.TOKEN }} \"{{env.TOKEN}}\" {{ env.TOKEN | raw }}").unwrap();
    let rendered = template.render(&scope).unwrap();
    assert_eq!(rendered.text, "curl -H 's3 cret' \"s3 cret\" s3 cret");
    assert_eq!(rendered.shown, "curl -H *** \"***\" ***");
}

#[test]
fn what_needs_no_quoting_comes_out_unchanged_and_other_text_is_never_touched() {
    for text in [
        "echo ${#a[@]} $x ${y:-z} {a,b}",
        "printf '{%s}' \"$(awk '{ print $1 }' f)\"",
        "for f in *.txt; do echo \"$f\"; done",
        "a=$((1+2)); { echo; } > f 2>&1",
        "cat <<E\n{x} $y\nE\n",
    ] {
        assert_eq!(render(text, &params(&[])).unwrap(), text);
    }
    let text = render(
        "whisper --model {{params.v0}} -n{{ params.v1 }} \"{{params.v0}}\" {{ \"{{\" }}",
        &params(&["tiny", "4"]),
    );
    assert_eq!(text.unwrap(), "whisper --model tiny -n4 \"tiny\" {{");
    assert_eq!(
        render("echo x {{params.v0}}> f", &params(&["2"])).unwrap(),
        "echo x '2'> f"
    );
    assert_eq!(render("{{params.v0}}", &params(&["if"])).unwrap(), "'if'");
    assert_eq!(
        render("x {{params.v0 | raw}}", &params(&["-a -b $X"])).unwrap(),
        "x -a -b $X"
    );
}

#[test]
fn lists_become_words() {
    let list = ParamValue::List(vec![
        ParamValue::Str("a b".to_owned()),
        ParamValue::Int(2),
        ParamValue::Str(String::new()),
    ]);
    let params = Params::from([(ParamKey::parse("l").unwrap(), list)]);
    assert_eq!(
        render("x {{params.l}} y", &params).unwrap(),
        "x 'a b' 2 '' y"
    );
    assert_eq!(
        render("x {{params.l}};y", &params).unwrap(),
        "x 'a b' 2 '';y"
    );
    for inside in [
        "x a{{params.l}}",
        "x {{params.l}}b",
        "x \"{{params.l}}\"",
        "x '{{params.l}}'",
        "x $(({{params.l}}))",
    ] {
        assert!(
            matches!(
                render(inside, &params),
                Err(TemplateErrorKind::ListInside { count: 3, .. })
            ),
            "{inside}"
        );
    }
}

#[test]
fn paths_that_begin_with_a_dash() {
    let (env, wildcards) = (IndexMap::new(), IndexMap::new());
    let deps = ["-rf".to_owned(), "my file".to_owned()];
    let scope = Scope {
        stage: "s",
        params: &Params::new(),
        deps: &deps,
        outs: &deps,
        env: &env,
        wildcards: &wildcards,
        item: None,
        fan_out: FanOut::No,
    };
    let text = Template::parse("rm {{deps}} {{ deps[0] }} \"{{outs[0].path}}\"")
        .unwrap()
        .render(&scope)
        .unwrap()
        .text;
    assert_eq!(text, "rm ./-rf 'my file' ./-rf \"./-rf\"");
}
