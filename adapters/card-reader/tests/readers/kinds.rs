//! Which kind of card it is, and what is never asked.

use shikaku_card_simulator::{CANARIES, Card};

use crate::support::Scene;
use crate::support::alone::{alone, logged};

/// One after the other in one reader; the story says what each was taken for.
async fn shown(scene: &Scene, cards: Vec<(Card, &'static str)>) {
    let mut told = Vec::new();
    for (card, word) in cards {
        let laid = scene.insert(0, card);
        told.push(word);
        scene.tells(0, &told).await;
        laid.take_out();
        told.push("-taken");
        scene.tells(0, &told).await;
    }
}

#[test]
fn a_jpki_card_tells_its_kind_and_nothing_else() {
    alone(
        module_path!(),
        "a_jpki_card_tells_its_kind_and_nothing_else",
        async |folder| {
            let scene = Scene::one(folder).await;
            let cards = vec![
                (Card::my_number(), "+my-number"),
                (Card::juki(), "+juki"),
                (Card::android(), "+android"),
                (Card::iphone(), "+iphone"),
                (Card::of_the_future(), "+other-jpki"),
                // Says yes to everything, and so has JPKI: nothing more is asked.
                (Card::nonsense(&[0x90, 0x00]), "+other-jpki"),
            ];
            shown(&scene, cards).await;
            scene.finish().await;
        },
    );
}

#[test]
fn a_facilitys_own_card_names_its_number() {
    alone(
        module_path!(),
        "a_facilitys_own_card_names_its_number",
        async |folder| {
            let scene = Scene::one(folder).await;
            let staff = [0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6];
            let cards = vec![
                (Card::hospital("00012345  "), "+hospital:00012345"),
                (Card::identifier(&staff), "+staff:staff-07"),
                (Card::identifier(&[1, 2, 3, 4]), "+unknown"),
                (Card::ndef("H-00067890"), "+hospital:00067890"),
                (Card::memory("H-00067890"), "+hospital:00067890"),
                (Card::ndef("https://elsewhere.example/"), "+unknown"),
                (Card::stranger(), "+unknown"),
            ];
            shown(&scene, cards).await;
            scene.finish().await;
        },
    );
}

#[test]
fn garbage_is_told_as_what_it_is() {
    alone(
        module_path!(),
        "garbage_is_told_as_what_it_is",
        async |folder| {
            let scene = Scene::one(folder).await;
            let cards = vec![
                (Card::hospital("患者"), "+unknown(number-unreadable)"),
                (Card::hospital("12"), "+unknown(number-unreadable)"),
                (Card::nonsense(&[0x42]), "+unknown(mute)"),
                (Card::nonsense(&[0x6F, 0x00]), "+unknown"),
                (Card::nonsense(&[0xFF; 300]), "+unknown(mute)"),
                (Card::hospital("00012345"), "+hospital:00012345"),
            ];
            shown(&scene, cards).await;
            assert_eq!(
                scene.hub.dead_letters().len(),
                2,
                "two cards that a rule fits"
            );
            scene.finish().await;
        },
    );
}

/// The checks of every test would see a leak: what the virtual cards hold is really there, and the log is read.
#[test]
fn the_watch_for_canaries_is_awake() {
    alone(
        module_path!(),
        "the_watch_for_canaries_is_awake",
        async |folder| {
            let scene = Scene::one(folder).await;
            let output = crate::outside::opensc(
                &scene,
                Card::my_number(),
                &[
                    "-s",
                    "00A4040C0AD3921000310001010408",
                    "-s",
                    "00A4020C020001",
                    "-s",
                    "00B0000000",
                ],
            );
            let holder = CANARIES[4];
            assert!(crate::support::holds(&output, holder) || spaced(&output, holder));
            tracing::trace!("an awake log");
            assert!(crate::support::holds(&logged(), "an awake log"));
            scene.finish().await;
        },
    );
}

/// As opensc-tool prints bytes: `43 41 4E …`.
fn spaced(output: &[u8], word: &str) -> bool {
    let text: String = String::from_utf8_lossy(output).split_whitespace().collect();
    let bytes: String = word
        .bytes()
        .take(8)
        .map(|byte| format!("{byte:02X}"))
        .collect();
    text.contains(&bytes)
}
