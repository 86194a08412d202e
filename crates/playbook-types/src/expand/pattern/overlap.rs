//! Which two components can mean the same name.

use crate::expand::pattern::Part;

/// Whether some text is matched by both of two components.
pub(crate) fn can_be_equal(a: &[Part], b: &[Part]) -> bool {
    let (a, b) = (atoms(a), atoms(b));
    // What most pairs differ in is how they begin or end.
    let differ = |a: Option<&Atom>, b: Option<&Atom>| match (a, b) {
        (Some(Atom::Char(a)), Some(Atom::Char(b))) => a != b,
        _ => false,
    };
    if differ(a.first(), b.first()) || differ(a.last(), b.last()) {
        return false;
    }
    // By how many atoms of b are used up: whether what is used of a so far can be the same text.
    let mut before: Vec<bool> = Vec::new();
    for i in 0..=a.len() {
        let mut now = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            let upper = |j: usize| before.get(j).copied().unwrap_or(false);
            now[j] = (i == 0 && j == 0)
                || (i > 0 && a[i - 1] == Atom::Any && (upper(j) || (j > 0 && now[j - 1])))
                || (j > 0 && b[j - 1] == Atom::Any && (now[j - 1] || upper(j)))
                || (i > 0 && j > 0 && upper(j - 1) && a[i - 1].meets(b[j - 1]));
        }
        before = now;
    }
    before.last().copied().unwrap_or(false)
}

/// Whether two components are the same but for the names of their wildcards.
pub(crate) fn same_shape(a: &[Part], b: &[Part]) -> bool {
    let same = |(a, b): (&Part, &Part)| match (a, b) {
        (Part::Text(a), Part::Text(b)) => a == b,
        (Part::Wildcard(_), Part::Wildcard(_)) => true,
        _ => false,
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// What a component is made of, character by character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    Char(char),
    /// One character, but no dot.
    First,
    /// Any number of characters.
    Any,
}

impl Atom {
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Char(a), Self::Char(b)) => a == b,
            (Self::Char(c), Self::First) | (Self::First, Self::Char(c)) => c != '.',
            _ => true,
        }
    }
}

fn atoms(parts: &[Part]) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => atoms.extend(text.chars().map(Atom::Char)),
            Part::Wildcard(_) => atoms.extend([Atom::First, Atom::Any]),
        }
    }
    atoms
}
