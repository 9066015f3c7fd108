//! How a command's reply is shown.

use shikaku_schemas::command::CommandReply;

use crate::answer::{self, Exit, Outcome};
use crate::words;

/// Prints a reply; a refusal is exit 1.
pub fn show(reply: &CommandReply, json: bool) -> Outcome {
    if json {
        answer::json_line(reply)?;
    }
    Ok(match reply {
        CommandReply::Done { position, id } => {
            if !json {
                let id = id.map(|id| format!(" {id}")).unwrap_or_default();
                answer::line(format!(
                    "{}{id} ({} {position})",
                    words::DONE,
                    words::POSITION
                ))?;
            }
            Exit::Done
        }
        CommandReply::Refused { rule, message } => {
            if !json {
                eprintln!("shikaku: {}: {message} [{rule}]", words::REFUSED);
            }
            Exit::Failed
        }
        CommandReply::Unavailable { message } => {
            if !json {
                eprintln!("shikaku: {}: {message}", words::UNAVAILABLE);
            }
            Exit::Failed
        }
    })
}
