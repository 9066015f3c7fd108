//! The allow-list, written down a second time and from outside: what a card may have been sent.

use shikaku_card_simulator::HOSPITAL_AID;

/// What one card was sent.
pub struct Sent {
    /// Whether it has the JPKI application.
    pub jpki: bool,
    pub commands: Vec<Vec<u8>>,
}

const SELECT_JPKI: &str = "00A4040C0AD392F000260100000001";
const SELECT_TOKEN_INFORMATION: &str = "00A4020C020006";
const READ_LABEL: &str = "00B0000020";
const SELECT_NDEF: &str = "00A4040007D276000085010100";
/// The tests' own rules, and the two files of an NDEF tag.
const FIXED: [&str; 4] = [
    "00A4020C020001",
    "FFCA000000",
    "00A4000C02E103",
    "00A4000C02E104",
];

/// Looks at every command.
///
/// # Panics
/// When one is not on the list.
#[track_caller]
pub fn are_allowed(sent: &Sent) {
    for (at, command) in sent.commands.iter().enumerate() {
        let text: String = command.iter().map(|byte| format!("{byte:02X}")).collect();
        if sent.jpki {
            // In this order and each once; a card that was reset in the middle is asked again from the start.
            assert!(
                [SELECT_JPKI, SELECT_TOKEN_INFORMATION, READ_LABEL].contains(&text.as_str()),
                "a card with JPKI was sent {text}"
            );
            continue;
        }
        assert!(
            at > 0 || text == SELECT_JPKI,
            "the first command is {text} and not the question for JPKI"
        );
        assert!(is_allowed(&text), "a card was sent {text}");
    }
}

fn is_allowed(text: &str) -> bool {
    let hospital = format!("00A4040008{HOSPITAL_AID}");
    let reads = |start: &str| text.len() == 10 && text.starts_with(start);
    text == SELECT_JPKI
        || text == SELECT_NDEF
        || text == hospital
        || FIXED.contains(&text)
        || reads("00B0")
        || (reads("FFB000") && text.ends_with("10"))
}
