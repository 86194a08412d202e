//! One of the few words a field may be, with what it means.

/// A word of the language.
#[derive(Debug)]
pub(crate) struct Word<T> {
    /// As it is written.
    pub(crate) text: &'static str,
    /// What the model calls it.
    pub(crate) meaning: T,
    /// What it means, for people.
    pub(crate) about: &'static str,
}

impl<T> Word<T> {
    pub(crate) const fn new(text: &'static str, meaning: T, about: &'static str) -> Self {
        Self {
            text,
            meaning,
            about,
        }
    }
}

/// The words with their descriptions, without what the model calls them.
pub(crate) fn documented<T>(words: &[Word<T>]) -> Vec<(&'static str, &'static str)> {
    words.iter().map(|it| (it.text, it.about)).collect()
}
