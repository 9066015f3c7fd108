//! The proof: what makes every change, removal, insertion, reordering or truncation visible.
//!
//! `README.md` describes it for whoever writes an independent verifier.

mod heads;
mod keeper;
mod leaf;
mod signer;
mod tree;
mod verify;

pub(crate) use heads::{HeadsFile, SignedHead};
pub(crate) use keeper::{Keeper, ProofState};
pub(crate) use leaf::{Hash, chain, genesis, leaf};
pub(crate) use signer::{Signer, file as file_error};
pub(crate) use tree::CompactRange;
pub(crate) use verify::{reconcile, verify};
