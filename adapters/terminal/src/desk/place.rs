//! Whose a file is, by its name alone.

use shikaku_schemas::oqs::{Direction, Message};

use crate::folder::Whose;
use crate::request::Inquiries;

/// What answers come in.
const FORMS: [&str; 3] = [".xml", ".zip", ".pdf"];
const TEMPORARY: [&str; 4] = [".tmp", ".part", ".partial", ".crdownload"];

/// In `face/`: whoever wrote it, an XML file is a card reception, or broken; so is a pack that is named like one.
pub(super) fn whose_face(name: &str) -> Whose {
    let is_face = |message: Message| message.direction == Direction::Face;
    if is_temporary(name) {
        Whose::Temporary
    } else if ends_with(name, ".xml") || Message::recognise(name, b"").is_some_and(is_face) {
        Whose::Ours
    } else {
        Whose::Foreign
    }
}

/// In `res/`: only the answers to our own journalled requests. Results of jobs are read elsewhere
/// (`crate::job`), since they may be too large to hold.
pub(super) fn whose_res(name: &str, inquiries: &Inquiries) -> Whose {
    if is_temporary(name) {
        Whose::Temporary
    } else if inquiries.answered_by(name).is_none() {
        Whose::Foreign
    } else if crate::job::is_result(name) || !FORMS.iter().any(|form| ends_with(name, form)) {
        // A result, or a name under which an answer is still being written.
        Whose::Temporary
    } else {
        Whose::Ours
    }
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(['.', '~']) || TEMPORARY.iter().any(|ending| ends_with(name, ending))
}

fn ends_with(name: &str, ending: &str) -> bool {
    name.len()
        .checked_sub(ending.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_whole_looking_xml_file_in_face() {
        for ours in [
            "OQSsiquc01res_face_1.xml",
            "x.XML",
            "garbage.xml",
            "資格.xml",
        ] {
            assert_eq!(whose_face(ours), Whose::Ours, "{ours}");
        }
        for nobodys in [
            ".x.xml",
            "~$x.xml",
            "x.xml.tmp",
            "x.xml.PART",
            ".x.xml.part",
        ] {
            assert_eq!(whose_face(nobodys), Whose::Temporary, "{nobodys}");
        }
        for foreign in ["x.pdf", "readme", "xml", "資格"] {
            assert_eq!(whose_face(foreign), Whose::Foreign, "{foreign}");
        }
    }
}
