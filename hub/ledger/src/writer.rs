//! The one writer (skeleton; bodies follow).
#![expect(clippy::todo, reason = "signatures first; bodies follow at once")]

use std::sync::Arc;

use shikaku_schemas::clock::{Clock, Randomness};

use crate::model::{Appended, Batch, Head};
use crate::{AppendError, Ledger, LedgerError};

/// The one writer.
#[derive(Debug)]
pub struct Writer;

#[expect(
    missing_docs,
    clippy::unused_async,
    unused_variables,
    reason = "skeleton"
)]
impl Writer {
    pub async fn acquire(
        ledger: &Ledger,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, LedgerError> {
        todo!()
    }
    pub fn head(&self) -> Head {
        todo!()
    }
    pub async fn append(&mut self, batch: Batch) -> Result<Appended, AppendError> {
        todo!()
    }
    pub async fn recover(&mut self) -> Result<Head, AppendError> {
        todo!()
    }
    pub async fn close(self) -> Result<(), LedgerError> {
        todo!()
    }
}
