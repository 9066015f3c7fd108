//! The eligibility answer (`OQSsiquc01res_`, `OQSsiquc01res_face_`), every element by its own name.
//!
//! Elements are looked up by name, never by position. Blank is absent. Text is kept as received. What is not
//! known is kept as path and text, and is nobody's business but the evidence's.

mod field;
mod header;
mod read;
mod record;
mod ticket;

use std::borrow::Cow;

pub use field::Text;
pub use header::{Body, Header, SearchInfo};
pub use record::{
    Consent, Consents, ElderlyRecipientCertificateInfo, LimitApplicationCertificateRelatedInfo,
    Record, SpecificDiseasesCertificateInfo,
};
pub use ticket::MedicalTicketInfo;

use super::xml::{Fault, Limits, Reader, Step, XmlError};
use read::{Element, Walk};

/// A whole message. Borrows from the text it was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Eligibility<'t> {
    /// MessageHeader.
    pub header: Header<'t>,
    /// MessageBody.
    pub body: Body<'t>,
    /// Elements outside the records that are not known, path from the root.
    pub unknown: Vec<Unknown<'t>>,
}

/// An element that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown<'t> {
    /// Names from its record (or from the root) down to it, joined by `/`.
    pub path: String,
    /// Its text, never blank.
    pub text: Cow<'t, str>,
}

impl Unknown<'_> {
    /// Its own name.
    pub fn name(&self) -> &str {
        self.path
            .rsplit_once('/')
            .map_or(&*self.path, |(_, name)| name)
    }
}

impl<'t> Eligibility<'t> {
    /// Reads a whole message.
    ///
    /// # Errors
    /// [`XmlError::is_incomplete`] before the root's end tag; else what is wrong for good.
    pub fn parse(text: &'t str, limits: &Limits) -> Result<Self, XmlError> {
        let mut walk = Walk::new(Reader::new(text, limits)?);
        let mut message = Self::default();
        match walk.xml.step()? {
            Step::Open("XmlMsg") => {
                let mut root = Root::default();
                walk.element(&mut root)?;
                message.header = root.header.unwrap_or_default();
                message.body = root.body.unwrap_or_default();
            }
            Step::Leaf("XmlMsg", _) => {}
            _ => return Err(walk.xml.error(Fault::NotAMessage)),
        }
        match walk.xml.step()? {
            Step::Done => {}
            _ => return Err(walk.xml.error(Fault::Trailing)),
        }
        message.unknown = walk.unknown;
        Ok(message)
    }

    /// Reads one unit of a bulk answer: it is shaped like the body of an answer about one person.
    ///
    /// # Errors
    /// As [`Eligibility::parse`].
    pub fn unit(header: Header<'t>, text: &'t str, limits: &Limits) -> Result<Self, XmlError> {
        let mut walk = Walk::new(Reader::new(text, limits)?);
        let mut body = Body::default();
        match walk.xml.step()? {
            Step::Open("BulkConfirmUnit") => walk.element(&mut body)?,
            Step::Leaf("BulkConfirmUnit", _) => {}
            _ => return Err(walk.xml.error(Fault::NotAMessage)),
        }
        match walk.xml.step()? {
            Step::Done => {}
            _ => return Err(walk.xml.error(Fault::Trailing)),
        }
        Ok(Self {
            header,
            body,
            unknown: walk.unknown,
        })
    }
}

/// Every element name that this version knows as a text field, group by group.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    [
        Header::NAMES,
        Body::NAMES,
        SearchInfo::NAMES,
        Record::NAMES,
        Consents::NAMES,
        ElderlyRecipientCertificateInfo::NAMES,
        LimitApplicationCertificateRelatedInfo::NAMES,
        SpecificDiseasesCertificateInfo::NAMES,
        MedicalTicketInfo::NAMES,
    ]
    .into_iter()
    .flatten()
    .filter_map(|name| std::str::from_utf8(name).ok())
}

#[derive(Default)]
struct Root<'t> {
    header: Option<Header<'t>>,
    body: Option<Body<'t>>,
}

impl<'t> Element<'t> for Root<'t> {
    fn field(&mut self, _: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        None
    }

    fn child(&mut self, name: &[u8], walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        match name {
            b"MessageHeader" => walk.once(&mut self.header, "MessageHeader")?,
            b"MessageBody" => walk.once(&mut self.body, "MessageBody")?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
