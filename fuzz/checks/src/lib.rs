//! What must hold for every input of a parser, whatever it is.
//!
//! One module per parser, each with `check(&[u8])`, which panics where a promise is broken. The fuzz targets
//! beside this crate feed them with what libFuzzer makes up, the test `replay` with the corpus; so
//! what was found once is looked for in every run of the test suite, without a fuzzer.
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a promise that is broken stops the fuzzer, with the input that breaks it"
)]

pub mod events;
pub mod journal;
pub mod lock;
pub mod params;
pub mod playbook;
mod shown;
pub mod template;
mod words;

/// Panics where a promise is broken.
pub type Check = fn(&[u8]);

/// A parser's name, as in `fuzz/corpus/<name>`, and what must hold for its inputs.
pub const CHECKS: [(&str, Check); 6] = [
    ("events", events::check),
    ("journal", journal::check),
    ("lock", lock::check),
    ("params", params::check),
    ("playbook", playbook::check),
    ("template", template::check),
];

/// The parsers of text are given text: files that are not UTF-8 are refused before.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
