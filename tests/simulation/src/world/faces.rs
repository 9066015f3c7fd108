//! What the dice decide about each step, and which of their faces a shorter story does without.

use super::World;

/// Faces of the dice that decide what goes wrong, each of one kind of fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faces(u128);

impl Faces {
    /// With one more.
    pub fn with(self, face: u64) -> Self {
        Self(
            self.0
                | 1u128
                    .checked_shl(u32::try_from(face).unwrap_or(u32::MAX))
                    .unwrap_or(0),
        )
    }

    /// Each, in order.
    pub fn each(self) -> impl Iterator<Item = u64> {
        (0..128).filter(move |face| self.0 >> face & 1 == 1)
    }

    fn has(self, face: u64) -> bool {
        self.with(face) == self
    }
}

impl World {
    /// A face of the dice. One that is left out stands for a card that is read: the first face.
    pub(super) fn drawn(&mut self, faces: u64) -> u64 {
        let face = self.sky.dice.below(faces);
        self.drawn = self.drawn.with(face);
        match self.without.has(face) {
            true => 0,
            false => face,
        }
    }
}
