//! The vault.

use shikaku_ledger::{Batch, EvidenceChunk, KeyOwner, LedgerError};
use shikaku_schemas::observation::EvidenceRef;
use shikaku_schemas::value::EvidenceId;

use crate::place::{Place, events, numbered, record};

crate::on_both_databases!(
    evidence_is_whole_only_with_all_chunks,
    evidence_of_one_record_goes_with_it,
    changed_evidence_is_not_handed_out,
    evidence_of_many_mebibytes_comes_back,
);

crate::in_memory_too!(
    evidence_is_whole_only_with_all_chunks,
    evidence_of_one_record_goes_with_it,
    evidence_of_many_mebibytes_comes_back,
);

pub fn chunks(place: &Place, bytes: &[u8], size: usize) -> Vec<EvidenceChunk> {
    let digest = place
        .options
        .keys
        .group_key
        .derive("evidence-digest")
        .digest(bytes);
    let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
    pieces
        .iter()
        .enumerate()
        .map(|(index, piece)| EvidenceChunk {
            id: EvidenceId(hex::encode(digest)),
            index: u32::try_from(index).unwrap(),
            chunks: u32::try_from(pieces.len()).unwrap(),
            media: "application/xml".to_owned(),
            bytes: piece.to_vec(),
        })
        .collect()
}

pub fn vault(evidence: Vec<EvidenceChunk>) -> Batch {
    Batch {
        evidence,
        ..Batch::default()
    }
}

fn reference(id: &EvidenceId) -> EvidenceRef {
    EvidenceRef {
        id: id.clone(),
        bytes: 0,
        chunks: 0,
        media: String::new(),
    }
}

async fn evidence_is_whole_only_with_all_chunks(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let bytes = "資格確認結果".repeat(100).into_bytes();
    let parts = chunks(place, &bytes, 500);
    let id = parts[0].id.clone();
    assert!(parts.len() > 3);
    assert_eq!(ledger.evidence(&id).await.unwrap(), None);
    writer
        .append(vault(vec![parts[2].clone(), parts[0].clone()]))
        .await
        .unwrap();
    let refs = [reference(&id), reference(&EvidenceId::from("00"))];
    assert!(ledger.evidence_complete(&refs).await.unwrap().is_empty());
    assert_eq!(ledger.evidence(&id).await.unwrap(), None);
    // The rest, and everything once more.
    let twice = [parts.clone(), parts.clone()].concat();
    writer.append(vault(twice)).await.unwrap();
    writer.append(vault(parts)).await.unwrap();
    assert_eq!(
        ledger.evidence_complete(&refs).await.unwrap(),
        [id.clone()].into()
    );
    assert_eq!(ledger.evidence(&id).await.unwrap(), Some(bytes));
    writer.close().await.unwrap();
}

async fn evidence_of_one_record_goes_with_it(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let (one, two) = (record(), record());
    let (own, shared) = (chunks(place, b"of one", 99), chunks(place, b"of both", 99));
    let rests_on = |who, version, parts: &[EvidenceChunk]| {
        let mut draft = numbered(who, version, "A");
        draft.evidence = Some(parts[0].id.clone());
        draft
    };
    let mut batch = vault([own.clone(), shared.clone()].concat());
    batch.events = vec![
        rests_on(one, 0, &own),
        rests_on(one, 1, &shared),
        rests_on(two, 0, &shared),
    ];
    writer.append(batch).await.unwrap();
    ledger.erase(one).await.unwrap();
    assert_eq!(ledger.evidence(&own[0].id).await.unwrap(), None);
    assert_eq!(
        ledger.evidence(&shared[0].id).await.unwrap().as_deref(),
        Some(b"of both".as_slice())
    );
    // The same bytes again do not come back to life.
    writer.append(vault(own.clone())).await.unwrap();
    assert_eq!(ledger.evidence(&own[0].id).await.unwrap(), None);
    let owner = KeyOwner::Evidence(own[0].id.clone());
    assert_eq!(
        ledger.keys(std::slice::from_ref(&owner)).await.unwrap()[&owner],
        None
    );
    assert!(
        !ledger
            .evidence_complete(&[reference(&own[0].id)])
            .await
            .unwrap()
            .is_empty()
    );
    writer
        .append(events(vec![numbered(two, 1, "B")]))
        .await
        .unwrap();
    writer.close().await.unwrap();
}

async fn changed_evidence_is_not_handed_out(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let mut parts = chunks(place, b"true bytes", 99);
    parts[0].bytes = b"other bytes".to_vec();
    let id = parts[0].id.clone();
    writer.append(vault(parts)).await.unwrap();
    let refused = ledger.evidence(&id).await;
    assert!(matches!(refused, Err(LedgerError::EvidenceChanged(changed)) if changed == id));
    writer.close().await.unwrap();
}

async fn evidence_of_many_mebibytes_comes_back(place: &Place) {
    let (ledger, mut writer) = place.begin().await;
    let bytes: Vec<u8> = (0..700_000u32).flat_map(u32::to_le_bytes).collect();
    let parts = chunks(place, &bytes, 60 * 1024);
    let id = parts[0].id.clone();
    for some in parts.chunks(64) {
        writer.append(vault(some.to_vec())).await.unwrap();
    }
    assert!(ledger.evidence(&id).await.unwrap() == Some(bytes));
    writer.close().await.unwrap();
}
