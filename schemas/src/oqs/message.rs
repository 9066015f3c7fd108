//! Which message a file is: function, phase, direction and form, told by its name and its first bytes.

use std::fmt;

use super::file::has_prefix;
use crate::value::{ConsentScope, Method};

/// A function of the terminal (機能), as the first characters of a name tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `OQSsiquc`: 資格確認（照会）, one person; its answers also come unasked, as face files.
    Single,
    /// `OQSmuquc`: 一括照会.
    Bulk,
    /// `OQSmutic`: 委託先資格情報の一括取得.
    Commissioned,
    /// `OQSmuhvq`: 訪問診療等の一括取得.
    HomeVisit,
    /// `OQSmuonq`: オンライン診療等の一括取得.
    Online,
    /// `OQSsiimm`: 照会番号の登録, one person.
    Registration,
    /// `OQSmuimm`: 照会番号の一括登録.
    BulkRegistration,
    /// `YZKsiquc`: 薬剤・診療情報.
    Drugs,
    /// `TKKsiquc`: 健診情報.
    Checkups,
}

impl Family {
    /// Every function, in the order of the interface.
    pub const ALL: [Self; 9] = [
        Self::Single,
        Self::Bulk,
        Self::Commissioned,
        Self::HomeVisit,
        Self::Online,
        Self::Registration,
        Self::BulkRegistration,
        Self::Drugs,
        Self::Checkups,
    ];

    /// How its names begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Single => "OQSsiquc",
            Self::Bulk => "OQSmuquc",
            Self::Commissioned => "OQSmutic",
            Self::HomeVisit => "OQSmuhvq",
            Self::Online => "OQSmuonq",
            Self::Registration => "OQSsiimm",
            Self::BulkRegistration => "OQSmuimm",
            Self::Drugs => "YZKsiquc",
            Self::Checkups => "TKKsiquc",
        }
    }

    /// Whether a terminal can be set to encrypt its messages: public kitting scripts leave three functions plain.
    pub fn can_be_encrypted(self) -> bool {
        !matches!(self, Self::Commissioned | Self::HomeVisit | Self::Online)
    }

    /// Whether it is a job: a 受付番号 first, the result by a second request.
    pub fn is_bulk(self) -> bool {
        matches!(
            self,
            Self::Bulk
                | Self::Commissioned
                | Self::HomeVisit
                | Self::Online
                | Self::BulkRegistration
        )
    }

    /// How the qualifications in its bulk answers were checked; `None` for what confirms none.
    pub fn method(self) -> Option<Method> {
        match self {
            Self::Bulk => Some(Method::Bulk),
            Self::Commissioned => Some(Method::Commissioned),
            Self::HomeVisit => Some(Method::HomeVisit),
            Self::Online => Some(Method::Online),
            Self::Single
            | Self::Registration
            | Self::BulkRegistration
            | Self::Drugs
            | Self::Checkups => None,
        }
    }

    /// The consents that permit asking for what it brings; empty for what needs none.
    pub fn scopes(self) -> &'static [ConsentScope] {
        match self {
            Self::Drugs => &[ConsentScope::Drug, ConsentScope::Treatment],
            Self::Checkups => &[ConsentScope::Checkup],
            _ => &[],
        }
    }
}

/// Which of the two exchanges of a job; single functions know the first alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// `01`: the request, and its answer or 受付番号.
    First,
    /// `02`: asking for the result, and the result.
    Second,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// `req`: to the centre.
    Request,
    /// `res`: from the centre.
    Answer,
    /// `res_face`: from the centre, after a card reception.
    Face,
}

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The message itself.
    Xml,
    /// A document to look at; evidence that is not read.
    Pdf,
    /// The message, or several files, packed and maybe encrypted.
    Zip,
}

impl Form {
    /// Media type, as evidence carries it.
    pub fn media(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
        }
    }

    /// The extension of its names.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Pdf => "pdf",
            Self::Zip => "zip",
        }
    }

    /// What the first bytes say; anything without a signature is XML, or will be refused as such.
    fn of_head(head: &[u8]) -> Self {
        if head.starts_with(b"%PDF-") {
            Self::Pdf
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else {
            Self::Xml
        }
    }

    fn of_extension(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        [Self::Xml, Self::Pdf, Self::Zip]
            .into_iter()
            .find(|form| form.extension().eq_ignore_ascii_case(extension))
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// The function.
    pub family: Family,
    /// The exchange.
    pub phase: Phase,
    /// Who speaks.
    pub direction: Direction,
    /// What the bytes are.
    pub form: Form,
}

impl Message {
    /// What a file of that name and those first bytes is; `None` for functions that are not ours, and for
    /// names that are none of this interface's (`.tmp`, `.bak` …).
    ///
    /// Prefix and extension are matched without case. Where extension and content disagree, the content is
    /// right: any host may write into the folders. `head` may be empty when nothing was read yet.
    pub fn recognise(name: &str, head: &[u8]) -> Option<Self> {
        let named = Form::of_extension(name)?;
        let family = Family::ALL
            .into_iter()
            .find(|family| has_prefix(name, family.prefix()))?;
        let rest = name.get(family.prefix().len()..)?;
        let phase = match rest.get(..2)? {
            "01" => Phase::First,
            "02" if family.is_bulk() => Phase::Second,
            _ => return None,
        };
        let rest = rest.get(2..)?;
        let direction = if has_prefix(rest, "req_") {
            Direction::Request
        } else if has_prefix(rest, "res_face_") && family == Family::Single {
            Direction::Face
        } else if has_prefix(rest, "res_") {
            Direction::Answer
        } else {
            return None;
        };
        Some(Self {
            family,
            phase,
            direction,
            form: if head.is_empty() {
                named
            } else {
                Form::of_head(head)
            },
        })
    }

    /// The request of a function's first exchange.
    pub fn request(family: Family) -> Self {
        Self {
            family,
            phase: Phase::First,
            direction: Direction::Request,
            form: Form::Xml,
        }
    }

    /// The request that asks for a job's result.
    pub fn poll(family: Family) -> Self {
        Self {
            phase: Phase::Second,
            ..Self::request(family)
        }
    }

    /// `<prefix><phase><direction>_`: how its names begin.
    pub fn prefix(self) -> String {
        self.to_string()
    }

    /// A name for a request: the prefix and 12 digits, day and sequence. `None` when the sequence passes 9999.
    /// The caller keeps the sequence across restarts, so that no name is used twice.
    pub fn name(self, day: jiff::civil::Date, sequence: u32) -> Option<String> {
        (sequence <= 9999).then(|| {
            format!(
                "{self}{:04}{:02}{:02}{sequence:04}.{}",
                day.year(),
                day.month(),
                day.day(),
                self.form.extension()
            )
        })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::First => "01",
            Phase::Second => "02",
        };
        let direction = match self.direction {
            Direction::Request => "req_",
            Direction::Answer => "res_",
            Direction::Face => "res_face_",
        };
        write!(f, "{}{phase}{direction}", self.family.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_recognised_by_its_own_name() {
        for family in Family::ALL {
            for phase in [Phase::First, Phase::Second] {
                for direction in [Direction::Request, Direction::Answer, Direction::Face] {
                    let message = Message {
                        family,
                        phase,
                        direction,
                        form: Form::Xml,
                    };
                    let exists = (phase == Phase::First || family.is_bulk())
                        && (direction != Direction::Face || family == Family::Single);
                    let face_as_answer = direction == Direction::Face && family != Family::Single;
                    let name = format!("{message}202605110001.XML").to_uppercase();
                    let recognised = Message::recognise(&name, b"<?xml");
                    if exists {
                        assert_eq!(recognised, Some(message), "{name}");
                    } else if !face_as_answer {
                        assert_eq!(recognised, None, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn content_is_believed_before_the_extension() {
        let form = |name: &str, head: &[u8]| Message::recognise(name, head).map(|m| m.form);
        assert_eq!(form("YZKsiquc01res_1.xml", b"%PDF-1.7"), Some(Form::Pdf));
        assert_eq!(
            form("OQSmutic02res_1.xml", b"PK\x03\x04.."),
            Some(Form::Zip)
        );
        assert_eq!(form("TKKsiquc01res_1.pdf", b""), Some(Form::Pdf));
        assert_eq!(form("TKKsiquc01res_1.pdf", b"<XmlMsg>"), Some(Form::Xml));
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for name in [
            "OQSsiquc01res_face_1.xml.tmp",
            "EPSsiquc01res_1.xml",
            "OQSsiquc03res_1.xml",
            "OQSsiquc02res_1.xml",
            "OQSsiquc01ack_1.xml",
            "OQSsiquc01req",
            "OQSsiquc",
            ".xml",
            "",
            "資格.xml",
        ] {
            assert_eq!(Message::recognise(name, b""), None, "{name}");
        }
    }

    #[test]
    fn names_are_twelve_digits_and_end_at_9999() {
        let day = jiff::civil::date(2026, 5, 11);
        let poll = Message::poll(Family::Commissioned);
        assert_eq!(poll.name(day, 7).unwrap(), "OQSmutic02req_202605110007.xml");
        assert_eq!(poll.name(day, 10_000), None);
    }
}
