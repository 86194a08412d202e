//! Reading a lock. What cannot be read is never thrown away: the error says where and what to do.

use std::path::Path;

use playbook_types::record::lock::LockFile;
use playbook_types::span::LineIndex;
use serde::Deserialize;

use crate::error::LockError;
use crate::project::utf8;
use crate::record::Base;

/// The major version of the shape this program knows.
const MAJOR: u64 = 1;

/// Reads the lock at `path`; `None` if there is none.
///
/// # Errors
///
/// A lock that cannot be read, holds conflict markers, is torn, or is from a newer program.
pub fn load_lock_file(path: &Path) -> Result<Option<LockFile>, LockError> {
    Ok(Base::read(path)?.lock)
}

/// Reads the bytes of a lock; `path` is only for messages.
pub(crate) fn parse_bytes(bytes: Vec<u8>, path: &Path) -> Result<LockFile, LockError> {
    let text = utf8(bytes).map_err(|line| LockError::Broken {
        path: path.to_owned(),
        line,
        message: "it is not UTF-8 text".to_owned(),
    })?;
    parse_lock(&text, path)
}

/// Reads the text of a lock; `path` is only for messages.
pub fn parse_lock(text: &str, path: &Path) -> Result<LockFile, LockError> {
    if let Some(line) = conflict_marker(text) {
        return Err(LockError::Conflict {
            path: path.to_owned(),
            line,
        });
    }
    // Half a file may well be whole YAML.
    if !text.is_empty() && !text.ends_with('\n') {
        let message = "it ends in the middle of a line: the rest of it is missing".to_owned();
        return Err(LockError::Broken {
            path: path.to_owned(),
            line: text.lines().count(),
            message,
        });
    }
    let lock: LockFile = match serde_yaml_ng::from_str(text) {
        Ok(lock) => lock,
        Err(error) => return Err(newer(text, path).unwrap_or_else(|| broken(text, path, &error))),
    };
    if is_known(&lock.schema) {
        Ok(lock)
    } else {
        Err(LockError::Schema {
            path: path.to_owned(),
            found: lock.schema,
        })
    }
}

fn is_known(schema: &str) -> bool {
    schema
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        == Some(MAJOR)
}

/// The line of the first marker that git leaves where two sides changed the same lines.
fn conflict_marker(text: &str) -> Option<usize> {
    let marker = |line: &str| {
        ["<<<<<<<", ">>>>>>>", "|||||||"]
            .iter()
            .any(|mark| line.starts_with(mark))
            || line == "======="
    };
    text.lines().position(marker).map(|at| at + 1)
}

/// A newer shape may fail to parse as ours; its version says so better than the first field that differs.
fn newer(text: &str, path: &Path) -> Option<LockError> {
    #[derive(Deserialize)]
    struct OnlySchema {
        schema: String,
    }
    let OnlySchema { schema } = serde_yaml_ng::from_str(text).ok()?;
    (!is_known(&schema)).then(|| LockError::Schema {
        path: path.to_owned(),
        found: schema,
    })
}

fn broken(text: &str, path: &Path, error: &serde_yaml_ng::Error) -> LockError {
    // By bytes: what YAML takes for the end of a line is none to an editor everywhere.
    let line = error
        .location()
        .map_or(text.len(), |location| location.index());
    let line = LineIndex::new(text).place(line..line).line;
    let message = if text.trim().is_empty() {
        "it is empty".to_owned()
    } else {
        error.to_string()
    };
    LockError::Broken {
        path: path.to_owned(),
        line,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_an_error_is_an_editors() {
        let text = "schema: '1.0'\nplaybook: 'a\u{2028}b\u{85}c\rd'\nstages: [}\n";
        match parse_lock(text, Path::new("p.lock.yaml")) {
            Err(LockError::Broken { line, .. }) => assert_eq!(line, 3),
            other => panic!("{other:?}"),
        }
    }
}
