//! What a pattern matches among the files there are. Who looks at a disk is somebody else.

use indexmap::IndexMap;

use crate::expand::pattern::{Part, Pattern};
use crate::path::DataPath;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name; one that is not UTF-8 as near as can be.
    pub text: String,
    /// It is UTF-8, so that a playbook can name it.
    pub is_text: bool,
    /// It counts: no ignore rule excludes it, and it is none that the program keeps for itself.
    pub counts: bool,
}

/// Where names of files come from.
pub trait Files {
    /// The names in a directory, in any order; `None` if there is no such directory.
    ///
    /// # Errors
    ///
    /// What stands in the way of looking, in words.
    fn names(&mut self, directory: &DataPath) -> Result<Option<&[Name]>, String>;
}

/// There are no files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn names(&mut self, _: &DataPath) -> Result<Option<&[Name]>, String> {
        Ok(None)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Paths that match, by bytes and each once.
    pub(super) paths: Vec<DataPath>,
    /// Paths that would match, if they were UTF-8.
    pub(super) not_text: Vec<String>,
}

/// The paths that a pattern matches. What `is_made` says of a path is not looked at, nor what is in it.
pub(super) fn search(
    pattern: &Pattern,
    files: &mut dyn Files,
    is_made: &dyn Fn(&DataPath) -> bool,
) -> Result<Found, String> {
    let mut walk = Walk {
        pattern,
        files,
        is_made,
        found: Found::default(),
    };
    let depth = pattern.literal_depth();
    walk.directory(&pattern.base(), depth)?;
    let mut found = walk.found;
    found.paths.retain(|path| pattern.matched(path).is_some());
    found.paths.sort_unstable();
    found.paths.dedup();
    found.not_text.sort_unstable();
    Ok(found)
}

struct Walk<'w> {
    pattern: &'w Pattern,
    files: &'w mut dyn Files,
    is_made: &'w dyn Fn(&DataPath) -> bool,
    found: Found,
}

impl Walk<'_> {
    /// Looks for the component at `depth` in a directory that matched so far.
    fn directory(&mut self, directory: &DataPath, depth: usize) -> Result<(), String> {
        let is_last = depth + 1 == self.pattern.depth();
        if let [Part::Text(name)] = self.pattern.component(depth)
            && !is_last
        {
            return match self.below(directory, name) {
                Some(path) => self.directory(&path, depth + 1),
                None => Ok(()),
            };
        }
        let literal = matches!(self.pattern.component(depth), [Part::Text(_)]);
        let names = self.files.names(directory)?.unwrap_or_default();
        let pattern = self.pattern;
        // A path that is named directly counts, whatever the rules say.
        let fits =
            |name: &&Name| (name.counts || literal) && pattern.component_matches(depth, &name.text);
        let fitting: Vec<Name> = names.iter().filter(fits).cloned().collect();
        for name in fitting {
            if !name.is_text {
                let shown = format!("{directory}/{}", name.text);
                self.found
                    .not_text
                    .push(shown.strip_prefix("./").unwrap_or(&shown).to_owned());
                continue;
            }
            match self.below(directory, &name.text) {
                Some(path) if is_last => self.found.paths.push(path),
                Some(path) => self.directory(&path, depth + 1)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The path of a name in a directory, unless a stage makes it.
    fn below(&self, directory: &DataPath, name: &str) -> Option<DataPath> {
        let path = DataPath::parse(&format!("{directory}/{name}")).ok()?;
        (!(self.is_made)(&path)).then_some(path)
    }
}

/// Files for tests: directories with their names.
#[derive(Debug, Clone, Default)]
pub struct ListedFiles(pub IndexMap<DataPath, Vec<Name>>);

impl ListedFiles {
    /// Those with these paths, and the directories they are in.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut files = Self::default();
        for path in paths
            .into_iter()
            .filter_map(|path| DataPath::parse(path).ok())
        {
            let text = path.as_str();
            let ends = text.match_indices('/').map(|(end, _)| end);
            for end in ends.chain([text.len()]) {
                files.put(&text[..end]);
            }
        }
        files
    }

    fn put(&mut self, path: &str) {
        let (directory, name) = match path.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some(parts) => parts,
            None => (".", path),
        };
        let Ok(directory) = DataPath::parse(directory) else {
            return;
        };
        let names = self.0.entry(directory).or_default();
        if !name.is_empty() && !names.iter().any(|known| known.text == name) {
            names.push(Name {
                text: name.to_owned(),
                is_text: true,
                counts: true,
            });
        }
    }
}

impl Files for ListedFiles {
    fn names(&mut self, directory: &DataPath) -> Result<Option<&[Name]>, String> {
        Ok(self.0.get(directory).map(Vec::as_slice))
    }
}
