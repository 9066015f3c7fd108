//! Where the nats-server program is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The lowest version whose atomic batches and encryption the hub relies on.
pub const LEAST_VERSION: (u32, u32, u32) = (2, 15, 1);

/// Finds the program: a path as it stands, else a name on PATH, else where `make setup` puts it.
pub fn find(configured: Option<&str>) -> Option<PathBuf> {
    let name = configured.unwrap_or("nats-server");
    if name.contains('/') {
        let path = std::path::absolute(name).ok()?;
        return path.is_file().then_some(path);
    }
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&on_path)
        .chain(set_up())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// `.tools/bin` above the working directory, above the program, in the clone; the home's last.
fn set_up() -> Vec<PathBuf> {
    let mut starts = Vec::new();
    starts.extend(std::env::current_dir());
    starts.extend(std::env::current_exe());
    starts.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let mut folders: Vec<PathBuf> = starts
        .iter()
        .flat_map(|start| start.ancestors())
        .map(|above| above.join(".tools/bin"))
        .collect();
    if let Some(home) = std::env::var_os("HOME") {
        folders.push(PathBuf::from(home).join(".local/share/shikaku/bin"));
    }
    folders
}

/// What the program says it is.
pub fn version(program: &Path) -> Option<(u32, u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let numbers = text.trim().rsplit('v').next()?;
    let mut parts = numbers
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    Some((parts.next()?, parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("nats-server: v2.15.1\n"), Some((2, 15, 1)));
        assert_eq!(parse_version("nats-server: v2.16.0-RC.1"), Some((2, 16, 0)));
        assert_eq!(parse_version("nonsense"), None);
    }

    #[test]
    fn a_path_is_taken_as_it_stands() {
        assert_eq!(find(Some("/nowhere/nats-server")), None);
    }
}
