//! Reading a folder that others write into: whole, stable, bounded, and never through a link.

mod hint;
mod read;
mod watch;

pub(crate) use hint::Hint;
pub(crate) use read::{
    Removal, Signature, digest_of, open_regular, remove_if_same, signature_of, start_of,
    sync_folder,
};
pub(crate) use watch::{Ready, Scanned, Settings, Watch, Whose};
