//! Interfaces that the terminal encrypts.

use shikaku_schemas::oqs::Family;

use crate::config::TerminalOptions;

/// Which interfaces, and under which password.
#[derive(Clone, Default)]
pub(crate) struct Encrypted {
    interfaces: Vec<String>,
    password: Option<Vec<u8>>,
}

impl Encrypted {
    pub(crate) fn of(options: &TerminalOptions) -> Self {
        Self {
            interfaces: options.terminal.encrypted.clone(),
            password: options.zip_password.clone(),
        }
    }

    /// Under which password a request of `family` is packed; `None` where it goes as it is.
    pub(crate) fn password(&self, family: Family) -> Option<&[u8]> {
        let is_named = |name: &String| name.eq_ignore_ascii_case(family.prefix());
        let packed = family.can_be_encrypted() && self.interfaces.iter().any(is_named);
        self.password.as_deref().filter(|_| packed)
    }
}
