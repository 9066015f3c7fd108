//! Moments chosen from a seed, and numbers from the environment that make a scenario longer.

/// A number of the environment.
#[track_caller]
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A small generator: enough to choose moments.
pub struct Moments(u64);

impl Moments {
    /// From `SHIKAKU_SEED`.
    pub fn seeded() -> Self {
        Self(number("SHIKAKU_SEED", 7))
    }

    /// The next one, below a limit.
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
