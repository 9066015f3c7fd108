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

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jpki: bool, commands: &[&str]) {
        let bytes = |text: &&str| {
            (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
                .collect()
        };
        are_allowed(&Sent {
            jpki,
            commands: commands.iter().map(bytes).collect(),
        });
    }

    #[test]
    fn the_second_list_knows_what_is_allowed() {
        sent(true, &[SELECT_JPKI, SELECT_TOKEN_INFORMATION, READ_LABEL]);
        sent(false, &[SELECT_JPKI, "FFCA000000", "00B0000010"]);
    }

    #[test]
    #[should_panic(expected = "was sent 00A4020C02000A")]
    fn the_second_list_refuses_a_certificate() {
        sent(true, &[SELECT_JPKI, "00A4020C02000A"]);
    }

    #[test]
    #[should_panic(expected = "was sent 00B0002020")]
    fn the_second_list_refuses_what_stands_after_the_label() {
        sent(true, &[SELECT_JPKI, SELECT_TOKEN_INFORMATION, "00B0002020"]);
    }

    #[test]
    #[should_panic(expected = "was sent 0020008004")]
    fn the_second_list_refuses_a_pin() {
        sent(false, &[SELECT_JPKI, "002000800431323334"]);
    }

    #[test]
    #[should_panic(expected = "not the question for JPKI")]
    fn the_second_list_wants_the_question_for_jpki_first() {
        sent(false, &["FFCA000000"]);
    }
}
