//! How a made-up terminal writes: in any order, encoding and blank form, with what no reader knows in between.

use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// An element and its text; `None` is a value that it does not have.
pub type Leaf = (&'static str, Option<String>);

/// How it writes it down.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Shuffles, blanks and additions follow these numbers in turn.
    pub dice: Vec<u8>,
    pub encoding: u8,
    pub second_placement: bool,
    pub line_end: &'static str,
}

impl Manner {
    /// Written plainly, in the order meant.
    pub fn plain() -> Self {
        Self {
            dice: vec![0],
            encoding: 0,
            second_placement: false,
            line_end: "",
        }
    }
}

pub struct Pen<'m> {
    pub manner: &'m Manner,
    thrown: usize,
}

impl<'m> Pen<'m> {
    pub fn new(manner: &'m Manner) -> Self {
        Self { manner, thrown: 0 }
    }

    fn throw(&mut self, sides: usize) -> usize {
        self.thrown += 1;
        usize::from(self.manner.dice[self.thrown % self.manner.dice.len()]) % sides
    }

    /// A text in one of the ways that mean the same.
    fn text(&mut self, value: &str) -> String {
        let escaped = |value: &str| value.replace('&', "&amp;").replace('<', "&lt;");
        let mut rest = value.chars();
        match (self.throw(8), rest.next()) {
            (1, _) if !value.contains("]]>") => format!("<![CDATA[{value}]]>"),
            (2, Some(first)) => format!("&#x{:x};{}", u32::from(first), escaped(rest.as_str())),
            (3, Some(first)) => {
                let first = escaped(&first.to_string());
                format!("{first}<!-- 注記 -->{}", escaped(rest.as_str()))
            }
            _ => escaped(value),
        }
    }

    pub fn leaf(&mut self, name: &str, value: Option<&str>) -> String {
        match value {
            Some(value) => {
                let value = self.text(value);
                let space = ["", " ", "\n  ", "\t"][self.throw(4)];
                format!("<{name}>{space}{value}{space}</{name}>")
            }
            None => match self.throw(4) {
                0 => String::new(),
                1 => format!("<{name}/>"),
                2 => format!("<{name}></{name}>"),
                _ => format!("<{name}> \u{3000}</{name}>"),
            },
        }
    }

    pub fn leaves(&mut self, values: &[Leaf]) -> Vec<String> {
        values
            .iter()
            .map(|(name, value)| self.leaf(name, value.as_deref()))
            .collect()
    }

    /// What may stand between any two siblings.
    fn gap(&mut self) -> &'static str {
        match self.throw(6) {
            0 => "<!-- 注記 -->",
            1 => "<FutureElement>新<!-- -->しい</FutureElement>",
            2 => "<FutureList><FutureElement a=\"1\"/></FutureList>",
            3 => self.manner.line_end,
            _ => "",
        }
    }

    /// Children in any order.
    pub fn parent(&mut self, name: &str, mut children: Vec<String>) -> String {
        let mut text = format!("<{name}>{}", self.manner.line_end);
        while !children.is_empty() {
            let next = self.throw(children.len());
            text += &children.swap_remove(next);
            text += self.gap();
        }
        text + &format!("</{name} >")
    }

    /// Children whose order means something.
    pub fn row(&mut self, children: Vec<String>) -> String {
        let mut text = String::new();
        for child in children {
            text += &child;
            text += self.gap();
        }
        text
    }

    /// A whole message.
    pub fn message(&mut self, header: Vec<String>, body: Vec<String>) -> Vec<u8> {
        let header = self.parent("MessageHeader", header);
        let body = self.parent("MessageBody", body);
        let root = self.parent("XmlMsg", vec![header, body]);
        let end = self.manner.line_end;
        match self.manner.encoding {
            0 => format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>{end}{root}")
                .into_bytes(),
            1 => format!("\u{feff}<?xml version=\"1.0\"?>{root}{end}").into_bytes(),
            2 => cp932(&format!(
                "<?xml version='1.0' encoding='Shift_JIS'?>{end}{root}"
            )),
            _ => cp932(&root),
        }
    }
}

fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, lost) = SHIFT_JIS.encode(text);
    assert!(!lost, "what is meant can be written in either encoding");
    bytes.into_owned()
}

pub fn manner() -> impl Strategy<Value = Manner> {
    (
        prop::collection::vec(any::<u8>(), 7..60),
        0u8..4,
        any::<bool>(),
        prop_oneof![Just(""), Just("\n"), Just("\r\n  ")],
    )
        .prop_map(|(dice, encoding, second_placement, line_end)| Manner {
            dice,
            encoding,
            second_placement,
            line_end,
        })
}

/// Boxed, here and elsewhere: whole messages of unboxed strategies overflow a test's stack.
pub fn maybe(pattern: &'static str) -> BoxedStrategy<Option<String>> {
    prop::option::weighted(0.7, pattern).boxed()
}

pub fn day() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(
        0.7,
        (1930..2030, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y:04}{m:02}{d:02}")),
    )
}

/// What failed once is tried first ever after.
pub fn config(cases: u32) -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("tests/properties.regressions");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}
