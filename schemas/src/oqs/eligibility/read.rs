//! The walk over a message: known elements into their fields, the rest into a list.

use std::borrow::Cow;

use super::{Text, Unknown};
use crate::oqs::xml::{Fault, Reader, Step, XmlError};

/// An element with elements inside.
pub(super) trait Element<'t>: Default {
    /// The text field of that name, with a bit that is the name's own among its siblings.
    fn field(&mut self, name: &[u8]) -> Option<(u32, &mut Text<'t>)>;

    /// Reads the child element of that name; `false` when it is not known here.
    fn child(&mut self, _name: &[u8], _walk: &mut Walk<'t>) -> Result<bool, XmlError> {
        Ok(false)
    }
}

/// Where the two numbers of 公費 may stand below a record besides their canonical place.
#[derive(Debug, Default)]
pub(super) struct Elsewhere<'t> {
    pub payer: Vec<Cow<'t, str>>,
    pub recipient: Vec<Cow<'t, str>>,
    pub office: Vec<Cow<'t, str>>,
}

pub(super) struct Walk<'t> {
    pub xml: Reader<'t>,
    /// Names of the open elements.
    path: Vec<&'t str>,
    /// How many of them are above the present record.
    base: usize,
    pub unknown: Vec<Unknown<'t>>,
    pub elsewhere: Elsewhere<'t>,
}

impl<'t> Walk<'t> {
    pub(super) fn new(xml: Reader<'t>) -> Self {
        Self {
            xml,
            path: Vec::with_capacity(8),
            base: 0,
            unknown: Vec::new(),
            elsewhere: Elsewhere::default(),
        }
    }

    /// Reads the content of the element just opened, up to its end tag.
    pub(super) fn element<E: Element<'t>>(&mut self, element: &mut E) -> Result<(), XmlError> {
        let mut seen = 0u128;
        loop {
            match self.xml.step()? {
                Step::Leaf(name, text) => match element.field(name.as_bytes()) {
                    Some((bit, field)) => {
                        if seen & (1 << bit) != 0 || !put(field, text) {
                            return Err(self.xml.error(Fault::Duplicate(known(name))));
                        }
                        seen |= 1 << bit;
                    }
                    None => self.unknown_leaf(name, text),
                },
                Step::Open(name) => {
                    self.path.push(name);
                    if !element.child(name.as_bytes(), self)? {
                        self.element(&mut Nothing)?;
                    }
                    self.path.pop();
                }
                Step::Close => return Ok(()),
                Step::Done => return Err(self.xml.error(Fault::Incomplete)),
            }
        }
    }

    /// Reads a child that occurs once at most.
    pub(super) fn once<E: Element<'t>>(
        &mut self,
        place: &mut Option<E>,
        name: &'static str,
    ) -> Result<(), XmlError> {
        if place.is_some() {
            return Err(self.xml.error(Fault::Duplicate(name)));
        }
        self.element(place.get_or_insert_default())
    }

    /// Reads a child that occurs any number of times.
    pub(super) fn many<E: Element<'t>>(&mut self, list: &mut Vec<E>) -> Result<(), XmlError> {
        let mut one = E::default();
        self.element(&mut one)?;
        list.push(one);
        Ok(())
    }

    /// Runs `read` for one record, and gives what stood in it unknown or elsewhere.
    pub(super) fn record(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), XmlError>,
    ) -> Result<(Vec<Unknown<'t>>, Elsewhere<'t>), XmlError> {
        let outer = (
            std::mem::take(&mut self.unknown),
            std::mem::take(&mut self.elsewhere),
            std::mem::replace(&mut self.base, self.path.len()),
        );
        read(self)?;
        self.base = outer.2;
        Ok((
            std::mem::replace(&mut self.unknown, outer.0),
            std::mem::replace(&mut self.elsewhere, outer.1),
        ))
    }

    fn unknown_leaf(&mut self, name: &'t str, text: Cow<'t, str>) {
        if text.trim().is_empty() {
            return;
        }
        match name.as_bytes() {
            b"PublicExpenseNumber" => self.elsewhere.payer.push(text),
            b"BeneficiaryNumber" => self.elsewhere.recipient.push(text),
            b"WelfareOfficeName" => self.elsewhere.office.push(text),
            _ => {
                let above = self.path.get(self.base..).unwrap_or_default();
                let mut path = above.join("/");
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(name);
                self.unknown.push(Unknown { path, text });
            }
        }
    }
}

/// An element of which nothing is known.
#[derive(Default)]
struct Nothing;

impl<'t> Element<'t> for Nothing {
    fn field(&mut self, _: &[u8]) -> Option<(u32, &mut Text<'t>)> {
        None
    }
}

/// Blank is absent; two spellings of one field must not contradict each other.
fn put<'t>(field: &mut Text<'t>, text: Cow<'t, str>) -> bool {
    if text.trim().is_empty() {
        return true;
    }
    match field {
        Some(present) => *present == text,
        None => {
            *field = Some(text);
            true
        }
    }
}

/// The name from our own lists, so that no error carries a byte of the content.
fn known(name: &str) -> &'static str {
    super::all_names()
        .find(|known| known.as_bytes() == name.as_bytes())
        .unwrap_or("")
}
