//! The fields of `parallel`.

use crate::language::top::json;
use crate::language::{Field, Fields, Shape, Word, documented};

/// How an input directory is split.
pub(crate) static PARALLEL: Fields = Fields {
    all: &[
        Field::new(
            "strategy",
            Shape::Words(|| documented(&STRATEGY)),
            "How many files a job gets.",
        )
        .required(),
        Field::new(
            "glob",
            Shape::Text,
            "Which files, as in '*.wav'; '**/*.wav' looks into directories. Without it, all.",
        ),
        Field::new("max_workers", Shape::Count(1), "The most jobs at once."),
        Field::new(
            "chunk_size",
            Shape::Count(1),
            "How many files a job of the strategy 'chunked' gets.",
        ),
        Field::new(
            "ext",
            Shape::Text,
            "The extension of what jobs make, if it is not that of what they read.",
        ),
    ],
    between: Some(|| {
        json(
            r#"{"if": {"properties": {"strategy": {"const": "chunked"}}},
                "then": {"required": ["chunk_size"]}, "else": {"properties": {"chunk_size": false}}}"#,
        )
    }),
};

/// The strategies: whether files are put together.
pub(crate) static STRATEGY: [Word<bool>; 2] = [
    Word::new("per_file", false, "One."),
    Word::new("chunked", true, "As many as 'chunk_size' says."),
];
