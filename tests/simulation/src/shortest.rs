//! The shortest story that still breaks a promise: the fewest steps, then the fewest faults.

use crate::run::{Manner, run};
use crate::world::{Faces, Outcome};

/// So often it is tried whether a story can be shorter.
const TRIES: u64 = 200;

/// Tries of one seed.
struct Tries<'a> {
    seed: u64,
    /// What was broken first: a story that breaks something else is not the same one.
    broken: &'a str,
    left: u64,
}

/// Tells it; `broken` is what the seed breaks.
pub fn tell(seed: u64, manner: Manner, broken: &str) {
    let mut tries = Tries {
        seed,
        broken,
        left: TRIES,
    };
    let shortest = tries.fewest_steps(manner);
    let shortest = tries.fewest_faults(shortest);
    let shortest = tries.fewest_steps(shortest);
    let steps = shortest.steps;
    let without = said(shortest.without);
    println!("the shortest story: --seed {seed} --steps {steps}{without}");
    for line in run(seed, shortest).lines {
        if !line.contains(" ledger ") {
            println!("{line}");
        }
    }
}

impl Tries<'_> {
    fn fewest_steps(&mut self, manner: Manner) -> Manner {
        let of = |steps| Manner { steps, ..manner };
        let (mut holds, mut fails) = (0, manner.steps);
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            match self.again(of(middle)) {
                Some(_) => fails = middle,
                None => holds = middle,
            }
        }
        of(fails)
    }

    /// The same steps without one kind of fault are another story from there on; often it is one with fewer.
    fn fewest_faults(&mut self, mut shortest: Manner) -> Manner {
        let Some(mut told) = self.again(shortest) else {
            return shortest;
        };
        for face in told.drawn.each() {
            let without = shortest.without.with(face);
            let fewer = Manner {
                without,
                ..shortest
            };
            if let Some(again) = self.again(fewer)
                && again.faults < told.faults
            {
                (shortest, told) = (fewer, again);
            }
        }
        shortest
    }

    /// What it comes to, when that breaks the same promise.
    fn again(&mut self, manner: Manner) -> Option<Outcome> {
        self.left = self.left.checked_sub(1)?;
        let outcome = run(self.seed, manner);
        let is_same = |other: &String| promise(other) == promise(self.broken);
        let breaks = outcome.broken.as_ref().is_some_and(is_same);
        breaks.then_some(outcome)
    }
}

/// What a broken promise says, without the numbers of this story.
fn promise(broken: &str) -> &str {
    let end = broken.find(|letter: char| letter.is_ascii_digit());
    &broken[..end.unwrap_or(broken.len())]
}

fn said(without: Faces) -> String {
    let each = without.each().map(|face| format!(" --without {face}"));
    each.collect()
}
