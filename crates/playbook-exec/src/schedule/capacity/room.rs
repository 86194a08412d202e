//! What is free, and what has been given away.

use std::collections::BTreeSet;

use playbook_types::model::playbook::Playbook;

use crate::schedule::capacity::amounts::{Amounts, Demand, Resource, declared};
use crate::schedule::capacity::machine::Machine;

/// What may be used at once, and what of it is in use.
#[derive(Debug)]
pub(crate) struct Capacity {
    /// Cores of `--jobs`, and what the machine has.
    here: Room,
    /// What each target of the playbook has, in its order.
    targets: Vec<Room>,
    /// Which reservation stands, if one does.
    reserved: Option<u64>,
    /// How many there were.
    reservations: u64,
    devices: Pool,
}

/// Accelerators, by name, and which are free.
#[derive(Debug, Default)]
struct Pool {
    names: Vec<String>,
    free: BTreeSet<usize>,
}

#[derive(Debug)]
struct Room {
    limit: Amounts,
    used: Amounts,
    /// What is meant for the one the reservation is for.
    reserved: Amounts,
    /// What of the used was given to those who went ahead of that one.
    ahead: Amounts,
}

/// What somebody may use until it is given back.
#[derive(Debug)]
#[must_use = "it has to be given back"]
pub(crate) struct Grant {
    demand: Demand,
    /// The reservation it went ahead of.
    ahead_of: Option<u64>,
    /// Accelerators, by their places.
    devices: Vec<usize>,
    visible: Option<String>,
}

impl Grant {
    /// The accelerators that it gives, as [`VISIBLE_DEVICES`](crate::process::VISIBLE_DEVICES) has them; nothing if it gives none.
    pub(crate) fn visible_devices(&self) -> Option<&str> {
        self.visible.as_deref()
    }
}

impl Capacity {
    /// So many cores, what the machine has, and what the targets are said to have.
    pub(crate) fn new(jobs: u32, playbook: &Playbook, machine: &Machine) -> Self {
        let targets = playbook.targets.values().map(declared).map(Room::new);
        let cores = Self::of_jobs(jobs);
        let limit = machine.room(playbook).at_most(cores.here.limit);
        let names = machine.devices.names.clone();
        Self {
            here: Room::new(limit),
            targets: targets.collect(),
            devices: Pool {
                free: (0..names.len()).collect(),
                names,
            },
            ..cores
        }
    }

    /// So many cores, and no limit beside.
    pub(crate) fn of_jobs(jobs: u32) -> Self {
        let here = Amounts::UNLIMITED.with(Resource::Cores, jobs.max(1).into());
        Self {
            here: Room::new(here),
            targets: Vec::new(),
            reserved: None,
            reservations: 0,
            devices: Pool::default(),
        }
    }

    /// Whether nothing at all can be taken.
    pub(crate) fn is_full(&self) -> bool {
        self.here.free().get(Resource::Cores) == 0
    }

    /// Takes what is asked for, if it is free. What is more than all there is counts as all there is, so that a stage larger
    /// than the machine runs alone.
    pub(crate) fn take(&mut self, demand: &Demand) -> Option<Grant> {
        if !self.rooms(demand).all(|(room, asked)| room.has(asked)) {
            return None;
        }
        self.each_room(demand, |room, asked| room.used = room.used.plus(asked));
        let gpus = self.here.clamp(demand.here).get(Resource::Gpus);
        let devices = self.devices.take(gpus);
        Some(Grant {
            demand: *demand,
            ahead_of: None,
            visible: (!devices.is_empty()).then(|| self.devices.names_of(&devices)),
            devices,
        })
    }

    /// From now on this much is meant for somebody who waits: [`Capacity::take_ahead`] leaves it. There is at most one
    /// reservation.
    pub(crate) fn reserve(&mut self, demand: &Demand) {
        self.unreserve();
        self.reservations += 1;
        self.reserved = Some(self.reservations);
        self.each_room(demand, |room, asked| room.reserved = asked);
    }

    /// Nobody waits for the reservation any more.
    pub(crate) fn unreserve(&mut self) {
        self.reserved = None;
        for room in std::iter::once(&mut self.here).chain(&mut self.targets) {
            (room.reserved, room.ahead) = (Amounts::NONE, Amounts::NONE);
        }
    }

    /// Whether this much is free, and no loss to the one the reservation is for: it fits in beside that one and all others
    /// that went ahead of it. So none of them is ever what that one waits for.
    pub(crate) fn fits_ahead(&self, demand: &Demand) -> bool {
        self.rooms(demand).all(|(room, asked)| {
            let beside = room.limit.minus(room.reserved).minus(room.ahead);
            room.has(asked) && room.clamp(asked).fits(beside)
        })
    }

    /// Takes what is asked for, if [`Capacity::fits_ahead`].
    pub(crate) fn take_ahead(&mut self, demand: &Demand) -> Option<Grant> {
        if !self.fits_ahead(demand) {
            return None;
        }
        let mut grant = self.take(demand)?;
        grant.ahead_of = self.reserved;
        self.each_room(demand, |room, asked| room.ahead = room.ahead.plus(asked));
        Some(grant)
    }

    /// Takes back what was given.
    pub(crate) fn give_back(&mut self, grant: Grant) {
        let Grant {
            demand,
            ahead_of,
            devices,
            visible: _,
        } = grant;
        self.devices.free.extend(devices);
        let ahead = ahead_of.is_some() && ahead_of == self.reserved;
        self.each_room(&demand, |room, asked| {
            room.used = room.used.minus(asked);
            if ahead {
                room.ahead = room.ahead.minus(asked);
            }
        });
    }

    /// The rooms that a demand is about, with what it asks of each.
    fn rooms(&self, demand: &Demand) -> impl Iterator<Item = (&Room, Amounts)> {
        let there = demand
            .target
            .and_then(|(place, asked)| Some((self.targets.get(place)?, asked)));
        std::iter::once((&self.here, demand.here)).chain(there)
    }

    fn each_room(&mut self, demand: &Demand, with: impl Fn(&mut Room, Amounts)) {
        let there = demand
            .target
            .and_then(|(place, asked)| Some((self.targets.get_mut(place)?, asked)));
        for (room, asked) in std::iter::once((&mut self.here, demand.here)).chain(there) {
            let asked = room.clamp(asked);
            with(room, asked);
        }
    }
}

impl Pool {
    /// The first that are free. As many are as the room has.
    fn take(&mut self, count: u64) -> Vec<usize> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let taken: Vec<usize> = self.free.iter().copied().take(count).collect();
        for device in &taken {
            self.free.remove(device);
        }
        taken
    }

    fn names_of(&self, devices: &[usize]) -> String {
        let names = devices.iter().filter_map(|device| self.names.get(*device));
        names.map(String::as_str).collect::<Vec<_>>().join(",")
    }
}

impl Room {
    fn new(limit: Amounts) -> Self {
        Self {
            limit,
            used: Amounts::NONE,
            reserved: Amounts::NONE,
            ahead: Amounts::NONE,
        }
    }

    fn free(&self) -> Amounts {
        self.limit.minus(self.used)
    }

    /// What is asked for, but never more than there is.
    fn clamp(&self, asked: Amounts) -> Amounts {
        asked.at_most(self.limit)
    }

    fn has(&self, asked: Amounts) -> bool {
        self.clamp(asked).fits(self.free())
    }
}
