//! Which inquiry a file answers.

use shikaku_schemas::observation::OqsFolder;
use shikaku_schemas::value::InquiryId;
use uuid::Uuid;

use super::Desk;
use crate::decode::file_identifier;
use crate::folder::Ready;

impl Desk {
    /// The inquiry that a file answers by its name, unless it says itself that it answers another one.
    ///
    /// A name comes twice where the journal was lost (a disk that lied, and then its power): the first request's late
    /// answer must not be taken for that of the second, which is about somebody else. A PDF does not say what it answers.
    pub(super) fn inquiry_of(&self, folder: OqsFolder, ready: &Ready) -> Option<InquiryId> {
        let inquiry = match folder {
            OqsFolder::Face => None,
            OqsFolder::Res => self.inquiries.answered_by(&ready.name.to_string_lossy()),
        }?;
        self.names_no_other(inquiry, &ready.bytes)
            .then_some(inquiry)
    }

    /// Whether `bytes`, which lie under the name of `inquiry`'s answer, do not say that they answer something else. Asked
    /// again of what was set aside: a pack may open today that told nothing then.
    pub(super) fn names_no_other(&self, inquiry: InquiryId, bytes: &[u8]) -> bool {
        if self.is_of_program(inquiry) {
            return true;
        }
        let asked = self.asked(Some(inquiry));
        let password = self.options.zip_password.as_deref();
        let echo = file_identifier(bytes, asked.family, password);
        // A terminal may put a text of its own there, as it does in face files.
        let echo = echo.and_then(|text| text.trim().parse::<Uuid>().ok());
        echo.is_none_or(|echo| echo == inquiry.0)
    }

    /// Programs choose the identifiers of their requests themselves.
    fn is_of_program(&self, inquiry: InquiryId) -> bool {
        let request = self.inquiries.get(inquiry);
        request.is_some_and(|request| request.forwarded.is_some())
    }
}
