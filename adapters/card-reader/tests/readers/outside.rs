//! Somebody else's programs read the same cards, so that they are not only right for us.

use std::process::Command;

use shikaku_card_simulator::{Card, HOSPITAL_AID, Pcscd};

use crate::support::Scene;
use crate::support::alone::alone;

/// What opensc-tool prints of a card in the first slot.
pub fn opensc(scene: &Scene, card: Card, words: &[&str]) -> Vec<u8> {
    let inserted = scene.pcscd.insert(1, card);
    inserted.is_noticed();
    run(scene, "opensc-tool", &[&["--reader", "1"], words].concat())
}

fn run(scene: &Scene, program: &str, words: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(words)
        .env(Pcscd::VARIABLE, scene.pcscd.socket())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run `make setup`"));
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{program} {words:?}: {}",
        String::from_utf8_lossy(&said)
    );
    said
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn opensc_lists_the_readers_and_reads_a_hospital_card() {
    alone(
        module_path!(),
        "opensc_lists_the_readers_and_reads_a_hospital_card",
        async |folder| {
            let scene = Scene::new(folder).await;
            let listed = text(&run(&scene, "opensc-tool", &["--list-readers"]));
            assert!(listed.contains("Hub Test Reader 00 00"), "{listed}");
            let select = format!("00A4040008{HOSPITAL_AID}");
            let words = ["-s", &select, "-s", "00A4020C020001", "-s", "00B0000008"];
            let read = text(&opensc(&scene, Card::hospital("00012345"), &words));
            assert!(read.contains("00012345"), "{read}");
            assert_eq!(read.matches("SW1=0x90, SW2=0x00").count(), 3, "{read}");
            scene.finish().await;
        },
    );
}

/// OpenSC's own JPKI driver takes the virtual card for a My Number card and reads its certificate.
#[test]
fn opensc_takes_the_virtual_card_for_a_my_number_card() {
    alone(
        module_path!(),
        "opensc_takes_the_virtual_card_for_a_my_number_card",
        async |folder| {
            let scene = Scene::new(folder).await;
            let card = scene.pcscd.insert(0, Card::my_number());
            card.is_noticed();
            let dump = text(&run(&scene, "pkcs15-tool", &["--reader", "0", "--dump"]));
            for part in [
                "JPKI",
                "User Authentication Certificate",
                "Digital Signature Certificate",
            ] {
                assert!(dump.contains(part), "{part}: {dump}");
            }
            let certificate = text(&run(
                &scene,
                "pkcs15-tool",
                &["--reader", "0", "--read-certificate", "1"],
            ));
            assert!(certificate.contains("BEGIN CERTIFICATE"), "{certificate}");
            let tries = card.take_out();
            let verified = tries
                .iter()
                .any(|sent| sent.get(1) == Some(&0x20) && sent.len() > 5);
            assert!(!verified, "no PIN was tried");
            scene.finish().await;
        },
    );
}
