//! A value never changes the shape of the command it is put into.
//!
//! An input is a command text and, after unit separators (`U+001F`), the values of `params.v0`, `params.v1`,
//! two `deps` and `env.E`, in turn. No shell runs: what was rendered with those values is compared, word by word, with
//! what was rendered with values that mean nothing to a shell.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use playbook_types::name::{EnvName, ParamKey};
use playbook_types::template::{
    FanOut, Reference, Rendered, Scope, Template, TemplateError, TemplateErrorKind, quote_word,
};
use playbook_types::value::ParamValue;

use crate::text;
use crate::words::{Letter, QUOTES, Token, words};

/// Between the template and its values.
pub const SEPARATOR: char = '\u{1f}';

/// How many values there are.
const COUNT: usize = 5;

/// Which of them are paths.
const PATHS: std::ops::Range<usize> = 2..4;

/// The harmless value of the environment, which nobody may see.
const SECRET: &str = "QZ4ZQ";

/// Renders a template with its values, with hostile ones and with harmless ones.
pub fn check(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut parts = text.split(SEPARATOR);
    let source = parts.next().unwrap_or("");
    let given: Vec<&str> = parts.take(COUNT).collect();
    for value in &given {
        one_word(value);
    }
    // A playbook refuses such commands before their templates are read.
    if source.contains('\0') {
        return;
    }
    let template = match Template::parse(source) {
        Ok(template) => template,
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without an error");
            for error in &errors {
                points_into(source, error);
            }
            return;
        }
    };
    for placeholder in template.references() {
        let rest = source.get(placeholder.offset..);
        assert!(
            rest.is_some_and(|rest| rest.starts_with(&placeholder.source)),
            "{placeholder:?} is not there"
        );
    }
    let shape = Shape::of(source, &template);
    if !given.is_empty() {
        shape.is_kept(&Values::of(&given));
    }
    for value in HOSTILE {
        shape.is_kept(&Values::of(&[value; COUNT]));
    }
}

/// Values that mean something somewhere in a command.
const HOSTILE: [&str; 14] = [
    "", " ", "'", "\"; x \"", "$(x)", "`x`", "x\ny", "2", "if", "-n", "a=b", "root", "\0",
    "a[$(x)]",
];

struct Values {
    texts: [String; COUNT],
    params: BTreeMap<ParamKey, ParamValue>,
    deps: Vec<String>,
    env: IndexMap<EnvName, String>,
}

impl Values {
    fn of(given: &[&str]) -> Self {
        Self::new(std::array::from_fn(|i| {
            (*given.get(i).unwrap_or(&"x")).to_owned()
        }))
    }

    fn harmless() -> Self {
        Self::new(std::array::from_fn(|i| format!("QZ{i}ZQ")))
    }

    fn new(texts: [String; COUNT]) -> Self {
        let [v0, v1, dep0, dep1, secret] = texts.clone();
        let mut params = BTreeMap::new();
        for (name, value) in [("v0", &v0), ("v1", &v1)] {
            if let Ok(key) = ParamKey::parse(name) {
                params.insert(key, ParamValue::Str(value.clone()));
            }
        }
        let mut env = IndexMap::new();
        if let Ok(name) = EnvName::parse("E") {
            env.insert(name, secret);
        }
        Self {
            texts,
            params,
            deps: vec![dep0, dep1],
            env,
        }
    }

    /// What the command receives for the value `i`.
    fn received(&self, i: usize) -> String {
        let Some(text) = self.texts.get(i) else {
            return String::new();
        };
        // A path that begins with a dash would be taken for an option.
        if PATHS.contains(&i) && text.starts_with('-') {
            format!("./{text}")
        } else {
            text.clone()
        }
    }
}

fn points_into(source: &str, error: &TemplateError) {
    let rest = source.get(error.offset..);
    assert!(
        rest.is_some_and(|rest| rest.starts_with(&error.placeholder)),
        "{error:?} is not there"
    );
    assert!(!error.to_string().is_empty(), "an error without words");
}

/// Renders, and holds what is said about it against the result.
fn render(
    source: &str,
    template: &Template,
    values: &Values,
) -> Result<Rendered, TemplateErrorKind> {
    let wildcards = IndexMap::new();
    let scope = Scope {
        stage: "stage",
        params: &values.params,
        deps: &values.deps,
        outs: &[],
        env: &values.env,
        wildcards: &wildcards,
        item: None,
        fan_out: FanOut::No,
    };
    let errors = template.check(&scope);
    for error in &errors {
        points_into(source, error);
    }
    let rendered = match template.render(&scope) {
        Ok(rendered) => rendered,
        Err(error) => {
            assert_eq!(errors.first(), Some(&error), "checked and rendered");
            return Err(error.kind);
        }
    };
    assert_eq!(errors, [], "it renders");
    let secret = |reference: &Reference| matches!(reference, Reference::Env(_));
    if !template.references().any(|at| secret(&at.reference)) {
        assert_eq!(rendered.shown, rendered.text, "nothing to hide");
    }
    let used = template.references().filter_map(|at| match &at.reference {
        Reference::Param(key) => Some(key.clone()),
        _ => None,
    });
    assert_eq!(rendered.used, used.collect(), "the params it used");
    Ok(rendered)
}

/// A command with harmless values in it.
struct Shape<'a> {
    source: &'a str,
    template: &'a Template,
    /// None if nothing can stand where the placeholders are.
    plain: Option<String>,
    /// What is open at its end; none where values may change the shape.
    ending: Option<Ending>,
    words: Option<Vec<Token>>,
}

impl<'a> Shape<'a> {
    fn of(source: &'a str, template: &'a Template) -> Self {
        let plain = render(source, template, &Values::harmless()).ok();
        // Raw values may do what they like, and harmless ones must be found again.
        let free = template.references().any(|at| at.raw)
            || ["QZ", "ZQ"].iter().any(|part| source.contains(part));
        if let Some(plain) = plain.as_ref().filter(|_| !free) {
            assert!(!plain.shown.contains(SECRET), "told: {}", plain.shown);
        }
        let plain = plain.map(|rendered| rendered.text);
        let judged = plain.as_deref().filter(|_| !free);
        Self {
            source,
            template,
            ending: judged.map(ending),
            words: judged.and_then(words),
            plain,
        }
    }

    /// The command with these values has the same shape.
    fn is_kept(&self, values: &Values) {
        let Ok(real) = render(self.source, self.template, values) else {
            return;
        };
        let Some(plain) = &self.plain else {
            panic!(
                "{:?} can stand where nothing can: {}",
                values.texts, self.source
            )
        };
        let Some(expected) = &self.ending else { return };
        for (found, expected) in ending(&real.text).iter().zip(expected) {
            // Where a name could end, what is no name is refused less.
            assert!(
                found.is_none() || expected.is_none() || found == expected,
                "{found:?} after {}, {expected:?} after {plain}",
                real.text
            );
        }
        let Some(expected) = &self.words else { return };
        let Some(found) = words(&real.text) else {
            panic!("more than words: {} / {plain}", real.text)
        };
        assert_eq!(
            found.len(),
            expected.len(),
            "more or fewer words: {} / {plain}",
            real.text
        );
        for (found, expected) in found.iter().zip(expected) {
            same_token(found, expected, values, &real.text);
        }
    }
}

/// How two values that need quoting everywhere would be quoted at the end of a command; none where one is refused.
type Ending = [Option<String>; 2];

/// What is open at the end of a command shows in how values would be quoted there.
fn ending(command: &str) -> Ending {
    // Our braces mean nothing in a command that is rendered.
    let literal = command.replace("{{", "{{ '{{' }}");
    let Ok(template) = Template::parse(&format!("{literal} {{{{params.v0}}}}")) else {
        panic!("a literal is a template: {literal}")
    };
    let put = |value: &str| {
        let values = Values::of(&[value]);
        let wildcards = IndexMap::new();
        let scope = Scope {
            stage: "stage",
            params: &values.params,
            deps: &[],
            outs: &[],
            env: &values.env,
            wildcards: &wildcards,
            item: None,
            fan_out: FanOut::No,
        };
        let rendered = template.render(&scope).ok()?;
        rendered.text.get(command.len()..).map(str::to_owned)
    };
    ["$", "a'\"b"].map(put)
}

fn same_token(found: &Token, expected: &Token, values: &Values, command: &str) {
    match (found, expected) {
        (Token::Word(found), Token::Word(expected)) => same_word(found, expected, values, command),
        (Token::Comment(_), Token::Comment(_)) => {}
        (found, expected) => assert_eq!(found, expected, "in {command}"),
    }
}

/// One character that a word must have.
struct Wanted {
    is: char,
    /// `None` in a value: how it is quoted is free, if it needs no quoting.
    quoted: Option<bool>,
}

fn same_word(found: &[Letter], expected: &[Letter], values: &Values, command: &str) {
    assert!(
        !assigns(found) || assigns(expected),
        "a value makes an assignment in {command}"
    );
    let bare = found.iter().all(|letter| !letter.quoted);
    let (found, expected) = (unmarked(found), unmarked(expected));
    let wanted = wanted(&expected, values);
    let text: String = found.iter().map(|letter| letter.is).collect();
    let wanted_text: String = wanted.iter().map(|letter| letter.is).collect();
    assert_eq!(text, wanted_text, "another word in {command}");
    let mut home = false;
    let mut brace = false;
    let mut before = Some('=');
    // There a number stands as it is.
    let subscript = found.contains(&Letter {
        is: '[',
        quoted: false,
    });
    for (found, wanted) in found.iter().zip(&wanted) {
        let bare = (!found.quoted).then_some(found.is);
        if let Some(quoted) = wanted.quoted {
            assert_eq!(found.quoted, quoted, "{:?} in {command}", found.is);
            home = match bare {
                Some('~') => matches!(before, Some('=' | ':')) && !subscript,
                Some('/' | ':') | None => false,
                Some(_) => home,
            };
            brace |= bare == Some('{');
        } else if !found.quoted {
            let inert = found.is.is_ascii_alphanumeric() || "_./:@%+,=-".contains(found.is);
            assert!(inert, "{:?} is not quoted in {command}", found.is);
            assert!(!home, "a value names a home directory in {command}");
            assert!(!(brace && found.is == ','), "braces in {command}");
        }
        before = bare;
    }
    let from_value = wanted.iter().any(|letter| letter.quoted.is_none());
    assert!(
        !(from_value && bare && RESERVED.contains(&text.as_str())),
        "a value is a reserved word in {command}"
    );
}

const RESERVED: [&str; 18] = [
    "!", "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for",
    "in", "function", "select", "time", "coproc",
];

/// A word without the marks of its quotes.
fn unmarked(word: &[Letter]) -> Vec<Letter> {
    let letters = word.iter().filter(|letter| **letter != QUOTES);
    letters.copied().collect()
}

/// The word of harmless values, with the values in their places.
fn wanted(expected: &[Letter], values: &Values) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut rest = expected;
    while let Some((first, after)) = rest.split_first() {
        if let Some(i) = harmless(rest) {
            let chars = values.received(i);
            wanted.extend(chars.chars().map(|is| Wanted { is, quoted: None }));
            rest = rest.get(5..).unwrap_or(&[]);
        } else {
            wanted.push(Wanted {
                is: first.is,
                quoted: Some(first.quoted),
            });
            rest = after;
        }
    }
    wanted
}

/// Which harmless value begins here.
fn harmless(letters: &[Letter]) -> Option<usize> {
    let text: String = letters.iter().take(5).map(|letter| letter.is).collect();
    let number = text.strip_prefix("QZ")?.strip_suffix("ZQ")?;
    number.parse().ok()
}

/// Whether a word is `NAME=…` to a shell.
fn assigns(word: &[Letter]) -> bool {
    let Some(end) = word.iter().position(|letter| letter.is == '=') else {
        return false;
    };
    let bare = word.iter().take(end + 1).all(|letter| !letter.quoted);
    let name: String = word.iter().take(end).map(|letter| letter.is).collect();
    let name = name.strip_suffix('+').unwrap_or(&name);
    bare && !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Any text becomes one word, which is that text.
fn one_word(text: &str) {
    if text.contains('\0') {
        return;
    }
    let quoted = quote_word(text);
    match words(&quoted).as_deref() {
        Some([Token::Word(word)]) => {
            let read: String = unmarked(word).iter().map(|letter| letter.is).collect();
            assert_eq!(read, text, "quoted as {quoted}");
        }
        other => panic!("{text:?} is quoted as {quoted}: {other:?}"),
    }
}
