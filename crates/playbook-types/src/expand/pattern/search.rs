//! Finding what wildcards stand for.

/// A part, its wildcard by number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'p> {
    Text(&'p str),
    Wildcard(usize),
}

/// One attempt to match.
pub(super) struct Search<'s> {
    pieces: &'s [Piece<'s>],
    text: &'s str,
    pub(super) values: Vec<Option<&'s str>>,
    /// By piece: nothing from there on depends on what came before.
    independent: Vec<bool>,
    /// By piece and place in the text: it was tried from there, and depends on nothing before.
    failed: Vec<bool>,
}

impl<'s> Search<'s> {
    pub(super) fn new(pieces: &'s [Piece<'s>], text: &'s str, wildcards: usize) -> Self {
        let mut first = vec![usize::MAX; wildcards];
        let mut last = vec![0; wildcards];
        for (n, piece) in pieces.iter().enumerate() {
            if let Piece::Wildcard(name) = piece {
                first[*name] = first[*name].min(n);
                last[*name] = n;
            }
        }
        let apart = |n: usize| (0..wildcards).all(|name| first[name] >= n || last[name] < n);
        let many = pieces
            .iter()
            .filter(|piece| matches!(piece, Piece::Wildcard(_)))
            .count();
        let remembered = if many > 2 {
            pieces.len() * (text.len() + 1)
        } else {
            0
        };
        Self {
            pieces,
            text,
            values: vec![None; wildcards],
            independent: (0..pieces.len()).map(apart).collect(),
            failed: vec![false; remembered],
        }
    }

    /// Whether the pieces from this one on match the text from there on.
    pub(super) fn run(&mut self, piece: usize, at: usize) -> bool {
        let Some(this) = self.pieces.get(piece) else {
            return at == self.text.len();
        };
        let rest = &self.text[at..];
        match *this {
            Piece::Text(text) => rest.starts_with(text) && self.run(piece + 1, at + text.len()),
            Piece::Wildcard(name) => match self.values[name] {
                Some(value) => rest.starts_with(value) && self.run(piece + 1, at + value.len()),
                None => self.remembering(piece, at, |search| search.bind(name, piece, at)),
            },
        }
    }

    /// Tries each length for a wildcard, the shortest first.
    fn bind(&mut self, name: usize, piece: usize, at: usize) -> bool {
        let text = self.text;
        let rest = &text[at..];
        let longest = rest.find('/').unwrap_or(rest.len());
        if rest.starts_with('.') {
            return false;
        }
        let next = match self.pieces.get(piece + 1) {
            None => {
                let all = longest > 0 && longest == rest.len();
                self.values[name] = all.then_some(rest);
                return all;
            }
            // Most often a text follows, which says where a wildcard can end.
            Some(Piece::Text(next)) => Some(*next),
            Some(Piece::Wildcard(_)) => None,
        };
        let mut from = 0;
        loop {
            let first = rest[from..].chars().next().map_or(0, char::len_utf8);
            if first == 0 || from + first > longest {
                break;
            }
            from += first;
            let end = match next {
                None => from,
                Some(next) => match rest[from..].find(next) {
                    Some(found) => from + found,
                    None => break,
                },
            };
            if end > longest {
                break;
            }
            self.values[name] = Some(&rest[..end]);
            if self.run(piece + 1, at + end) {
                return true;
            }
            from = end;
        }
        self.values[name] = None;
        false
    }

    fn remembering(
        &mut self,
        piece: usize,
        at: usize,
        run: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let slot = piece * (self.text.len() + 1) + at;
        let remembers = self.independent[piece] && !self.failed.is_empty();
        if remembers && self.failed[slot] {
            return false;
        }
        let found = run(self);
        if remembers && !found {
            self.failed[slot] = true;
        }
        found
    }
}
