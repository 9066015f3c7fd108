//! Which of the readers that PC/SC lists is meant: one and only one, or none is opened.

use std::ffi::CString;

/// The name of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderName {
    start: String,
    open: bool,
}

/// What a list of readers holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Exactly one.
    One(CString),
    /// None.
    Absent,
    /// Several: none of them may be opened, since one may be a 資格確認端末's.
    Several,
}

impl ReaderName {
    /// From the configuration: `*` at the end stands for any rest.
    pub fn new(name: &str) -> Self {
        match name.strip_suffix('*') {
            Some(start) => Self {
                start: start.to_owned(),
                open: true,
            },
            None => Self {
                start: name.to_owned(),
                open: false,
            },
        }
    }

    /// Looks it up.
    pub fn find(&self, readers: &[CString]) -> Named {
        let mut fitting = readers.iter().filter(|reader| self.fits(reader));
        match (fitting.next(), fitting.next()) {
            (None, _) => Named::Absent,
            (Some(one), None) => Named::One(one.clone()),
            (Some(_), Some(_)) => Named::Several,
        }
    }

    /// Whether both may name the same reader.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.open, other.open) {
            (false, false) => self.start == other.start,
            (true, false) => other.start.starts_with(&self.start),
            (false, true) => self.start.starts_with(&other.start),
            (true, true) => {
                self.start.starts_with(&other.start) || other.start.starts_with(&self.start)
            }
        }
    }

    fn fits(&self, reader: &CString) -> bool {
        let name = reader.to_string_lossy();
        match self.open {
            true => name.starts_with(&self.start),
            false => name == self.start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_two_readers_opens_none() {
        let readers = [
            "ACS ACR122U 00 00",
            "ACS ACR122U 01 00",
            "SONY PaSoRi 00 00",
        ]
        .map(|name| CString::new(name).unwrap());
        let find = |name: &str| ReaderName::new(name).find(&readers);
        assert_eq!(find("ACS ACR122U*"), Named::Several);
        assert_eq!(find("ACS ACR122U 01*"), Named::One(readers[1].clone()));
        assert_eq!(find("SONY PaSoRi 00 00"), Named::One(readers[2].clone()));
        assert_eq!(find("SONY PaSoRi"), Named::Absent);
        assert_eq!(find("*"), Named::Several);
    }

    #[test]
    fn names_that_could_be_one_reader_overlap() {
        let overlap = |a, b| ReaderName::new(a).overlaps(&ReaderName::new(b));
        assert!(overlap("A 00", "A 00") && overlap("A*", "A 00") && overlap("A 0*", "A*"));
        assert!(!overlap("A 00", "A 01") && !overlap("A 0*", "A 1*") && !overlap("A 0*", "A 1"));
    }
}
