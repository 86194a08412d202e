//! Whose turn it is.
//!
//! What waits starts in order. If something is free, but too little for the first, it keeps its turn: what it asks for is
//! reserved, and whatever stands behind it, or turns up in front of it now, may start only if it fits in beside it and beside all
//! others that went ahead. So it waits for what ran when its turn came, and never for anything that went ahead of it; and since
//! everything that runs ends, everything that waits starts. Nothing lies idle that something could use by this rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::schedule::capacity::amounts::Demand;
use crate::schedule::capacity::room::{Capacity, Grant};

/// What waits, by its place in the order.
#[derive(Debug)]
pub(crate) struct Turns<K> {
    waiting: BTreeMap<K, Demand>,
    /// The same by what is asked for. Few ask for different things, so that what fits is found without looking at all.
    alike: BTreeMap<Demand, BTreeSet<K>>,
    /// Whose turn it is, if it found no room.
    first: Option<K>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            alike: BTreeMap::new(),
            first: None,
        }
    }
}

impl<K: Copy + Ord> Turns<K> {
    /// Somebody waits.
    pub(crate) fn wait(&mut self, who: K, demand: Demand) {
        self.leave(who);
        self.waiting.insert(who, demand);
        self.alike.entry(demand).or_default().insert(who);
    }

    /// Who starts now, with what it asked for, if anybody does. `before` is one whose demand is not known yet: nothing behind it starts,
    /// except whose turn it was already.
    pub(crate) fn next(
        &mut self,
        capacity: &mut Capacity,
        before: Option<K>,
    ) -> Option<(K, Grant)> {
        if self.waiting.is_empty() || capacity.is_full() {
            return None;
        }
        let allowed = |who: &K| before.is_none_or(|before| *who < before);
        let first = match self.first {
            Some(first) => first,
            None => *self.waiting.keys().next().filter(|first| allowed(first))?,
        };
        let demand = *self.waiting.get(&first)?;
        if let Some(grant) = capacity.take(&demand) {
            self.leave(first);
            capacity.unreserve();
            self.first = None;
            return Some((first, grant));
        }
        if self.first.is_none() {
            self.first = Some(first);
            capacity.reserve(&demand);
        }
        let fitting = self
            .alike
            .iter()
            .filter(|(demand, _)| capacity.fits_ahead(demand));
        let fitting = fitting.filter_map(|(_, all)| all.iter().find(|who| **who != first));
        let next = *fitting.filter(|who| allowed(who)).min()?;
        let grant = capacity.take_ahead(self.waiting.get(&next)?)?;
        self.leave(next);
        Some((next, grant))
    }

    /// Whether somebody could start now if there were more room.
    pub(crate) fn is_held_up(&self, before: Option<K>) -> bool {
        let next = self.waiting.keys().next();
        self.first.is_some() || next.is_some_and(|who| before.is_none_or(|before| *who < before))
    }

    fn leave(&mut self, who: K) {
        let Some(demand) = self.waiting.remove(&who) else {
            return;
        };
        if let Some(all) = self.alike.get_mut(&demand) {
            all.remove(&who);
            if all.is_empty() {
                self.alike.remove(&demand);
            }
        }
    }
}
