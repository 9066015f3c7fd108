//! The shortest story that still breaks a promise: the fewest steps, then the fewest faults.

use crate::run::{Manner, run};
use crate::world::Faces;

/// So often it is tried whether a story can be shorter.
const TRIES: u64 = 200;

/// Tells it. `broken` is what was broken first; a story that breaks something else is not the same one.
pub fn tell(seed: u64, manner: Manner, broken: &str) {
    let mut tries = 0;
    let mut breaks = |manner: Manner| {
        tries += 1;
        let again = || run(seed, manner).broken;
        tries <= TRIES && again().is_some_and(|other| promise(&other) == promise(broken))
    };
    let mut shortest = fewest_steps(manner, &mut breaks);
    // The same steps without one kind of fault are another story from there on; often it is a shorter one.
    for face in run(seed, shortest).drawn.each() {
        let without = shortest.without.with(face);
        let fewer = Manner {
            without,
            ..shortest
        };
        if breaks(fewer) {
            shortest = fewer;
        }
    }
    shortest = fewest_steps(shortest, &mut breaks);
    let steps = shortest.steps;
    let without = said(shortest.without);
    println!("the shortest story: --seed {seed} --steps {steps}{without}");
    for line in run(seed, shortest).lines {
        if !line.contains(" ledger ") {
            println!("{line}");
        }
    }
}

fn fewest_steps(manner: Manner, breaks: &mut impl FnMut(Manner) -> bool) -> Manner {
    let (mut holds, mut fails) = (0, manner.steps);
    while fails - holds > 1 {
        let middle = holds + (fails - holds) / 2;
        match breaks(Manner {
            steps: middle,
            ..manner
        }) {
            true => fails = middle,
            false => holds = middle,
        }
    }
    Manner {
        steps: fails,
        ..manner
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
