//! One stage, many jobs: how its input directory is split.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a stage's first dep is split into jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parallel {
    /// One file a job, or several.
    pub strategy: Strategy,
    /// Which files of the directory; all if not given.
    pub glob: Option<String>,
    /// The most jobs at once.
    pub max_workers: Option<u32>,
    /// The extension of outputs, if it differs from the inputs'.
    pub ext: Option<String>,
}

/// How many files a job gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// One.
    PerFile,
    /// This many.
    Chunked {
        /// Files in a job; at least one.
        chunk_size: u32,
    },
}

impl Parallel {
    /// What of it decides about results: all but the number of workers.
    pub fn split(&self) -> Split {
        let Self {
            strategy,
            glob,
            max_workers: _, // how many run at once changes no result
            ext,
        } = self;
        Split {
            strategy: *strategy,
            glob: glob.clone(),
            ext: ext.clone(),
        }
    }
}

/// What decides which jobs there are and what each makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Split {
    /// One file a job, or several.
    pub strategy: Strategy,
    /// Which files of the directory; all if not given.
    pub glob: Option<String>,
    /// The extension of outputs, if it differs from the inputs'.
    pub ext: Option<String>,
}

/// A split as a playbook writes it.
#[derive(Serialize, Deserialize)]
struct Written {
    strategy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chunk_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    glob: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ext: Option<String>,
}

impl From<Split> for Written {
    fn from(split: Split) -> Self {
        let Split {
            strategy,
            glob,
            ext,
        } = split;
        let (strategy, chunk_size) = match strategy {
            Strategy::PerFile => ("per_file", None),
            Strategy::Chunked { chunk_size } => ("chunked", Some(chunk_size)),
        };
        Self {
            strategy: strategy.to_owned(),
            chunk_size,
            glob,
            ext,
        }
    }
}

impl TryFrom<Written> for Split {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let strategy = match (written.strategy.as_str(), written.chunk_size) {
            ("per_file", None) => Strategy::PerFile,
            ("chunked", Some(chunk_size)) => Strategy::Chunked { chunk_size },
            _ => return Err("not a split that this version knows"),
        };
        Ok(Self {
            strategy,
            glob: written.glob,
            ext: written.ext,
        })
    }
}

/// In a few words: `one per file matching '*.wav' into .txt`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.strategy {
            Strategy::PerFile => f.write_str("one per file")?,
            Strategy::Chunked { chunk_size: 1 } => f.write_str("chunks of 1 file")?,
            Strategy::Chunked { chunk_size } => write!(f, "chunks of {chunk_size} files")?,
        }
        if let Some(glob) = &self.glob {
            write!(f, " matching '{glob}'")?;
        }
        if let Some(ext) = &self.ext {
            write!(f, " into .{ext}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_not_known_is_refused() {
        let split = |strategy| Split {
            strategy,
            glob: Some("*.wav".to_owned()),
            ext: None,
        };
        for (split, text) in [
            (
                split(Strategy::PerFile),
                r#"{"strategy":"per_file","glob":"*.wav"}"#,
            ),
            (
                split(Strategy::Chunked { chunk_size: 3 }),
                r#"{"strategy":"chunked","chunk_size":3,"glob":"*.wav"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&split).unwrap(), text);
            assert_eq!(serde_json::from_str::<Split>(text).unwrap(), split);
        }
        for text in [r#"{"strategy":"chunked"}"#, r#"{"strategy":"by_size"}"#] {
            assert!(serde_json::from_str::<Split>(text).is_err(), "{text}");
        }
    }
}
