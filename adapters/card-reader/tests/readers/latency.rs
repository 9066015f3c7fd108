//! How long a card takes to become an observation, beside what pcscd itself takes to notice it. Printed, not judged:
//! pcscd looks every 400 ms. `SHIKAKU_CARD_ROUNDS` says how many cards.

use std::time::{Duration, Instant};

use shikaku_card_simulator::Card;

use crate::support::Scene;
use crate::support::alone::alone;
use crate::support::truth::Truth;

fn quantile(sorted: &[Duration], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a short list"
    )]
    let at = ((sorted.len() - 1) as f64 * part).round() as usize;
    sorted[at].as_secs_f64() * 1000.0
}

fn print(what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let (median, worst) = (quantile(&times, 0.5), quantile(&times, 1.0));
    let ninety = quantile(&times, 0.9);
    println!(
        "latency: {what:<34} median {median:7.1} ms   p90 {ninety:7.1} ms   max {worst:7.1} ms"
    );
    median
}

#[test]
fn from_insertion_to_observation() {
    alone(
        module_path!(),
        "from_insertion_to_observation",
        async |folder| {
            let rounds = std::env::var("SHIKAKU_CARD_ROUNDS")
                .map_or(3, |text| text.parse::<usize>().expect("a number"));
            let scene = Scene::one(folder).await;
            let (mut floor, mut whole, mut ours) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..rounds {
                let offset = Duration::from_millis(37 * (round as u64 % 11));
                // Anywhere between two of pcscd's looks, not always right after one.
                tokio::time::sleep(offset).await;
                let truth = tokio::task::spawn_blocking(move || {
                    Truth::new().wait(0, "a card", |now| now.card)
                });
                let begin = Instant::now();
                let card = scene.insert(0, Card::my_number());
                while scene.of_reader(0).len() < 2 * round + 1 {
                    assert!(begin.elapsed() < Duration::from_secs(30), "never observed");
                    // Polling, finely: it is measured.
                    tokio::time::sleep(Duration::from_micros(500)).await;
                }
                let observed = begin.elapsed();
                let noticed = truth.await.expect("pcscd noticed it").duration_since(begin);
                floor.push(noticed);
                whole.push(observed);
                ours.push(observed.saturating_sub(noticed));
                drop(card);
                while scene.of_reader(0).len() < 2 * round + 2 {
                    assert!(begin.elapsed() < Duration::from_secs(30), "never removed");
                    // Polling.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            let floor = print("inserted -> pcscd says so", floor);
            let whole = print("inserted -> observation at the hub", whole);
            print("of these, ours (read, 3 fsyncs, NATS)", ours);
            println!(
                "latency: whole / pcscd's own, medians: {:.2}",
                whole / floor
            );
            scene.finish().await;
        },
    );
}
