//! A release of the future, for the simulation to upgrade to and to roll back from: it writes one type of event in a
//! second shape, and reads the first one through a step.
//!
//! Without the feature `mutants`, which the program never sets, [`is_played`] is `false` for the compiler and nothing of
//! this is in the program.

use serde_json::{Value, json};

/// The type that has a second shape in it.
pub(crate) const CHANGED: &str = "verified";
/// What the second shape wraps the first one in.
const TOLD: &str = "told";

/// From the first shape to the second.
pub(crate) fn raised(data: Value) -> Option<Value> {
    Some(json!({ TOLD: data }))
}

/// A payload in the second shape.
pub(crate) fn written(data: &[u8]) -> Vec<u8> {
    [b"{\"", TOLD.as_bytes(), b"\":", data, b"}"].concat()
}

/// The payload that [`written`] was given.
pub(crate) fn read(data: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(data).ok()?;
    serde_json::to_vec(&value.get_mut(TOLD)?.take()).ok()
}

#[cfg(feature = "mutants")]
thread_local! {
    static PLAYED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether programs of this thread are of the later release from now on.
#[cfg(feature = "mutants")]
pub fn play(is_later: bool) {
    PLAYED.set(is_later);
}

/// Whether programs of this thread are of the later release.
#[cfg(feature = "mutants")]
pub fn is_played() -> bool {
    PLAYED.get()
}

/// Whether programs of this thread are of the later release: never in the program.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn is_played() -> bool {
    false
}
