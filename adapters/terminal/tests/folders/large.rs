//! A result larger than memory should see: taken in by a process that is killed in the middle, and by the next.
//!
//! The usual run has some thousand units; `make large UNITS=100000` makes the whole of it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shikaku_kit::suite::{TestBroker, TestHub};
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::observation::{AnswerManifest, ObservationBody};

use crate::crash::{Adapter, spawn};
use crate::job::{commissioned, task};
use crate::support::{Place, facility, key};

const USUAL: u32 = 1500;
const MOST_KIB: u64 = 200 << 10;
const PATIENCE: Duration = Duration::from_secs(1200);

async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        // A look now and then; what is waited for is the condition.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Takes the request of that prefix, as a terminal does, and says where its answer belongs.
async fn take(place: &Place, prefix: &str) -> PathBuf {
    let req = place.root().join("req");
    let path = until(prefix, || {
        let entries = std::fs::read_dir(&req).expect("req");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".xml")
        })
    })
    .await;
    std::fs::remove_file(&path).expect("taken");
    let name = path.file_name().expect("a name").to_string_lossy();
    place.root().join("res").join(name.replace("req_", "res_"))
}

fn lay(path: &Path, write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) {
    let temporary = path.with_extension("writing");
    let mut file = BufWriter::new(std::fs::File::create(&temporary).expect("a file"));
    write(&mut file).expect("written");
    file.into_inner().expect("flushed");
    std::fs::rename(temporary, path).expect("renamed");
}

fn unit(n: u32) -> String {
    let mut text = format!(
        "<BulkConfirmUnit><ProcessingResultStatus>1</ProcessingResultStatus>\
         <ResultOfQualificationConfirmation><InsuredCardClassification>A1</InsuredCardClassification>\
         <InsurerNumber>12137014</InsurerNumber>\
         <InsuredIdentificationNumber>{n:07}</InsuredIdentificationNumber>\
         <Name>試験　{n}番</Name><NameKana>ｼｹﾝ {n}</NameKana><Sex1>1</Sex1><Birthdate>19700101</Birthdate>\
         <QualificationDate>20250401</QualificationDate><InsurerName>見本市福祉事務所</InsurerName>"
    );
    write!(
        text,
        "<PublicExpenseResultList><MedicalTicketInfo><TicketType>01</TicketType>\
         <MedicalTicketValidDate>20260501</MedicalTicketValidDate>\
         <MedicalTicketExpirationDate>20260531</MedicalTicketExpirationDate>\
         <IssueNumber>{n}</IssueNumber><MedicalTreatmentMonth>202605</MedicalTreatmentMonth>\
         <DesignatedMedicalInstitutionCode>1319912349</DesignatedMedicalInstitutionCode>\
         <DesignatedMedicalInstitutionFlag>0</DesignatedMedicalInstitutionFlag>\
         <DesignatedMedicalInstitutionName>見本病院</DesignatedMedicalInstitutionName>\
         <InjuryName1>高血圧症</InjuryName1><MedicalTreatmentType>02</MedicalTreatmentType>\
         <SelfPayAmount>0</SelfPayAmount><SingleOrCombinedUse>01</SingleOrCombinedUse>\
         </MedicalTicketInfo></PublicExpenseResultList></ResultOfQualificationConfirmation></BulkConfirmUnit>\r\n"
    )
    .expect("a string takes it");
    text
}

const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\r\n<XmlMsg><MessageHeader>\
    <ProcessExecutionTime>20260521091500</ProcessExecutionTime>\
    <MedicalInstitutionCode>1319912349</MedicalInstitutionCode>";

/// The most memory that a process ever had, in KiB.
fn peak_kib(adapter: &Adapter) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", adapter.0.id())).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words: Vec<&str> = line.expect("its peak").split_whitespace().collect();
    words[1].parse().expect("a number")
}

fn end(adapter: Adapter) -> u64 {
    let peak = peak_kib(&adapter);
    adapter.kill();
    peak
}

fn manifest(hub: &TestHub) -> Option<AnswerManifest> {
    let mut observations = hub.observations().into_iter().rev();
    observations.find_map(|seen| match seen.body {
        ObservationBody::OqsAnswerManifest(manifest) => Some(manifest),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_survives_kill_9_in_bounded_memory() {
    let many =
        std::env::var("SHIKAKU_LARGE_UNITS").map_or(USUAL, |many| many.parse().expect("a number"));
    let place = Place::new(FaceMode::Copy);
    let broker = TestBroker::start();
    let hub = TestHub::start(&broker.url(), &key()).await;
    hub.provision_device(&facility(), "t1").await;
    hub.give(&task(1, commissioned())).await;
    let child = spawn(&place, &broker.url());
    let accepted = take(&place, "OQSmutic01req_").await;
    lay(&accepted, |out| {
        write!(
            out,
            "{START}<SegmentOfResult>1</SegmentOfResult></MessageHeader><MessageBody><ReceptionNumber>77</ReceptionNumber></MessageBody></XmlMsg>"
        )
    });
    let result = take(&place, "OQSmutic02req_").await;
    lay(&result, |out| {
        write!(
            out,
            "{START}<ReceptionNumber>77</ReceptionNumber><SegmentOfResult>1</SegmentOfResult>\
            <NumberOfProcessingResult>{many}</NumberOfProcessingResult></MessageHeader><MessageBody>"
        )?;
        (0..many).try_for_each(|n| {
            // One without a validity or a record can't be judged, and stands in nobody's way.
            match n == many / 2 {
                true => out.write_all(b"<BulkConfirmUnit><Unknown>1</Unknown></BulkConfirmUnit>"),
                false => out.write_all(unit(n).as_bytes()),
            }
        })?;
        write!(out, "</MessageBody></XmlMsg>")
    });
    let begun = Instant::now();
    until("a part", || (hub.observed() > 10).then_some(())).await;
    assert!(
        manifest(&hub).is_none() && result.exists(),
        "killed in the middle"
    );
    let first_peak = end(child);
    let child = spawn(&place, &broker.url());
    // Submitted, accepted, received, the units but one, and the manifest.
    until("everything", || {
        (hub.observed() as u32 >= many + 3).then_some(())
    })
    .await;
    let manifest = manifest(&hub).expect("a manifest");
    until("an empty res", || (!result.exists()).then_some(())).await;
    let took = begun.elapsed();
    let second_peak = end(child);
    println!(
        "{many} units in {took:?}; peak {first_peak} KiB before the kill, {second_peak} KiB after"
    );
    assert_eq!((manifest.units, manifest.unreadable), (many - 1, 1));
    assert!(manifest.counts_agree);
    let mut seen = HashSet::new();
    for observation in hub.observations() {
        if let ObservationBody::OqsAnswerUnit(answer) = &observation.body {
            let number = answer.records[0].numbers.recipient_number.clone();
            assert!(seen.insert(number), "each unit once");
        }
    }
    assert_eq!(seen.len() as u32, many - 1);
    assert!(first_peak.max(second_peak) < MOST_KIB);
}
