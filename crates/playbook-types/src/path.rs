//! Paths of data as a playbook writes them: normalised, compared by components, never touched on disk.
//!
//! A playbook is UTF-8, so these are text. Names *inside* a directory are raw bytes and belong to
//! `playbook-hash`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A normalised path: relative to the root (`a/b`, `../shared/x`, `.` for the root itself) or absolute.
///
/// Normal form: no empty or `.` components, no trailing slash, `..` only at the front. Two paths are
/// the same data, as far as text can tell, exactly when they are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DataPath(Box<str>);

/// Why a text cannot be a path of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("a path cannot be empty")]
    Empty,
    /// The text holds a NUL byte, which no file name can.
    #[error("a path cannot hold a NUL byte")]
    Nul,
    /// `..` stands after a name. `a/../b` is `b` only when `a` is no symlink, so it is not guessed.
    #[error("'..' may stand only at the front of a path")]
    InnerDotDot,
    /// `..` above `/`.
    #[error("'..' cannot follow '/'")]
    AboveFilesystemRoot,
}

impl DataPath {
    /// Normalises `text`: `./a//b/` becomes `a/b`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        let absolute = text.starts_with('/');
        let mut normal = String::with_capacity(text.len());
        let mut named = false;
        for part in text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            if part == ".." {
                if absolute {
                    return Err(PathError::AboveFilesystemRoot);
                }
                if named {
                    return Err(PathError::InnerDotDot);
                }
            } else {
                named = true;
            }
            if absolute || !normal.is_empty() {
                normal.push('/');
            }
            normal.push_str(part);
        }
        if normal.is_empty() {
            normal.push(if absolute { '/' } else { '.' });
        }
        Ok(Self(normal.into()))
    }

    /// Keeps a text that has no normal form, from a file that another program wrote. It equals no parsed path.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self(text.into())
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Begins with `/`.
    pub fn is_absolute(&self) -> bool {
        self.0.starts_with('/')
    }

    /// Is the root itself.
    pub fn is_root(&self) -> bool {
        &*self.0 == "."
    }

    /// How many `..` it begins with.
    fn ups(&self) -> usize {
        self.0.split('/').take_while(|part| *part == "..").count()
    }

    fn climbs(&self) -> bool {
        &*self.0 == ".." || self.0.starts_with("../")
    }

    /// Whether `other` is this path or lies below it. `.` holds every relative path that does not climb,
    /// `..` holds what climbs less.
    pub fn holds(&self, other: &Self) -> bool {
        if self.is_absolute() != other.is_absolute() {
            return false;
        }
        if &*self.0 == "/" {
            return true;
        }
        let (mine, theirs) = (self.ups(), other.ups());
        let only_ups = self.is_root() || (self.climbs() && self.0.split('/').count() == mine);
        if only_ups {
            return theirs <= mine;
        }
        match other.0.strip_prefix(&*self.0) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether one holds the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.holds(other) || other.holds(self)
    }

    /// The components, front to back; the root has none.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
    }

    /// The last component, if it is a name.
    pub fn file_name(&self) -> Option<&str> {
        self.components().last().filter(|part| *part != "..")
    }

    /// This path as seen from the directory `wdir` (both relative to the root): `out/x` from `src` is
    /// `../out/x`. Absolute paths stay. A `wdir` that climbs out of the root cannot be undone by text
    /// alone; then `None`.
    pub fn seen_from(&self, wdir: &Self) -> Option<String> {
        if self.is_absolute() || wdir.is_root() {
            return Some(self.0.to_string());
        }
        if wdir.is_absolute() {
            return None;
        }
        let mut here = wdir.components().peekable();
        let mut there = self.components().peekable();
        while let (Some(a), Some(b)) = (here.peek(), there.peek()) {
            if a != b {
                break;
            }
            here.next();
            there.next();
        }
        let mut parts = Vec::new();
        for part in here {
            if part == ".." {
                return None;
            }
            parts.push("..");
        }
        parts.extend(there);
        Some(if parts.is_empty() {
            ".".to_owned()
        } else {
            parts.join("/")
        })
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl<'de> Deserialize<'de> for DataPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> DataPath {
        DataPath::parse(text).unwrap()
    }

    #[test]
    fn normal_form() {
        for (text, normal) in [
            ("./a//b/", "a/b"),
            ("a", "a"),
            (".", "."),
            ("./", "."),
            ("../x/", "../x"),
            ("..", ".."),
            ("../../x", "../../x"),
            ("/", "/"),
            ("//a/./b", "/a/b"),
            ("-x", "-x"),
            ("a b", "a b"),
        ] {
            assert_eq!(path(text).as_str(), normal, "{text}");
        }
        assert_eq!(DataPath::parse(""), Err(PathError::Empty));
        assert_eq!(DataPath::parse("a\0b"), Err(PathError::Nul));
        assert_eq!(DataPath::parse("a/../b"), Err(PathError::InnerDotDot));
        assert_eq!(DataPath::parse("../a/.."), Err(PathError::InnerDotDot));
        assert_eq!(
            DataPath::parse("/../a"),
            Err(PathError::AboveFilesystemRoot)
        );
    }

    #[test]
    fn containment() {
        for (outer, inner) in [
            ("a", "a"),
            ("a", "a/b"),
            (".", "a"),
            (".", "."),
            ("..", "."),
            ("..", "../a"),
            ("..", "a/b"),
            ("../a", "../a/b"),
            ("/", "/a"),
            ("/a", "/a/b"),
            ("../..", "../x"),
        ] {
            assert!(path(outer).holds(&path(inner)), "{outer} holds {inner}");
        }
        for (outer, inner) in [
            ("a", "ab"),
            ("a", "b"),
            ("a/b", "a"),
            (".", ".."),
            (".", "../a"),
            ("..", "../.."),
            ("../a", "a"),
            ("/a", "a"),
            ("a", "/a"),
        ] {
            assert!(
                !path(outer).holds(&path(inner)),
                "{outer} does not hold {inner}"
            );
        }
    }

    #[test]
    fn from_a_working_directory() {
        for (target, wdir, seen) in [
            ("out/x", ".", Some("out/x")),
            ("out/x", "src", Some("../out/x")),
            ("src/x", "src", Some("x")),
            ("src", "src", Some(".")),
            ("a/b/c", "a/d/e", Some("../../b/c")),
            ("/x", "a", Some("/x")),
            ("../x", "a", Some("../../x")),
            ("../x", "../y", Some("../x")),
            ("x", "../y", None),
            ("x", "/y", None),
        ] {
            assert_eq!(
                path(target).seen_from(&path(wdir)).as_deref(),
                seen,
                "{target} from {wdir}"
            );
        }
    }
}
