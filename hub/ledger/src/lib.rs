//! shikaku-ledger
