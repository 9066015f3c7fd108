//! Whether a card lies on a reader, made into steps that alternate: came, went, came, went.
//!
//! PC/SC counts insertions and removals per reader. Two looks at a reader may have several of them in between; the
//! count tells, so that a card swapped while another was being read is neither lost nor taken for the same.

/// One step, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A card came and still lies there.
    Came,
    /// A card came and is gone already.
    CameAndWent,
    /// The card that lay there is gone.
    Went,
}

/// What was seen of a reader so far, since its service began to count.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    card: bool,
    count: Option<u16>,
}

/// Steps of one look at most: what is above it is a counter gone wrong.
const STEPS: u16 = 64;

impl Presence {
    /// Whether a card was said to lie there.
    pub(crate) fn is_card(&self) -> bool {
        self.card
    }

    /// Takes one look at the reader.
    pub(crate) fn look(&mut self, card: bool, count: u16) -> Vec<Step> {
        let events = match self.count {
            Some(before) => count.wrapping_sub(before).min(STEPS),
            // What happened before the first look is not ours to tell.
            None => 0,
        };
        let was = std::mem::replace(&mut self.card, card);
        self.count = Some(count);
        let whole = |events: u16| vec![Step::CameAndWent; usize::from(events / 2)];
        match (was, card) {
            (false, false) => whole(events.next_multiple_of(2)),
            (false, true) => [whole(events), vec![Step::Came]].concat(),
            (true, false) => [vec![Step::Went], whole(events)].concat(),
            (true, true) if events == 0 => Vec::new(),
            (true, true) => {
                let between = whole(events.next_multiple_of(2) - 2);
                [vec![Step::Went], between, vec![Step::Came]].concat()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_swap_between_two_looks_is_a_removal_and_a_new_card() {
        let mut presence = Presence::default();
        assert_eq!(presence.look(true, 7), [Step::Came]);
        assert_eq!(presence.look(true, 7), []);
        assert_eq!(presence.look(true, 9), [Step::Went, Step::Came]);
        assert_eq!(
            presence.look(false, 12),
            [Step::Went, Step::CameAndWent],
            "a third card came and went"
        );
        assert_eq!(presence.look(false, 14), [Step::CameAndWent]);
        assert_eq!(presence.look(true, 15), [Step::Came]);
    }

    #[test]
    fn a_reader_that_does_not_count_is_believed_by_sight() {
        let mut presence = Presence::default();
        let looks = [true, true, false, false, true].map(|card| presence.look(card, 0));
        assert_eq!(
            looks,
            [
                vec![Step::Came],
                vec![],
                vec![Step::Went],
                vec![],
                vec![Step::Came]
            ]
        );
    }

    proptest! {
        /// However seldom one looks, every insertion is told once and in order.
        #[test]
        fn every_insertion_is_told_once(
            start in any::<u16>(),
            looks in prop::collection::vec(0u16..8, 1..200),
        ) {
            let (mut presence, mut card, mut count) = (Presence::default(), false, start);
            presence.look(card, count);
            let (mut came, mut told, mut lies) = (0, 0, false);
            for events in looks {
                for _ in 0..events {
                    card = !card;
                    came += u32::from(card);
                }
                count = count.wrapping_add(events);
                for step in presence.look(card, count) {
                    let (before, after, cards) = match step {
                        Step::Came => (false, true, 1),
                        Step::CameAndWent => (false, false, 1),
                        Step::Went => (true, false, 0),
                    };
                    prop_assert_eq!(lies, before);
                    lies = after;
                    told += cards;
                }
                prop_assert_eq!((lies, told), (card, came));
                prop_assert_eq!(presence.is_card(), card);
            }
        }
    }
}
