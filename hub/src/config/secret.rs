//! Secrets come from the environment, from a file, or from the key itself, in this order.

use std::path::PathBuf;

use super::Fault;

/// The URL of `key`; a fault never shows it.
pub fn resolve(
    key: &str,
    plain: &Option<String>,
    file: &Option<PathBuf>,
    variable: &str,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let (name, url) = if let Ok(url) = std::env::var(variable) {
        (variable.to_owned(), url)
    } else if let Some(path) = file {
        let name = format!("{key}_file");
        match std::fs::read_to_string(path) {
            Ok(text) => (name, text.trim().to_owned()),
            Err(error) => {
                let reason = format!("{} 読めません / cannot be read: {error}", path.display());
                faults.push(Fault::new(name, reason));
                return None;
            }
        }
    } else {
        (key.to_owned(), plain.clone()?)
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        faults.push(Fault::new(
            name,
            "postgres:// で始まる必要があります / must begin with postgres://",
        ));
        return None;
    }
    Some(url)
}
