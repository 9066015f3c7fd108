use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use shikaku_disk::{Disk, SystemDisk};
use shikaku_schemas::seal::SealKey;
use uuid::Uuid;

use super::{Quarantine, QuarantinedFile, SetAside};
use crate::meddler::{Call, Meddler};

/// Simulation, seed 903 of its time: a refused sync of the directory was passed over, the file was removed from its
/// folder, and a power cut took the only copy.
#[test]
fn a_file_whose_name_could_not_be_synced_is_not_kept() {
    let place = tempfile::tempdir().unwrap();
    let file = QuarantinedFile {
        id: Uuid::from_u128(7),
        facility: "1319912349".into(),
        terminal: "t1".to_owned(),
        folder: "face".to_owned(),
        reason: "malformed".to_owned(),
        message: "読めない / not readable".to_owned(),
        size: 3,
        kept_bytes: 3,
        quarantined_at: Timestamp::UNIX_EPOCH,
        inquiry: None,
    };
    let content = SetAside {
        name: "a.xml".to_owned(),
        bytes: b"abc".to_vec(),
    };
    let keep = |disk: Arc<dyn Disk>| {
        let key = SealKey::from_bytes([9; 32]);
        let quarantine = Quarantine::open(&disk, place.path(), &key, |_| true)?;
        quarantine.keep(&file, &content)
    };
    let syncs_none = Meddler::new(|call, _| match call {
        Call::SyncDirectory => Err(io::Error::other("input/output error")),
        Call::RenameNew | Call::Remove => Ok(()),
    });
    assert!(keep(syncs_none).is_err());
    keep(Arc::new(SystemDisk)).unwrap();
}
