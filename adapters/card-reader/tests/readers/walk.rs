//! A random walk over both slots: whatever pcscd counted is said once, in order, and nothing else.
//!
//! One step is one thing done to one slot: a card put in, taken out, swapped, torn out, put in and taken out at once, left
//! alone, or pcscd killed under it. `SHIKAKU_CARD_STEPS` says how many, `SHIKAKU_CARD_SEED` which; `make cards` runs 1 000.

use std::path::Path;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use shikaku_card_simulator::Card;
use shikaku_kit::suite::eventually;

use crate::support::alone::alone;
use crate::support::truth::Truth;
use crate::support::{Laid, Scene};

const STEPS: u32 = 60;
/// So many rounds lie between two deaths of pcscd.
const KILL_EVERY: u32 = 12;

fn number(variable: &str, usual: u32) -> u32 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// What a reader must say, or one of what it may.
#[derive(Debug)]
enum Told {
    Is(String),
    /// Taken out so soon that nobody can know whether it was read.
    Hasty(String),
}

impl Told {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Is(own) => own == word,
            Self::Hasty(own) => {
                own == word || ["+unknown(pulled)", "+unknown(missed)"].contains(&word)
            }
        }
    }
}

#[derive(Default)]
struct Slot {
    lying: Option<(Laid, String)>,
    told: Vec<Told>,
    /// pcscd's own count that is waited for after this step, and whether a card lies there then.
    due: Option<(u32, bool)>,
}

struct Walk {
    scene: Scene,
    truth: Truth,
    random: SmallRng,
    slots: [Slot; 2],
    insertions: u32,
    kills: u32,
}

fn some_card(random: &mut SmallRng) -> (Card, String) {
    let n = random.random_range(0..90_000_000u32) + 10_000_000;
    let (card, word) = match random.random_range(0..9) {
        0 => (Card::my_number(), "+my-number".to_owned()),
        1 => (Card::juki(), "+juki".to_owned()),
        2 => (Card::android(), "+android".to_owned()),
        3 => (Card::iphone(), "+iphone".to_owned()),
        4 => (Card::stranger(), "+unknown".to_owned()),
        5 => (Card::nonsense(&[0x42]), "+unknown(mute)".to_owned()),
        6 => (
            Card::my_number().slow(Duration::from_millis(40)),
            "+my-number".to_owned(),
        ),
        _ => (Card::hospital(&n.to_string()), format!("+hospital:{n}")),
    };
    (card, word)
}

impl Walk {
    async fn new(folder: &Path, seed: u64) -> Self {
        let mut scene = Scene::one(folder).await;
        scene.watch(1);
        Self {
            scene,
            truth: Truth::new(),
            random: SmallRng::seed_from_u64(seed),
            slots: Default::default(),
            insertions: 0,
            kills: 0,
        }
    }

    /// Waits until the adapter has said all of one slot.
    async fn caught_up(&self, slot: usize) {
        eventually("the adapter has said it", async || {
            (self.scene.story(slot).len() >= self.slots[slot].told.len()).then_some(())
        })
        .await;
    }

    fn insert(&mut self, slot: usize) {
        let (card, word) = some_card(&mut self.random);
        let at = u16::try_from(slot).expect("two slots");
        let laid = self.scene.insert(at, card);
        self.slots[slot].told.push(Told::Is(word.clone()));
        self.slots[slot].lying = Some((laid, word));
        self.insertions += 1;
    }

    fn take_out(&mut self, slot: usize) {
        self.slots[slot].lying = None;
        self.slots[slot].told.push(Told::Is("-taken".to_owned()));
    }

    /// The card that lies there may not have been read before it goes.
    fn hurry(&mut self, slot: usize) {
        if let Some(Told::Is(word)) = self.slots[slot].told.pop() {
            self.slots[slot].told.push(Told::Hasty(word));
        }
    }

    /// Does one thing to one slot.
    async fn step(&mut self, slot: usize) {
        let before = self.truth.slot(slot).count;
        let choice = self.random.random_range(0..10);
        let due = match (&self.slots[slot].lying, choice) {
            // Left alone.
            (_, 0) => None,
            (None, 1) => {
                let nth = self.random.random_range(1..4);
                let at = u16::try_from(slot).expect("two slots");
                let torn = self.scene.insert(at, Card::my_number().torn_at(nth));
                self.truth
                    .wait(slot, "a torn card", |now| now.count >= before + 2);
                drop(torn);
                let pulled = Told::Is("+unknown(pulled)".to_owned());
                self.slots[slot].told.push(pulled);
                self.slots[slot].told.push(Told::Is("-taken".to_owned()));
                self.insertions += 1;
                None
            }
            (None, 2 | 3) => {
                self.insert(slot);
                self.truth.wait(slot, "a card", |now| now.count > before);
                self.hurry(slot);
                self.take_out(slot);
                Some((before + 2, false))
            }
            (None, _) => {
                self.insert(slot);
                Some((before + 1, true))
            }
            (Some(_), 1..=4) => {
                self.caught_up(slot).await;
                self.take_out(slot);
                // A swap within one of pcscd's looks is not seen by pcscd, and so by nobody.
                self.truth.wait(slot, "a gap", |now| now.count > before);
                self.insert(slot);
                Some((before + 2, true))
            }
            (Some(_), _) => {
                self.caught_up(slot).await;
                self.take_out(slot);
                Some((before + 1, false))
            }
        };
        self.slots[slot].due = due;
    }

    fn settle(&mut self) {
        for slot in 0..2 {
            if let Some((count, card)) = self.slots[slot].due.take() {
                self.truth.wait(slot, "the step", |now| {
                    now.count >= count && now.card == card
                });
            }
        }
    }

    /// Kills pcscd and starts it again. What was said before it died is known; what it had not said is nobody's.
    async fn kill(&mut self) {
        for slot in 0..2 {
            self.caught_up(slot).await;
        }
        self.scene.pcscd.kill();
        for slot in &mut self.slots {
            if let Some((_, word)) = &slot.lying {
                slot.told.push(Told::Is("-reader-lost".to_owned()));
                slot.told.push(Told::Is(word.clone()));
            }
        }
        self.scene.pcscd.start();
        self.truth = Truth::new();
        for slot in 0..2 {
            let lies = self.slots[slot].lying.is_some();
            self.truth
                .wait(slot, "what lies there", |now| now.card == lies);
            self.caught_up(slot).await;
        }
        self.kills += 1;
    }

    async fn finish(mut self, seed: u64, steps: u32) {
        for slot in 0..2 {
            if self.slots[slot].lying.is_some() {
                self.caught_up(slot).await;
                self.take_out(slot);
            }
            self.caught_up(slot).await;
        }
        let mut said = 0;
        for slot in 0..2 {
            let story = self.scene.story(slot);
            let told = &self.slots[slot].told;
            let wrong = story
                .iter()
                .zip(told)
                .position(|(word, told)| !told.fits(word));
            assert!(
                wrong.is_none() && story.len() == told.len(),
                "seed {seed}, slot {slot}, at {wrong:?}: {story:?} instead of {told:?}"
            );
            said += story.len();
        }
        println!(
            "walk: seed={seed} steps={steps} cards={} kills={} observations={said} lost=0 doubled=0",
            self.insertions, self.kills
        );
        self.scene.finish().await;
    }
}

#[test]
fn no_presence_is_lost_or_doubled() {
    alone(
        module_path!(),
        "no_presence_is_lost_or_doubled",
        async |folder| {
            let steps = number("SHIKAKU_CARD_STEPS", STEPS);
            let seed = u64::from(number("SHIKAKU_CARD_SEED", 20_261_122));
            let mut walk = Walk::new(folder, seed).await;
            for round in 1..=steps.div_ceil(2) {
                if round.is_multiple_of(KILL_EVERY) {
                    walk.kill().await;
                }
                for slot in 0..2 {
                    walk.step(slot).await;
                }
                walk.settle();
            }
            walk.finish(seed, steps).await;
        },
    );
}
