use super::*;

fn walk(text: &str, limits: &Limits) -> Result<Vec<String>, XmlError> {
    let mut reader = Reader::new(text, limits)?;
    let mut steps = Vec::new();
    loop {
        match reader.step()? {
            Step::Open(name) => steps.push(format!("<{name}>")),
            Step::Leaf(name, text) => steps.push(format!("{name}={text}")),
            Step::Close => steps.push("/".to_owned()),
            Step::Done => return Ok(steps),
        }
    }
}

fn fault(text: &str) -> Fault {
    walk(text, &Limits::SINGLE).unwrap_err().fault
}

#[test]
fn gives_leaves_with_their_text_and_nothing_else() {
    let text = "\u{feff}<?xml version='1.0'?>\r\n<!-- c --><r x='1'>\n<a y=\">\">1&amp;&#x32;<![CDATA[<3]]><!-- c --></a><b/><c></c ><d><e/></d>\n</r>\n";
    assert_eq!(
        walk(text, &Limits::SINGLE).unwrap(),
        ["<r>", "a=1&2<3", "b=", "c=", "<d>", "e=", "/", "/"]
    );
}

#[test]
fn tells_unfinished_from_wrong() {
    for unfinished in [
        "<",
        "<r",
        "<r>",
        "<r><a>1",
        "<r><a>1&am",
        "<r><!",
        "<r><!-",
        "<r><!-- x",
        "<r><![CDA",
        "<r><![CDATA[x]]",
        "<r></",
        "<r></r",
        "<?xml",
        "<r a='1",
        "<r>\0\0",
    ] {
        assert_eq!(fault(unfinished), Fault::Incomplete, "{unfinished}");
    }
    assert_eq!(fault(""), Fault::Empty);
    for (text, wrong) in [
        ("text", Fault::NotXml),
        ("<r></x>", Fault::NotWellFormed),
        ("</r>", Fault::NotWellFormed),
        ("<r><></></r>", Fault::NotWellFormed),
        ("<r><!x></r>", Fault::NotWellFormed),
        ("<r/><r/>", Fault::Trailing),
        ("<r/>x", Fault::Trailing),
        ("<r>x<a/></r>", Fault::Mixed),
        ("<r><a/>x</r>", Fault::Mixed),
        ("<!DOCTYPE r><r/>", Fault::Doctype),
        ("<!doctype r", Fault::Doctype),
        ("<!D", Fault::Doctype),
        ("<r>&x;</r>", Fault::Entity),
        ("<r>&#0;</r>", Fault::Entity),
        ("<r>&#1;</r>", Fault::Character),
        ("<r>a & b</r>", Fault::NotWellFormed),
        ("<r>\u{1}</r>", Fault::Character),
        ("<r>\0</r>", Fault::Character),
    ] {
        assert_eq!(fault(text), wrong, "{text}");
    }
}

#[test]
fn keeps_its_limits() {
    let limits = Limits {
        bytes: 60,
        depth: 3,
        elements: 5,
        text: 10,
    };
    let wrong = |text: &str| walk(text, &limits).unwrap_err().fault;
    assert_eq!(wrong(&"<a>".repeat(30)), Fault::Size);
    assert_eq!(wrong("<a><a><a><a>"), Fault::Depth);
    assert_eq!(wrong("<a><a><a><a/></a></a></a>"), Fault::Depth);
    assert!(walk("<a><a><a>1</a></a></a>", &limits).is_ok());
    assert_eq!(wrong("<a><b/><b/><b/><b/><b/></a>"), Fault::Elements);
    assert_eq!(wrong("<a>12345678901</a>"), Fault::Text);
    assert_eq!(wrong("<a>12345&lt;78901</a>"), Fault::Text);
}

#[test]
fn says_where() {
    let error = walk("<r>\n<a>\n</b>", &Limits::SINGLE).unwrap_err();
    assert_eq!((error.line, error.byte), (3, 8));
    assert_eq!(
        error.to_string(),
        "XMLの形が壊れています (not well-formed): line 3, byte 8"
    );
}
