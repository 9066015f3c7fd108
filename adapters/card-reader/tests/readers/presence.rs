//! Cards come and go: inserted, removed, swapped, in two slots, over a restart of the adapter.

use shikaku_card_simulator::{Card, READERS};

use crate::support::Scene;
use crate::support::alone::alone;
use crate::support::truth::Truth;

#[test]
fn a_card_comes_and_goes() {
    alone(module_path!(), "a_card_comes_and_goes", async |folder| {
        let scene = Scene::one(folder).await;
        let card = scene.insert(0, Card::my_number());
        scene.tells(0, &["+my-number"]).await;
        card.take_out();
        scene.tells(0, &["+my-number", "-taken"]).await;
        scene.finish().await;
    });
}

#[test]
fn a_swapped_card_is_another_card() {
    alone(
        module_path!(),
        "a_swapped_card_is_another_card",
        async |folder| {
            let scene = Scene::one(folder).await;
            let first = scene.insert(0, Card::hospital("00012345"));
            scene.tells(0, &["+hospital:00012345"]).await;
            first.take_out();
            // As soon as pcscd has seen the gap: what it does not see, nobody can.
            Truth::new().wait(0, "a gap", |now| !now.card);
            let second = scene.insert(0, Card::hospital("00067890"));
            let told = ["+hospital:00012345", "-taken", "+hospital:00067890"];
            scene.tells(0, &told).await;
            second.take_out();
            scene.tells(0, &[&told[..], &["-taken"]].concat()).await;
            scene.finish().await;
        },
    );
}

#[test]
fn two_slots_do_not_disturb_each_other() {
    alone(
        module_path!(),
        "two_slots_do_not_disturb_each_other",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            scene.watch(1);
            let (left, right) = (
                scene.insert(0, Card::my_number()),
                scene.insert(1, Card::hospital("00012345")),
            );
            scene.tells(0, &["+my-number"]).await;
            scene.tells(1, &["+hospital:00012345"]).await;
            left.take_out();
            scene.tells(0, &["+my-number", "-taken"]).await;
            scene.tells(1, &["+hospital:00012345"]).await;
            right.take_out();
            scene.tells(1, &["+hospital:00012345", "-taken"]).await;
            scene.finish().await;
        },
    );
}

/// The second slot stands for the reader of a 資格確認端末.
#[test]
fn a_reader_that_is_not_named_is_never_opened() {
    alone(
        module_path!(),
        "a_reader_that_is_not_named_is_never_opened",
        async |folder| {
            let scene = Scene::one(folder).await;
            let terminals = scene.insert(1, Card::my_number());
            terminals.inside().is_noticed();
            let ours = scene.insert(0, Card::juki());
            scene.tells(0, &["+juki"]).await;
            assert!(terminals.inside().sent().is_empty());
            assert!(scene.story(1).is_empty());
            drop((ours, terminals));
            scene.tells(0, &["+juki", "-taken"]).await;
            scene.finish().await;
        },
    );
}

#[test]
fn a_card_that_lay_there_before_is_presented() {
    alone(
        module_path!(),
        "a_card_that_lay_there_before_is_presented",
        async |folder| {
            let mut scene = Scene::new(folder).await;
            let card = scene.insert(0, Card::my_number());
            card.inside().is_noticed();
            scene.watch(0);
            scene.tells(0, &["+my-number"]).await;
            card.take_out();
            scene.tells(0, &["+my-number", "-taken"]).await;
            scene.finish().await;
        },
    );
}

/// What happened while nobody watched is not known: one presence ends, and what lies there then is presented anew.
#[test]
fn a_restart_of_the_adapter_doubles_and_loses_nothing() {
    alone(
        module_path!(),
        "a_restart_of_the_adapter_doubles_and_loses_nothing",
        async |folder| {
            let mut scene = Scene::one(folder).await;
            let card = scene.insert(0, Card::hospital("00012345"));
            let mut told = vec!["+hospital:00012345"];
            scene.tells(0, &told).await;
            for crash in [false, true] {
                if crash {
                    scene.crash().await;
                } else {
                    scene.stop().await;
                }
                scene.watch(0);
                told.extend(["-unwatched", "+hospital:00012345"]);
                scene.tells(0, &told).await;
            }
            scene.stop().await;
            card.take_out();
            scene.watch(0);
            told.push("-unwatched");
            scene.tells(0, &told).await;
            scene.finish().await;
        },
    );
}

#[test]
fn a_name_that_fits_both_slots_opens_neither() {
    alone(
        module_path!(),
        "a_name_that_fits_both_slots_opens_neither",
        async |folder| {
            let scene = Scene::new(folder).await;
            let mut options = crate::support::options(folder, 0, &scene.broker.url());
            options.reader.name = format!("{}*", &READERS[0][..READERS[0].len() - 2]);
            let cancel = tokio_util::sync::CancellationToken::new();
            let task = tokio::spawn(shikaku_card_reader::run(options, cancel.clone()));
            shikaku_kit::suite::eventually("it says so", async || {
                let logged = String::from_utf8_lossy(&crate::support::alone::logged()).into_owned();
                logged.contains("fits several readers").then_some(())
            })
            .await;
            let card = scene.insert(0, Card::my_number());
            card.inside().is_noticed();
            cancel.cancel();
            task.await.expect("no panic").expect("in good order");
            assert!(card.inside().sent().is_empty());
            scene.finish().await;
        },
    );
}
