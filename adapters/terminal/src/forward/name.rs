//! Names of programs' requests, and of the answers to them.

use shikaku_schemas::oqs::file::answer_base;
use shikaku_schemas::oqs::{Direction, Form, Message};
use shikaku_schemas::seal::SealKey;

use crate::folder::Whose;
use crate::request::Forwarded;

/// Every request of the interface, of functions that we do not know too.
pub(super) fn whose(name: &str) -> Whose {
    let is_request =
        |message: Message| message.direction == Direction::Request && !name.starts_with('.');
    if Message::recognise(name, b"").is_some_and(is_request) || parts(name).is_some() {
        Whose::Ours
    } else {
        Whose::Temporary
    }
}

/// What a name begins with and ends in, if it is a request's.
pub(super) fn parts(name: &str) -> Option<(&str, &str)> {
    let (_, extension) = name.rsplit_once('.')?;
    let known = [Form::Xml, Form::Zip].map(Form::extension);
    let is_known = known
        .iter()
        .any(|known| known.eq_ignore_ascii_case(extension));
    let end = name.find('_')? + 1;
    let plain = name[..end - 1]
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric());
    answer_base(name)?;
    (is_known && plain).then(|| (&name[..end], extension))
}

/// The name that a program expects for the answer which lies in `res/` as `answer`: its own request's, with the
/// answer's extension.
pub(crate) fn expected_name(forwarded: &Forwarded, key: &SealKey, answer: &str) -> Option<String> {
    let (_, extension) = answer.rsplit_once('.')?;
    let base = answer_base(&forwarded.name(key)?)?;
    Some(format!("{base}.{extension}"))
}
