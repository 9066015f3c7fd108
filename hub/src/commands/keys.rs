//! `keys init`: for sites that lay the key down before the first start.

use serde_json::json;

use crate::answer::{self, Exit, Outcome};
use crate::cli::Keys;
use crate::config::Config;
use crate::{keys, words};

/// Makes the group key once; safe to repeat.
pub fn run(config: &Config, what: Keys, json: bool) -> Outcome {
    let Keys::Init = what;
    let group = keys::open_or_make(config)?;
    let place = config.group_key_file.display();
    if json {
        answer::json_line(&json!({ "group_key_file": place.to_string(), "fresh": group.fresh }))?;
    } else if group.fresh {
        answer::line(format!("{} ({place})", words::FRESH_KEY))?;
    } else {
        answer::line(format!("{} ({place})", words::KEY_THERE))?;
    }
    Ok(Exit::Done)
}
