//! Journal and limits in memory: what was appended or committed stays, everything else is gone with the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millrun::execute::ports::{Admission, Journal, StorageError};
use millrun::plan::remote::Timestamp;
use millrun::plan::settings::Limits;
use millrun::run::event::Record;
use millrun::schedule::limits::Limiter;
use millrun::schedule::slot::{Admittance, Class, Slot, SlotId};
use millrun::schedule::strain::Strain;

/// The disk of one night. Clones share it.
#[derive(Clone, Default, Debug)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Default, Debug)]
struct State {
    records: Vec<Record>,
    slots: BTreeMap<SlotId, Slot>,
    strains: BTreeMap<Class, Strain>,
}

impl Disk {
    pub(super) fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap().records.clone()
    }

    pub(super) fn limits(&self, limits: &Limits, now: Timestamp) -> Slots {
        let mut state = self.0.lock().unwrap();
        // As in the real file: what was out when its process died counts as answered now.
        for slot in state.slots.values_mut() {
            slot.replied_at.get_or_insert(now);
        }
        let slots: Vec<Slot> = state.slots.values().cloned().collect();
        let strains = state.strains.clone();
        Slots {
            disk: self.clone(),
            limiter: Limiter::new(limits.clone(), slots, strains),
            taken: BTreeMap::new(),
            unsaved: Vec::new(),
        }
    }
}

impl Journal for Disk {
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.0.lock().unwrap().records.extend_from_slice(records);
        Ok(())
    }
}

/// Slots of rate limits on the disk.
pub(super) struct Slots {
    disk: Disk,
    limiter: Limiter,
    taken: BTreeMap<SlotId, Slot>,
    unsaved: Vec<Change>,
}

enum Change {
    Slot(Slot),
    Strain(Class, Strain),
}

impl Admission for Slots {
    fn admit(&mut self, classes: &[Class], now: Timestamp) -> Admittance {
        let admittance = self.limiter.admit(classes, now);
        if let Admittance::Granted(ids) = &admittance {
            for (id, class) in ids.iter().zip(classes) {
                let slot = Slot {
                    id: *id,
                    class: class.clone(),
                    sent_at: now,
                    replied_at: None,
                };
                self.taken.insert(*id, slot.clone());
                self.unsaved.push(Change::Slot(slot));
            }
        }
        admittance
    }

    fn answered(&mut self, slots: &[SlotId], now: Timestamp) {
        for id in slots {
            if let Some(mut slot) = self.taken.remove(id) {
                self.limiter.answered(&slot.class, *id, now);
                slot.replied_at = Some(now);
                self.unsaved.push(Change::Slot(slot));
            }
        }
    }

    fn refused(&mut self, slots: &[SlotId], retry_after: Option<Duration>, now: Timestamp) {
        for id in slots {
            if let Some(slot) = self.taken.get(id) {
                let class = slot.class.clone();
                let strained = self.limiter.refused(&class, slot.sent_at, retry_after, now);
                let strained = strained.into_iter();
                let changes = strained.map(|(class, strain)| Change::Strain(class, strain));
                self.unsaved.extend(changes);
            }
        }
        self.answered(slots, now);
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let mut state = self.disk.0.lock().unwrap();
        for change in self.unsaved.drain(..) {
            match change {
                Change::Slot(slot) => {
                    state.slots.insert(slot.id, slot);
                }
                Change::Strain(class, strain) => {
                    state.strains.insert(class, strain);
                }
            }
        }
        Ok(())
    }
}
