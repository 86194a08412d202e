//! `${item}`, as the loops of DVC have it, where `{{ item }}` is meant: to a shell it is a variable that nobody has set.

use crate::check::stage_path;
use crate::finding::{Finding, Mark};
use crate::model::fanout::Strategy;
use crate::model::playbook::Playbook;
use crate::model::stage::{Command, Stage};
use crate::value::ParamValue;

pub(super) fn warn(playbook: &Playbook, found: &mut Vec<Finding>) {
    let is_set = |stage: &Stage| {
        let mut names = playbook.env.keys().chain(stage.env.keys());
        names.any(|name| name.as_str() == NAME)
    };
    for stage in playbook.stages.values() {
        let loops = stage.item().is_some() || stage.parallel.is_some();
        // What is written in one command may be set in one before: they are not told apart.
        if !loops || is_set(stage) || stage.cmd.items().iter().any(|text| sets(text)) {
            continue;
        }
        for (i, text) in stage.cmd.items().iter().enumerate() {
            if let Some(variable) = first(text) {
                let at = stage_path(stage).key("cmd");
                let at = match stage.cmd {
                    Command::Text(_) => at,
                    Command::List(_) => at.index(i),
                };
                let message = format!(
                    "'{variable}' is a variable of the shell, and nothing sets it in stage '{}'",
                    stage.written()
                );
                let hint = format!("here it is written {}", meant(stage, variable));
                found.push(
                    Finding::warning(at, message)
                        .mark(Mark::Text(variable.to_owned(), 0))
                        .hint(hint)
                        .of(stage),
                );
            }
        }
    }
}

const NAME: &str = "item";

/// `{{ item.size }}` for `${item.size}`; a job of a fan-out has an input instead.
fn meant(stage: &Stage, variable: &str) -> String {
    if let Some(item) = stage.item() {
        let name = variable.trim_start_matches("${").trim_end_matches('}');
        let name = match &item.value {
            ParamValue::Map(_) if name == NAME => "item.NAME",
            _ => name,
        };
        return format!("{{{{ {name} }}}}");
    }
    let strategy = stage.parallel.as_ref().map(|parallel| parallel.strategy);
    match strategy {
        Some(Strategy::Chunked { .. }) => "{{ inputs }}".to_owned(),
        Some(Strategy::PerFile) | None => "{{ input }}".to_owned(),
    }
}

/// The first `${item}` or `${item.size}` that is not written for the letters themselves.
fn first(text: &str) -> Option<&str> {
    let starts = text.match_indices("${item");
    let mut variables = starts.filter_map(|(start, front)| {
        let escaped = text[..start].ends_with('\\');
        let rest = &text[start + front.len()..];
        let length = rest.find('}')?;
        let path = &rest[..length];
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let is_path = path.is_empty()
            || path.strip_prefix('.').is_some_and(|path| {
                path.split('.')
                    .all(|part| !part.is_empty() && part.chars().all(word))
            });
        (is_path && !escaped).then(|| &text[start..=start + front.len() + length])
    });
    variables.next()
}

/// Whether a command gives the variable a value: it is set, looped over, or read.
fn sets(text: &str) -> bool {
    let pieces = text.split(['\n', ';', '&', '|', '(', ')', '{', '}']);
    pieces.into_iter().any(|piece| {
        let mut words = piece.split_whitespace();
        let mut gives = false;
        words.any(|word| {
            gives |= matches!(
                word,
                "for" | "select" | "read" | "getopts" | "mapfile" | "readarray"
            );
            word.starts_with("item=") || word.starts_with("item+=") || (gives && word == NAME)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{first, sets};

    #[test]
    fn only_what_reads_like_an_item_is_one() {
        for (text, variable) in [
            ("x ${item} ${item.a}", Some("${item}")),
            ("x ${item.a_b.c-d}/y", Some("${item.a_b.c-d}")),
            ("x $item ${items} ${item:-1} ${item%.*} ${item[0]}", None),
            ("x \\${item} ${item", None),
            ("x ${item.} ${item..a} ${item.é}", Some("${item.é}")),
        ] {
            assert_eq!(first(text), variable, "{text}");
        }
    }

    #[test]
    fn a_variable_that_is_set_is_the_shells() {
        for (text, set) in [
            ("for item in a b; do echo ${item}; done", true),
            ("ls |while read -r item; do echo ${item}; done", true),
            ("if true; then item=3; fi", true),
            ("export item=3", true),
            ("echo item in ${item}", false),
            ("for x in a; do echo item; done", false),
        ] {
            assert_eq!(sets(text), set, "{text}");
        }
    }
}
