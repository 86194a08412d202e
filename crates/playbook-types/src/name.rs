//! Names: what a stage, a target, a param and an environment variable may be called.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text cannot be a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' cannot be {kind}: {rule}")]
pub struct NameError {
    /// The text.
    pub text: String,
    /// What it should have named, with its article.
    pub kind: &'static str,
    /// What such a name may be.
    pub rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks the text against the rule for this kind of name.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { text: text.to_owned(), kind: $kind, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type!(
    /// The name of a stage. It is also a file name (of its logs), so it holds no slash and is short.
    /// Wildcards such as `{sample}` may stand in it.
    StageName,
    "a stage name",
    "letters, digits, '_', '.', '@' and '-', not '.', '@' or '-' in front, at most 200 bytes",
    is_stage_name
);
name_type!(
    /// The name of a target.
    TargetName,
    "a target name",
    "letters, digits, '_', '.' and '-', a letter, digit or '_' in front",
    |text| is_plain_name(text, "_.-")
);
name_type!(
    /// A dotted key that reaches into nested params: `chunk.size`.
    ParamKey,
    "a param key",
    "names separated by single dots, without spaces or braces",
    |text| {
        !text.is_empty()
            && text.split('.').all(|part| !part.is_empty() && is_param_part(part))
    }
);
name_type!(
    /// The name of an environment variable.
    EnvName,
    "the name of an environment variable",
    "letters, digits and '_', not a digit in front",
    |text| {
        !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }
);

fn is_plain_name(text: &str, also: &str) -> bool {
    text.len() <= 200
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

fn is_stage_name(text: &str) -> bool {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((wildcard, behind)) = after.split_once('}') else {
            return false;
        };
        if !is_wildcard_name(wildcard) {
            return false;
        }
        plain.push_str(before);
        plain.push('x');
        rest = behind;
    }
    plain.push_str(rest);
    is_plain_name(&plain, "_.@-")
}

/// Whether `text` may stand between the braces of a wildcard: an identifier.
pub fn is_wildcard_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `text` may be one part of a param key.
pub fn is_param_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-/@:+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_names() {
        for good in ["a", "A1_x.y@z-w", "_x", "1", "transcribe_{sample}", "{a}"] {
            assert!(StageName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", ".a", "-a", "@a", "a b", "a/b", "é", "a\n", "{", "{}", "a{1}", "a}",
        ] {
            assert!(StageName::parse(bad).is_err(), "{bad}");
        }
        assert!(StageName::parse(&"a".repeat(201)).is_err());
    }

    #[test]
    fn param_keys_and_env_names() {
        assert!(ParamKey::parse("a.b-c.d_e").is_ok());
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a}"] {
            assert!(ParamKey::parse(bad).is_err(), "{bad}");
        }
        assert!(EnvName::parse("LC_ALL").is_ok());
        for bad in ["", "1A", "A=B", "A B", "é"] {
            assert!(EnvName::parse(bad).is_err(), "{bad}");
        }
    }
}
