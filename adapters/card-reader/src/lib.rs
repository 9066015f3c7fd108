//! The adapter of PC/SC card readers at a desk: one instance per reader.
//!
//! It sees cards come and go on the readers that the configuration names, says which kind of card it is, and reads
//! the number of a hospital's own card by a rule. It opens no other reader, above all never the one that a
//! 資格確認端末 uses. Of a My Number card (and its successors and phones) it reads the label of the kind and nothing
//! else: no 個人番号, no PIN, no key operation, no certificate, no name. That holds by construction: the wire takes
//! `Apdu` values only, and [`apdu`] can't make others.
//!
//! Files: [`config`] what it is told, `decode` from a card to what may be said of it, [`run`](run()) its tasks, `reader`
//! its thread; below them [`apdu`] and `wire` (the allow-list and what takes it), [`rule`], `numbers` and `ndef` (a
//! facility's own cards), `presence` (came, went), `journal` and `keeper` (each presence said exactly once), `health`,
//! `stop`, [`name`] and [`survey`] (which reader is meant).
//!
//! To know another kind of token: its label in `decode`, its word in `schemas`. To read hospital cards in another way:
//! a variant of `CardReading` in `schemas` and its arm in `rule`.

pub mod apdu;
pub mod config;
mod decode;
mod error;
mod health;
mod journal;
mod keeper;
pub mod name;
mod ndef;
mod numbers;
mod presence;
mod reader;
pub mod rule;
mod run;
mod stop;
pub mod survey;
mod wire;

pub use config::CardReaderOptions;
pub use error::CardReaderError;
pub use numbers::check_map;
pub use run::run;
