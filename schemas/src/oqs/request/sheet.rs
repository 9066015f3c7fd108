//! A request as header, body and groups of named texts: the shape that all of them share.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::oqs::answer::{ReadingError, day};
use crate::oqs::xml::{Fault, Limits, Reader, Step, XmlError};
use crate::value::Month;

/// How many characters each element of a request may have. Lengths that no public source tells are taken as 100.
const LENGTHS: &[(&str, usize)] = &[
    ("QualificationConfirmationDate", 8),
    ("MedicalInstitutionCode", 10),
    ("ArbitraryFileIdentifier", 50),
    ("InsurerNumber", 8),
    ("InsuredCardSymbol", 20),
    ("InsuranceCardSymbol", 20),
    ("InsuredIdentificationNumber", 20),
    ("InsuredPersonIdentificationNumber", 20),
    ("InsuredBranchNumber", 2),
    ("BranchNumber", 2),
    ("Birthdate", 8),
    ("LimitApplicationCertificateRelatedConsFlg", 1),
    ("ArbitraryIdentifier", 100),
    ("MedicalTreatmentMonth", 6),
    ("ConsentDateFrom", 8),
    ("ConsentDateTo", 8),
    ("ExaminationDateFrom", 8),
    ("ExaminationDateTo", 8),
    ("MedicalTreatmentFlag", 1),
    ("ReferenceNumber", 50),
    ("ReceptionNumber", 50),
    ("StartDate", 6),
    ("EndDate", 6),
    ("FileCategory", 1),
    ("PrDiInfClassification", 1),
];

/// The element by its own static name, and its length; `None` for what no request has.
pub(super) fn element(name: &str) -> Option<(&'static str, usize)> {
    LENGTHS.iter().find(|(known, _)| *known == name).copied()
}

/// One named text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'t> {
    pub name: &'t str,
    pub text: Cow<'t, str>,
    pub required: bool,
}

/// Texts beside each other, under one element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group<'t> {
    pub(super) name: &'t str,
    pub(super) fields: Vec<Field<'t>>,
}

impl<'t> Group<'t> {
    /// An empty group under the element `name`.
    pub fn new(name: &'t str) -> Self {
        Self {
            name,
            fields: Vec::new(),
        }
    }

    /// Adds a text that must not be blank.
    pub fn must(&mut self, name: &'t str, text: impl Into<Cow<'t, str>>) {
        self.fields.push(Field {
            name,
            text: text.into(),
            required: true,
        });
    }

    /// Adds a text that is left out when blank.
    pub fn may(&mut self, name: &'t str, text: Option<&'t str>) {
        self.fields.extend(text.map(|text| Field {
            name,
            text: text.into(),
            required: false,
        }));
    }

    /// 保険者番号 / 公費負担者番号: shorter ones are padded on the left with blanks, never filled with zeros.
    pub fn insurer(&mut self, number: &str) {
        let number = number.trim();
        let padded = if number.is_empty() {
            String::new()
        } else {
            format!("{number:>8}")
        };
        self.must("InsurerNumber", padded);
    }

    /// The element that it stands under.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Names of its texts, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name)
    }

    /// The text of `name`; blank is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        let text = field.text.trim_ascii();
        (!text.trim().is_empty()).then_some(text)
    }

    /// The same, owned.
    pub fn maybe(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`ReadingError::Missing`].
    pub fn text(&self, name: &'static str) -> Result<String, ReadingError> {
        self.maybe(name).ok_or(ReadingError::Missing(name))
    }

    /// A day that must be there.
    ///
    /// # Errors
    /// [`ReadingError::Missing`], [`ReadingError::Unreadable`].
    pub fn day(&self, name: &'static str) -> Result<Date, ReadingError> {
        let text = self.get(name).ok_or(ReadingError::Missing(name))?;
        day(text).ok_or(ReadingError::Unreadable(name))
    }

    /// A month that must be there.
    ///
    /// # Errors
    /// [`ReadingError::Missing`], [`ReadingError::Unreadable`].
    pub fn month(&self, name: &'static str) -> Result<Month, ReadingError> {
        let text = self.get(name).ok_or(ReadingError::Missing(name))?;
        Month::from_compact(text).ok_or(ReadingError::Unreadable(name))
    }
}

/// A whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet<'t> {
    /// MessageHeader.
    pub header: Group<'t>,
    /// Texts directly below MessageBody.
    pub body: Group<'t>,
    /// Elements with texts below MessageBody, in order.
    pub groups: Vec<Group<'t>>,
}

impl Default for Sheet<'_> {
    fn default() -> Self {
        Self {
            header: Group::new("MessageHeader"),
            body: Group::new("MessageBody"),
            groups: Vec::new(),
        }
    }
}

impl<'t> Sheet<'t> {
    /// The one group that the request consists of.
    ///
    /// # Errors
    /// [`ReadingError::Missing`] when there is none of that name.
    pub fn group(&self, name: &'static str) -> Result<&Group<'t>, ReadingError> {
        self.all(name).next().ok_or(ReadingError::Missing(name))
    }

    /// Every group of that name.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &Group<'t>> {
        self.groups.iter().filter(move |group| group.name == name)
    }

    /// Reads a text that is a request.
    ///
    /// # Errors
    /// Everything but one whole, well-formed message with each element once in its group.
    pub fn read(text: &'t str, limits: &Limits) -> Result<Self, XmlError> {
        let mut xml = Reader::new(text, limits)?;
        let mut sheet = Self::default();
        let mut path: Vec<&'t str> = Vec::with_capacity(4);
        loop {
            match xml.step()? {
                Step::Open(name) => {
                    path.push(name);
                    match *path {
                        ["XmlMsg", ..] => {}
                        _ => return Err(xml.error(Fault::NotAMessage)),
                    }
                    if let ["XmlMsg", "MessageBody", group] = *path {
                        sheet.groups.push(Group::new(group));
                    }
                }
                Step::Leaf(name, text) => {
                    let group = match *path {
                        [] if name == "XmlMsg" => continue,
                        [] => return Err(xml.error(Fault::NotAMessage)),
                        ["XmlMsg", "MessageHeader"] => &mut sheet.header,
                        ["XmlMsg", "MessageBody"] => &mut sheet.body,
                        ["XmlMsg", "MessageBody", _] => {
                            sheet.groups.last_mut().unwrap_or(&mut sheet.body)
                        }
                        _ => continue,
                    };
                    if let Some((known, _)) = element(name)
                        && group.fields.iter().any(|field| field.name == name)
                    {
                        return Err(xml.error(Fault::Duplicate(known)));
                    }
                    group.fields.push(Field {
                        name,
                        text,
                        required: false,
                    });
                }
                Step::Close => {
                    path.pop();
                }
                Step::Done => return Ok(sheet),
            }
        }
    }
}
