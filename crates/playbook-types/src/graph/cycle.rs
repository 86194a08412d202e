//! Finding one real cycle to show.

use crate::graph::stage_id::StageId;

/// Stages that need each other: each is needed by the next, and the last by the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<StageId>);

/// A cycle among the stages that could not be ordered. Following needs backwards must come round,
/// because each of them needs another of them.
pub(super) fn find(needs: &[Vec<StageId>], unordered: &[bool]) -> Option<Cycle> {
    let start = unordered.iter().position(|stuck| *stuck)?;
    let mut seen_at = vec![None; needs.len()];
    let mut walk = Vec::new();
    let mut here = StageId::new(start);
    loop {
        if let Some(at) = seen_at[here.index()] {
            let mut round: Vec<StageId> = walk.split_off(at);
            round.reverse();
            let first = (0..round.len()).min_by_key(|i| round[*i])?;
            round.rotate_left(first);
            return Some(Cycle(round));
        }
        seen_at[here.index()] = Some(walk.len());
        walk.push(here);
        here = *needs[here.index()]
            .iter()
            .find(|need| unordered[need.index()])?;
    }
}
