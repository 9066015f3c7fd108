//! Looking at the PC/SC service without opening any reader: for `shikaku doctor`.

use pcsc::{Context, Error, Scope};

use crate::name::{Named, ReaderName};

/// What the PC/SC service says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Survey {
    /// It runs and lists these readers.
    Readers(Vec<String>),
    /// It does not run, or its socket can't be reached.
    NoService,
    /// It runs and refuses this user.
    Denied,
    /// Something else, as PC/SC says it.
    Failed(String),
}

/// Asks the service which readers it has. Opens none, touches no card.
pub fn survey() -> Survey {
    let listed = Context::establish(Scope::System).and_then(|context| context.list_readers_owned());
    match listed {
        Ok(readers) => Survey::Readers(
            readers
                .iter()
                .map(|reader| reader.to_string_lossy().into_owned())
                .collect(),
        ),
        Err(Error::NoService | Error::ServiceStopped) => Survey::NoService,
        Err(Error::SecurityViolation) => Survey::Denied,
        Err(error) => Survey::Failed(error.to_string()),
    }
}

/// Which of the listed readers a configured name means.
pub fn find(name: &str, readers: &[String]) -> Named {
    let readers: Vec<_> = readers
        .iter()
        .filter_map(|reader| std::ffi::CString::new(reader.as_str()).ok())
        .collect();
    ReaderName::new(name).find(&readers)
}
