//! Cards and services that misbehave.

use std::time::Duration;

use shikaku_card_simulator::{Card, READERS};
use shikaku_kit::suite::eventually;

use crate::support::alone::{alone, logged};
use crate::support::truth::Truth;
use crate::support::{Laid, Scene};

/// Waits until a card was sent this many commands.
async fn was_sent(card: &Laid, commands: usize) {
    eventually("the card is asked", async || {
        (card.inside().sent().len() >= commands).then_some(())
    })
    .await;
}

#[test]
fn a_card_pulled_in_mid_exchange_was_there() {
    alone(
        module_path!(),
        "a_card_pulled_in_mid_exchange_was_there",
        async |folder| {
            let scene = Scene::one(folder).await;
            let mut told = Vec::new();
            for nth in 1..=3 {
                let card = scene.insert(0, Card::my_number().torn_at(nth));
                told.extend(["+unknown(pulled)", "-taken"]);
                scene.tells(0, &told).await;
                drop(card);
            }
            let card = scene.insert(0, Card::my_number());
            told.push("+my-number");
            scene.tells(0, &told).await;
            drop(card);
            scene.finish().await;
        },
    );
}

#[test]
fn a_slow_card_is_waited_for_and_one_that_is_pulled_meanwhile_is_not() {
    alone(
        module_path!(),
        "a_slow_card_is_waited_for_and_one_that_is_pulled_meanwhile_is_not",
        async |folder| {
            let scene = Scene::one(folder).await;
            let card = scene.insert(0, Card::my_number().slow(Duration::from_millis(1500)));
            scene.tells(0, &["+my-number"]).await;
            card.take_out();
            let mut told = vec!["+my-number", "-taken"];
            scene.tells(0, &told).await;
            let card = scene.insert(0, Card::my_number().slow(Duration::from_secs(2)));
            was_sent(&card, 2).await;
            card.take_out();
            told.extend(["+unknown(pulled)", "-taken"]);
            scene.tells(0, &told).await;
            scene.finish().await;
        },
    );
}

#[test]
fn a_swap_during_an_exchange_is_two_presences() {
    alone(
        module_path!(),
        "a_swap_during_an_exchange_is_two_presences",
        async |folder| {
            let scene = Scene::one(folder).await;
            let slow = scene.insert(0, Card::my_number().slow(Duration::from_secs(3)));
            was_sent(&slow, 1).await;
            slow.take_out();
            Truth::new().wait(0, "a gap", |now| !now.card);
            let other = scene.insert(0, Card::hospital("00012345"));
            scene
                .tells(0, &["+unknown(pulled)", "-taken", "+hospital:00012345"])
                .await;
            drop(other);
            scene.finish().await;
        },
    );
}

#[test]
fn the_adapter_ends_quickly_whatever_it_waits_for() {
    alone(
        module_path!(),
        "the_adapter_ends_quickly_whatever_it_waits_for",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            let begin = std::time::Instant::now();
            scene.stop().await;
            // With a card in it, then without a service.
            scene.watch(0);
            let card = scene.insert(0, Card::juki());
            scene.tells(0, &["+juki"]).await;
            scene.stop().await;
            drop(card);
            scene.pcscd.kill();
            scene.watch(0);
            scene.tells(0, &["+juki", "-unwatched"]).await;
            scene.stop().await;
            assert!(
                begin.elapsed() < Duration::from_secs(15),
                "none of them needed its limit"
            );
            scene.finish().await;
        },
    );
}

#[test]
fn a_dead_service_ends_the_presence_and_its_return_begins_a_new_one() {
    alone(
        module_path!(),
        "a_dead_service_ends_the_presence_and_its_return_begins_a_new_one",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            let card = scene.insert(0, Card::hospital("00012345"));
            let mut told = vec!["+hospital:00012345"];
            scene.tells(0, &told).await;
            for _ in 0..2 {
                scene.pcscd.kill();
                told.push("-reader-lost");
                scene.tells(0, &told).await;
                scene.pcscd.start();
                told.push("+hospital:00012345");
                scene.tells(0, &told).await;
            }
            card.take_out();
            told.push("-taken");
            scene.tells(0, &told).await;
            scene.finish().await;
        },
    );
}

#[test]
fn a_service_that_returns_without_the_reader_is_waited_out() {
    alone(
        module_path!(),
        "a_service_that_returns_without_the_reader_is_waited_out",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            let card = scene.insert(0, Card::my_number());
            scene.tells(0, &["+my-number"]).await;
            scene.pcscd.kill();
            scene.tells(0, &["+my-number", "-reader-lost"]).await;
            scene.pcscd.start_with(false);
            eventually("it says that the reader is gone", async || {
                String::from_utf8_lossy(&logged())
                    .contains("is not plugged in")
                    .then_some(())
            })
            .await;
            scene.pcscd.kill();
            scene.pcscd.start();
            scene
                .tells(0, &["+my-number", "-reader-lost", "+my-number"])
                .await;
            drop(card);
            scene.finish().await;
        },
    );
}

#[test]
fn the_service_dies_in_the_middle_of_an_exchange() {
    alone(
        module_path!(),
        "the_service_dies_in_the_middle_of_an_exchange",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            let card = scene.insert(0, Card::my_number().slow(Duration::from_secs(1)));
            was_sent(&card, 1).await;
            scene.pcscd.kill();
            let told = ["+unknown(reader-lost)", "-reader-lost"];
            scene.tells(0, &told).await;
            scene.pcscd.start();
            scene.tells(0, &[&told[..], &["+my-number"]].concat()).await;
            drop(card);
            scene.finish().await;
        },
    );
}

/// Another program has the card for itself: it is asked later, and its presence is said all the same.
#[test]
fn a_card_that_another_program_holds_is_asked_later() {
    alone(
        module_path!(),
        "a_card_that_another_program_holds_is_asked_later",
        async |folder| {
            let mut scene = Scene::new(folder).await;
            let card = scene.insert(0, Card::hospital("00012345"));
            card.inside().is_noticed();
            let context = pcsc::Context::establish(pcsc::Scope::System).expect("pcscd");
            let name = std::ffi::CString::new(READERS[0]).expect("a name");
            let held = eventually("the other program has it", async || {
                context
                    .connect(&name, pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY)
                    .ok()
            })
            .await;
            scene.watch(0);
            eventually("ours has tried", async || {
                let logged = String::from_utf8_lossy(&logged()).into_owned();
                logged.contains("is watched").then_some(())
            })
            .await;
            drop(held);
            eventually("it is told", async || {
                (!scene.story(0).is_empty()).then_some(())
            })
            .await;
            let story = scene.story(0);
            assert!(
                [["+hospital:00012345"], ["+unknown(in-use)"]].contains(&[story[0].as_str()]),
                "{story:?}"
            );
            drop(card);
            scene.finish().await;
        },
    );
}
