//! The names of groups, told once and then called by number.
//!
//! Both sides of a stream keep the same table: a name that is written out takes the next number,
//! counted modulo `SLOTS`, from whatever name had it. Names over `LONGEST` bytes take none.

use std::sync::Arc;

use oxidask_core::key::Group;
use rustc_hash::FxHashMap;

/// How many names have a number at a time.
pub(super) const SLOTS: usize = 4096;

/// Longer names are written out each time.
pub(super) const LONGEST: usize = 1024;

/// The names that this side has told.
#[derive(Default)]
pub struct GivenNames {
    slots: Vec<Group>,
    next: usize,
    numbers: FxHashMap<Group, u32>,
    /// What the current message changed: names that made room, newest last.
    undo: Vec<Option<Group>>,
}

impl GivenNames {
    /// The number of a name; none if it has to be written out, after which it may have one.
    pub(super) fn number(&mut self, group: &Group) -> Option<u32> {
        let known = self.numbers.get(group).copied();
        if known.is_none() && group.as_str().len() <= LONGEST {
            self.introduce(group.clone());
        }
        known
    }

    fn introduce(&mut self, group: Group) {
        let slot = self.next % SLOTS;
        self.numbers.insert(group.clone(), slot as u32);
        let old = if slot == self.slots.len() {
            self.slots.push(group);
            None
        } else {
            let old = std::mem::replace(&mut self.slots[slot], group);
            self.numbers.remove(&old);
            Some(old)
        };
        self.next += 1;
        self.undo.push(old);
    }

    /// A message is complete.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    /// The current message will not be sent: its names were never told.
    pub(super) fn roll_back(&mut self) {
        while let Some(old) = self.undo.pop() {
            self.next -= 1;
            let slot = self.next % SLOTS;
            self.numbers.remove(&self.slots[slot]);
            if let Some(old) = old {
                self.numbers.insert(old.clone(), slot as u32);
                self.slots[slot] = old;
            } else {
                self.slots.pop();
            }
        }
    }
}

/// The names that the other side has told, and texts that it says often.
#[derive(Default)]
pub struct HeardNames {
    slots: Vec<Group>,
    next: usize,
    /// The group of the last text key: its neighbours share it.
    last_text: Option<Group>,
    /// Texts of a few bytes that came lately, such as names of types.
    words: Vec<Option<Arc<str>>>,
}

/// How many words are remembered.
const WORDS: usize = 64;

impl HeardNames {
    pub(super) fn get(&self, number: u64) -> Option<&Group> {
        self.slots.get(usize::try_from(number).ok()?)
    }

    pub(super) fn introduce(&mut self, name: &str) -> Group {
        let group = Group::new(name);
        if name.len() <= LONGEST {
            let slot = self.next % SLOTS;
            match self.slots.get_mut(slot) {
                Some(old) => *old = group.clone(),
                None => self.slots.push(group.clone()),
            }
            self.next += 1;
        }
        group
    }

    /// The group of a text key.
    pub(super) fn of_text(&mut self, name: &str) -> Group {
        match &self.last_text {
            Some(group) if group.as_str() == name => group.clone(),
            _ => self.last_text.insert(Group::new(name)).clone(),
        }
    }

    /// A shared text: the one that came lately, if it is the same.
    pub(super) fn word(&mut self, text: &str) -> Arc<str> {
        if text.len() > 64 {
            return text.into();
        }
        let bytes = text.as_bytes();
        let (first, last) = (bytes.first().copied(), bytes.last().copied());
        let mixed = usize::from(first.unwrap_or(0)) * 31 + usize::from(last.unwrap_or(0));
        let slot = (mixed + bytes.len() * 7) % WORDS;
        if self.words.is_empty() {
            self.words.resize(WORDS, None);
        }
        match &self.words[slot] {
            Some(word) if **word == *text => Arc::clone(word),
            _ => Arc::clone(self.words[slot].insert(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_while_names_make_room_for_names() {
        let (mut given, mut heard) = (GivenNames::default(), HeardNames::default());
        for i in (0..3 * SLOTS).chain(2 * SLOTS - 5..3 * SLOTS) {
            let group = Group::new(&format!("name-{i}"));
            match given.number(&group) {
                Some(number) => assert_eq!(heard.get(u64::from(number)), Some(&group)),
                None => assert_eq!(heard.introduce(group.as_str()), group),
            }
        }
        let lately = Group::new(&format!("name-{}", 3 * SLOTS - 1));
        assert!(given.number(&lately).is_some());
        assert_eq!(given.number(&Group::new("name-0")), None);
    }

    #[test]
    fn names_of_a_message_that_is_not_sent_are_taken_back() {
        let mut given = GivenNames::default();
        let name = |i: usize| Group::new(&format!("n{i}"));
        for i in 0..SLOTS + 3 {
            given.number(&name(i));
        }
        given.keep();
        for i in 0..10 {
            assert_eq!(given.number(&Group::new(&format!("other-{i}"))), None);
        }
        given.roll_back();
        assert_eq!(given.numbers.len(), SLOTS);
        for i in 3..SLOTS + 3 {
            assert_eq!(given.number(&name(i)), Some((i % SLOTS) as u32));
        }
        let mut fresh = GivenNames::default();
        fresh.number(&name(0));
        fresh.roll_back();
        assert_eq!((fresh.slots.len(), fresh.next, fresh.numbers.len()), (0, 0, 0));
    }

    #[test]
    fn long_names_take_no_number() {
        let mut given = GivenNames::default();
        let long = Group::new(&"x".repeat(LONGEST + 1));
        assert_eq!((given.number(&long), given.number(&long)), (None, None));
        let mut heard = HeardNames::default();
        heard.introduce(long.as_str());
        assert_eq!(heard.get(0), None);
    }
}
