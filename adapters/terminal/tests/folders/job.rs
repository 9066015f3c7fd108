//! Every kind of request and the whole life of a job, against a simulated terminal.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use shikaku_kit::suite::eventually;
use shikaku_schemas::clock::{Clock as _, SystemClock};
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::{
    AnswerManifest, InquiryProgress, Observation, ObservationBody, Progress,
};
use shikaku_schemas::task::{
    BulkQuestion, BulkReferenceQuestion, BulkRow, CheckupQuestion, CommissionedQuestion,
    DrugQuestion, PeriodQuestion, QualificationNumbers, ReferenceQuestion, Task, TaskBody,
    TicketQuestion,
};
use shikaku_schemas::value::{ConsentScope, InquiryId, Method, Month, ObservationId};
use shikaku_terminal::quarantine;
use shikaku_terminal_simulator::{Person, town};

use crate::support::{Place, Played, Scene, facility};

pub fn task(n: u128, body: TaskBody) -> Task {
    let now = SystemClock.now();
    Task {
        inquiry: InquiryId(uuid::Uuid::from_u128(n)),
        facility: facility(),
        device: "t1".to_owned(),
        requested_at: now,
        deadline: now + SignedDuration::from_secs(600),
        resume: None,
        body,
    }
}

pub fn person(id: &str) -> Person {
    town()
        .into_iter()
        .find(|person| person.id == id)
        .expect("somebody of the town")
}

pub fn numbers(id: &str) -> QualificationNumbers {
    let half = person(id).assistance.expect("somebody under assistance");
    QualificationNumbers {
        insurer_number: half.payer_number,
        symbol: None,
        number: half.recipient_number,
        branch: None,
    }
}

pub const MAY: Month = Month {
    year: 2026,
    month: 5,
};

pub fn commissioned() -> TaskBody {
    TaskBody::Commissioned(CommissionedQuestion { month: MAY })
}

pub fn bulk(ids: &[&str]) -> TaskBody {
    let row = |id: &&str| BulkRow {
        numbers: numbers(id),
        birth_date: person(id).birth_date,
        identifier: (*id).to_owned(),
        patient: None,
    };
    TaskBody::Bulk(BulkQuestion {
        confirmed_on: jiff::civil::date(2026, 5, 21),
        insurance: false,
        rows: ids.iter().map(row).collect(),
    })
}

fn reference(id: &str, number: &str) -> ReferenceQuestion {
    ReferenceQuestion {
        reference_number: number.into(),
        numbers: numbers(id),
    }
}

pub fn progress(scene: &Scene, n: u128) -> Vec<InquiryProgress> {
    let inquiry = InquiryId(uuid::Uuid::from_u128(n));
    let observations = scene.hub.observations();
    let told = observations.into_iter().filter_map(|seen| match seen.body {
        ObservationBody::InquiryProgress(told) if told.inquiry == inquiry => Some(told),
        _ => None,
    });
    told.collect()
}

pub async fn hears(scene: &Scene, n: u128, wanted: Progress) -> InquiryProgress {
    eventually(&format!("{wanted:?} of {n}"), async || {
        let told = progress(scene, n);
        told.into_iter().find(|told| told.progress == wanted)
    })
    .await
}

pub async fn manifest(scene: &Scene, n: u128) -> AnswerManifest {
    let inquiry = Some(InquiryId(uuid::Uuid::from_u128(n)));
    eventually(&format!("the manifest of {n}"), async || {
        let observations = scene.hub.observations();
        observations.into_iter().find_map(|seen| match seen.body {
            ObservationBody::OqsAnswerManifest(manifest) if manifest.inquiry == inquiry => {
                Some(manifest)
            }
            _ => None,
        })
    })
    .await
}

pub fn units(scene: &Scene, n: u128) -> Vec<Observation> {
    let inquiry = Some(InquiryId(uuid::Uuid::from_u128(n)));
    let mut found = scene.hub.observations();
    found.retain(|seen| match &seen.body {
        ObservationBody::OqsAnswerUnit(answer) => answer.inquiry == inquiry,
        ObservationBody::RegistrationOutcome(outcome) => outcome.inquiry == inquiry,
        _ => false,
    });
    found
}

fn ids(units: &[Observation]) -> BTreeSet<ObservationId> {
    units.iter().map(|unit| unit.observation_id).collect()
}

/// Nothing of ours lies in the folders any more.
pub async fn is_tidy(scene: &Scene) {
    eventually("empty folders", async || {
        let empty = ["req", "res"].iter().all(|folder| {
            let mut entries = std::fs::read_dir(scene.place.root().join(folder)).expect("a folder");
            entries.next().is_none()
        });
        empty.then_some(())
    })
    .await;
}

async fn one<T>(scene: &Scene, what: &str, pick: impl Fn(&Observation) -> Option<T>) -> T {
    eventually(what, async || {
        scene.hub.observations().iter().find_map(&pick)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_single_function_is_asked_and_its_answer_told() {
    let scene = Scene::new(FaceMode::Copy).await;
    let played = Played::over(scene.place.root(), &["consent-check=assumed"], None);
    let who = person("one-ticket");
    let ticket = numbers("one-ticket");
    let asked = [
        TaskBody::Ticket(TicketQuestion {
            payer_number: ticket.insurer_number.as_str().into(),
            recipient_number: ticket.number.as_str().into(),
            birth_date: who.birth_date,
            confirmed_on: jiff::civil::date(2026, 5, 21),
        }),
        TaskBody::Reference(reference("one-ticket", "カルテ1")),
        TaskBody::DrugInfo(DrugQuestion {
            numbers: ticket.clone(),
            from: Month {
                year: 2026,
                month: 1,
            },
            to: MAY,
            with_treatments: true,
        }),
        TaskBody::CheckupInfo(CheckupQuestion { numbers: ticket }),
    ];
    for (n, body) in asked.into_iter().enumerate() {
        scene.hub.give(&task(n as u128, body)).await;
    }
    one(&scene, "the ticket's answer", |seen| match &seen.body {
        ObservationBody::OqsAnswer(answer) => answer.inquiry,
        _ => None,
    })
    .await;
    let outcome = one(&scene, "the registration", |seen| match &seen.body {
        ObservationBody::RegistrationOutcome(outcome) => Some(outcome.clone()),
        _ => None,
    })
    .await;
    assert_eq!(outcome.outcome.refusal, None);
    assert_eq!(
        outcome.outcome.registered.reference_number,
        Some("カルテ1".into())
    );
    for (n, scopes) in [
        (2, vec![ConsentScope::Drug, ConsentScope::Treatment]),
        (3, vec![ConsentScope::Checkup]),
    ] {
        let inquiry = Some(InquiryId(uuid::Uuid::from_u128(n)));
        let (answer, evidence) = one(&scene, "medical information", |seen| match &seen.body {
            ObservationBody::MedicalAnswer(answer) if answer.inquiry == inquiry => {
                Some((answer.clone(), seen.evidence.clone()?))
            }
            _ => None,
        })
        .await;
        assert_eq!(answer.scopes, scopes);
        let overview = answer.overview.unwrap();
        assert!(!overview.is_empty());
        assert_eq!(overview.refusal, None);
        assert!(scene.hub.evidence(&evidence.id).is_some());
    }
    is_tidy(&scene).await;
    scene.running.stop().await;
    played.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_runs_from_its_request_to_its_manifest() {
    for knobs in [
        &["working-rounds=2"][..],
        &[
            "reception-place=header",
            "bulk-form=zip-odd",
            "encoding=shift-jis",
        ],
    ] {
        let scene = Scene::new(FaceMode::Copy).await;
        let played = Played::over(scene.place.root(), knobs, None);
        let period = PeriodQuestion {
            from: jiff::civil::date(2026, 5, 1),
            to: jiff::civil::date(2026, 5, 31),
        };
        let rows = vec![reference("one-ticket", "1"), reference("lost", "2")];
        for (n, body, found, method) in [
            (1, bulk(&["one-ticket", "combined"]), 2, Some(Method::Bulk)),
            (2, commissioned(), 5, Some(Method::Commissioned)),
            (
                3,
                TaskBody::HomeVisit(period.clone()),
                1,
                Some(Method::HomeVisit),
            ),
            (4, TaskBody::Online(period), 1, Some(Method::Online)),
            (
                5,
                TaskBody::BulkReference(BulkReferenceQuestion { rows }),
                2,
                None,
            ),
        ] {
            scene.hub.give(&task(n, body)).await;
            let manifest = manifest(&scene, n).await;
            assert_eq!(manifest.units, found, "{n}");
            assert!(manifest.counts_agree && manifest.refusal.is_none());
            assert_eq!(manifest.month, (n == 2).then_some(MAY));
            let units = units(&scene, n);
            assert_eq!(units.len(), found as usize);
            for unit in &units {
                if let ObservationBody::OqsAnswerUnit(answer) = &unit.body {
                    assert_eq!(Some(answer.method), method);
                }
                let evidence = scene.hub.evidence(&unit.evidence.as_ref().unwrap().id);
                let evidence = String::from_utf8(evidence.unwrap()).unwrap();
                assert!(evidence.starts_with("<Bulk"), "its own text");
            }
            let told = progress(&scene, n);
            let steps: Vec<Progress> = told.iter().map(|told| told.progress).collect();
            let polled = steps.iter().filter(|step| **step == Progress::Polled);
            assert_eq!(polled.count(), if knobs.len() == 1 { 2 } else { 0 });
            assert_eq!(steps[..2], [Progress::Submitted, Progress::Accepted]);
            assert_eq!(*steps.last().unwrap(), Progress::Received);
            assert_eq!(told.last().unwrap().count, Some(found));
            assert_eq!(told[1].reception_number, manifest.reception_number);
        }
        is_tidy(&scene).await;
        scene.running.stop().await;
        played.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_asked_after_through_restarts_and_never_under_an_old_name() {
    let mut scene = Scene::new(FaceMode::Copy).await;
    scene.hub.give(&task(1, commissioned())).await;
    let played = Played::over(scene.place.root(), &["working-rounds=6"], None);
    hears(&scene, 1, Progress::Polled).await;
    for count in [2, 4] {
        scene = scene.restart().await;
        eventually("more askings", async || {
            let told = progress(&scene, 1);
            let counts = told.iter().filter_map(|told| told.count);
            counts.max().filter(|found| *found >= count)
        })
        .await;
    }
    let manifest = manifest(&scene, 1).await;
    assert_eq!(manifest.units, 5);
    let told = progress(&scene, 1);
    let askings: Vec<_> = told
        .iter()
        .filter(|told| told.progress == Progress::Polled)
        .collect();
    let names: BTreeSet<_> = askings.iter().map(|told| told.file.clone()).collect();
    assert_eq!(names.len(), askings.len(), "each under a name of its own");
    let submitted = told
        .iter()
        .filter(|told| told.progress == Progress::Submitted);
    assert_eq!(submitted.count(), 1, "its first request only once");
    scene.running.stop().await;
    played.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_another_terminal_began_makes_the_same_units() {
    let centre = std::sync::Arc::new(shikaku_terminal_simulator::Centre::new(
        &shikaku_terminal_simulator::Scenario::quiet(),
        &Default::default(),
    ));
    let mut seen = Vec::new();
    let mut number = None;
    for _ in 0..2 {
        let scene = Scene::new(FaceMode::Copy).await;
        let played = Played::over(scene.place.root(), &[], Some(centre.clone()));
        let mut begun = task(1, commissioned());
        begun.resume = number.take();
        let resumes = begun.resume.is_some();
        scene.hub.give(&begun).await;
        let manifest = manifest(&scene, 1).await;
        number = manifest.reception_number;
        let told = progress(&scene, 1);
        let submitted = told.iter().any(|told| told.progress == Progress::Submitted);
        assert_ne!(submitted, resumes, "only asked after, where it is resumed");
        seen.push(ids(&units(&scene, 1)));
        scene.running.stop().await;
        played.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_job_is_told_with_the_centres_words_and_a_dead_number_has_lapsed() {
    let scene = Scene::new(FaceMode::Copy).await;
    let played = Played::over(
        scene.place.root(),
        &["bulk-most=1", "reception-days=1"],
        None,
    );
    scene
        .hub
        .give(&task(1, bulk(&["one-ticket", "lost"])))
        .await;
    let rejected = hears(&scene, 1, Progress::Rejected).await;
    assert_eq!(rejected.refusal.unwrap().code.as_deref(), Some("SIM0002"));
    let mut unknown = task(2, commissioned());
    unknown.resume = Some("202605110000009999".to_owned());
    scene.hub.give(&unknown).await;
    let lapsed = hears(&scene, 2, Progress::Lapsed).await;
    assert_eq!(lapsed.refusal.unwrap().code.as_deref(), Some("SIM0008"));
    is_tidy(&scene).await;
    scene.running.stop().await;
    played.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_encoding_lacks_is_refused_by_place_and_not_by_value() {
    let scene = Scene::new(FaceMode::Copy).await;
    let body = TaskBody::Reference(reference("one-ticket", "A😀1"));
    scene.hub.give(&task(1, body)).await;
    let refused = hears(&scene, 1, Progress::Refused).await;
    let message = refused.refusal.unwrap().message.unwrap();
    assert!(message.contains("ReferenceNumber") && message.contains("U+1F600"));
    assert!(!message.contains('😀'));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_interfaces_open_with_the_password_and_only_then() {
    for password in [None, Some("himitsu")] {
        let place = Place {
            zip_password: password,
            ..Place::new(FaceMode::Copy)
        };
        let scene = Scene::of(place).await;
        let played = Played::over(scene.place.root(), &["interfaces=encrypted"], None);
        let inquiry = bulk(&["one-ticket"]);
        scene.hub.give(&task(1, inquiry)).await;
        if password.is_some() {
            assert_eq!(manifest(&scene, 1).await.units, 1);
        } else {
            eventually("it is set aside", async || {
                let aside = quarantine::list(&scene.place.data_dir()).unwrap();
                let reasons: Vec<_> = aside.into_iter().map(|file| file.reason).collect();
                (reasons == ["zip-password-needed"]).then_some(())
            })
            .await;
        }
        is_tidy(&scene).await;
        scene.running.stop().await;
        played.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_cut_off_is_set_aside_and_asked_for_again() {
    let scene = Scene::new(FaceMode::Copy).await;
    let cut = Played::over(scene.place.root(), &["bulk-mistake=cut"], None);
    scene.hub.give(&task(1, commissioned())).await;
    eventually("it is set aside", async || {
        let aside = quarantine::list(&scene.place.data_dir()).unwrap();
        aside.into_iter().find(|file| file.reason == "incomplete")
    })
    .await;
    assert!(units(&scene, 1).is_empty(), "nothing of a part counts");
    // Later askings are answered by a terminal in good order, which knows of no such job.
    cut.stop().await;
    let whole = Played::over(scene.place.root(), &[], None);
    hears(&scene, 1, Progress::Lapsed).await;
    scene.running.stop().await;
    whole.stop().await;
}
