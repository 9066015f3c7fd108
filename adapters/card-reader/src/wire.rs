//! One card inside one transaction. Takes allowed commands only and keeps no byte of an answer.

use pcsc::{Error, MAX_BUFFER_SIZE, Transaction};

use crate::apdu::Apdu;

/// Exchanges with one card at most, whatever a rule says.
const EXCHANGES: u32 = 128;

/// What a card answered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Without the status.
    pub(crate) data: Vec<u8>,
    status: [u8; 2],
}

impl Answer {
    /// 9000.
    pub(crate) fn is_done(&self) -> bool {
        self.status == [0x90, 0x00]
    }

    /// Done, or done with more to fetch or a warning: the card knows what was selected.
    pub(crate) fn is_selected(&self) -> bool {
        self.is_done() || matches!(self.status[0], 0x61 | 0x62)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireError {
    /// What PC/SC says.
    Service(Error),
    /// An answer without a status, or more exchanges than any card needs.
    Senseless,
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

/// The way to one card.
pub(crate) struct Wire<'a> {
    transaction: &'a Transaction<'a>,
    /// Called before each exchange, so that a slow card is not taken for a hung thread.
    beat: &'a dyn Fn(),
    exchanges: u32,
}

impl<'a> Wire<'a> {
    pub(crate) fn new(transaction: &'a Transaction<'a>, beat: &'a dyn Fn()) -> Self {
        Self {
            transaction,
            beat,
            exchanges: 0,
        }
    }

    /// Sends one command; asks once more where the card says how long its answer is.
    pub(crate) fn send(&mut self, apdu: &Apdu) -> Result<Answer, WireError> {
        let answer = self.exchange(apdu)?;
        match (answer.status, apdu.with_length(answer.status[1])) {
            ([0x6C, _], Some(again)) => self.exchange(&again),
            _ => Ok(answer),
        }
    }

    fn exchange(&mut self, apdu: &Apdu) -> Result<Answer, WireError> {
        self.exchanges += 1;
        if self.exchanges > EXCHANGES {
            return Err(WireError::Senseless);
        }
        (self.beat)();
        let mut buffer = [0; MAX_BUFFER_SIZE];
        let answer = self.transaction.transmit(apdu.bytes(), &mut buffer)?;
        let (data, status) = answer.split_last_chunk::<2>().ok_or(WireError::Senseless)?;
        Ok(Answer {
            data: data.to_vec(),
            status: *status,
        })
    }
}
