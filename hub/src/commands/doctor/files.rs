//! The data folder and the keys in it.

use std::path::Path;

use rustix::fs::{Access, access};

use super::Check;
use crate::config::Config;
use crate::keys::is_open_to_others;

/// Exists and can be written, or can be made.
pub fn data_dir(config: &Config, running: bool) -> Check {
    let folder = &config.data_dir;
    let shown = folder.display();
    if folder.is_dir() {
        if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
            return Check::bad(
                "data_dir",
                format!("{shown} に書けません / cannot be written"),
                "所有者と権限を直してください / mend owner and mode",
            );
        }
        let hub = if running {
            "ハブ稼働中 / a hub is running"
        } else {
            "ハブ停止中 / no hub is running"
        };
        return Check::good("data_dir", format!("{shown}: {hub}"));
    }
    let above = folder.ancestors().skip(1).find(|above| above.is_dir());
    let can_be_made = above.is_some_and(|above| access(above, Access::WRITE_OK).is_ok());
    if can_be_made {
        Check::good(
            "data_dir",
            format!("{shown}: 初回起動時に作ります / made at first start"),
        )
    } else {
        Check::bad(
            "data_dir",
            format!("{shown} がなく、作れません / is absent and cannot be made"),
            "フォルダを作り、実行ユーザーに書込権限を与えてください / make it and let the hub's user write",
        )
    }
}

/// Nobody but the owner may read a key.
pub fn keys(config: &Config) -> Vec<Check> {
    let store = config.data_dir.join("keys/keys.db");
    [
        ("group key", config.group_key_file.as_path()),
        ("signing key", config.signing_key_file.as_path()),
        ("key store", store.as_path()),
    ]
    .into_iter()
    .filter(|(name, path)| path.exists() || *name == "group key")
    .map(|(name, path)| key(name, path))
    .collect()
}

fn key(name: &str, path: &Path) -> Check {
    let shown = path.display();
    match is_open_to_others(path) {
        Ok(false) => Check::good(name, shown.to_string()),
        Ok(true) => Check::bad(
            name,
            format!("{shown}: 他の利用者が読めます / others can read it"),
            format!("chmod 600 {shown}"),
        ),
        Err(_) if !path.exists() => Check::good(
            name,
            format!("{shown}: 初回起動時に作ります / made at first start"),
        ),
        Err(error) => Check::bad(
            name,
            format!("{shown}: {error}"),
            "権限を直してください / mend its mode",
        ),
    }
}
