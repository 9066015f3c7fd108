//! Requests that programs put into their folders go on once, whatever the folders do.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::SystemTime;

use shikaku_schemas::oqs::Request as _;
use shikaku_schemas::oqs::job::Poll;
use shikaku_schemas::oqs::text::Encoding;
use shikaku_schemas::value::InquiryId;
use uuid::Uuid;

use super::programs::{PROGRAM, files, spool, with_program};
use super::*;
use crate::meddler::{Call, Meddler};
use crate::request::{Asked, Forwarded, Request, Step};

/// What lets a file go late: it has another time, and the same bytes.
fn touch(path: &Path, second: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    File::open(path).unwrap().set_modified(time).unwrap();
}

fn pass_twice(desk: &mut Desk) {
    desk.pass();
    desk.pass();
}

#[test]
fn a_request_touched_before_it_could_be_removed_goes_on_once() {
    let place = tempfile::tempdir().unwrap();
    let mut options = with_program(place.path());
    let path = place.path().join(PROGRAM).join("req/OQSsiquc01req_A1.xml");
    let touched = path.clone();
    let req = options.terminal.root.join("req");
    let sent = req.clone();
    options.disk = Meddler::new(move |call, path| {
        if call == Call::RenameNew && path.starts_with(&sent) {
            touch(&touched, 1000);
        }
        Ok(())
    });
    let mut desk = desk(&options, &spool(&options));
    std::fs::write(&path, b"a question").unwrap();
    desk.pass();
    assert!(path.exists() && files(&req).len() == 1);
    pass_twice(&mut desk);
    assert!(!path.exists(), "removed as it stands now");
    assert_eq!(files(&req).len(), 1, "once");
    // The very same, put there anew, is a new request.
    std::fs::write(&path, b"a question").unwrap();
    pass_twice(&mut desk);
    assert_eq!(files(&req).len(), 2);
}

#[test]
fn a_request_that_cannot_be_removed_goes_on_once_however_often_it_is_touched() {
    let place = tempfile::tempdir().unwrap();
    let mut options = with_program(place.path());
    let path = place.path().join(PROGRAM).join("req/OQSsiquc01req_A1.xml");
    let refuses = Arc::new(AtomicBool::new(true));
    let (theirs, refused) = (path.clone(), refuses.clone());
    options.disk = Meddler::new(move |call, path| {
        let is_refused = refused.load(Ordering::Relaxed);
        match call == Call::Remove && path == theirs && is_refused {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => Ok(()),
        }
    });
    let req = options.terminal.root.join("req");
    let mut desk = desk(&options, &spool(&options));
    std::fs::write(&path, b"a question").unwrap();
    for second in 1..4 {
        pass_twice(&mut desk);
        assert_eq!(files(&req).len(), 1);
        touch(&path, second);
    }
    std::fs::write(&path, b"another question").unwrap();
    for second in 4..6 {
        pass_twice(&mut desk);
        desk.pass();
        assert_eq!(files(&req).len(), 2, "other bytes are another request");
        touch(&path, second);
    }
    refuses.store(false, Ordering::Relaxed);
    pass_twice(&mut desk);
    assert!(!path.exists());
    assert_eq!(files(&req).len(), 2);
}

/// A job that the program began.
fn job(options: &TerminalOptions) -> Request {
    let now = options.clock.now();
    let key = options.group_key.derive("spool");
    Request {
        inquiry: InquiryId(Uuid::from_u128(1)),
        step: Step::Accepted,
        file: Some("OQSmutic01req_202605115001.xml".to_owned()),
        deadline: now,
        at: now,
        asked: Asked::default(),
        reception_number: Some("0123".to_owned()),
        polls: 0,
        forwarded: Some(Forwarded::new(
            &key,
            PROGRAM,
            "a mark",
            "OQSmutic01req_1.xml",
        )),
    }
}

#[test]
fn a_programs_asking_is_tried_again_where_the_terminals_folder_refuses_it() {
    for is_known in [true, false] {
        let place = tempfile::tempdir().unwrap();
        let mut options = with_program(place.path());
        let req = options.terminal.root.join("req");
        // A moment is waited for at once.
        let refusals = Arc::new(AtomicU32::new(1000));
        let (sent, left) = (req.clone(), refusals.clone());
        options.disk = Meddler::new(move |call, path| {
            let is_asking = call == Call::RenameNew && path.starts_with(&sent);
            let fewer = |left: u32| left.checked_sub(1);
            match is_asking
                && left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
                    .is_ok()
            {
                true => Err(io::ErrorKind::PermissionDenied.into()),
                false => Ok(()),
            }
        });
        let spool = spool(&options);
        let mut before = desk(&options, &spool);
        let job = job(&options);
        if is_known {
            before.inquiries.journal().note(job.clone()).unwrap();
        }
        let poll = Poll {
            institution_code: options.facility.code.as_str().to_owned(),
            reception_number: "0123".to_owned(),
        };
        let poll = poll.write(Encoding::Cp932).unwrap();
        let path = place.path().join(PROGRAM).join("req/OQSmutic02req_1.xml");
        std::fs::write(&path, &poll).unwrap();
        touch(&path, 3);
        // At last it stands as it did at first: after a restart only the journal tells.
        for second in 1..4 {
            pass_twice(&mut before);
            assert!(path.exists() && files(&req).is_empty());
            touch(&path, second);
        }
        if is_known {
            let restored = before.inquiries.get(job.inquiry).unwrap();
            let at = restored.at;
            assert_eq!(restored, Request { at, ..job });
        }
        drop(before);
        refusals.store(2, Ordering::Relaxed);
        let mut after = desk(&options, &spool);
        after.pass();
        assert!(!path.exists());
        let asked = files(&req).pop().unwrap();
        assert_eq!(std::fs::read(asked).unwrap(), poll);
        pass_twice(&mut after);
        assert_eq!(files(&req).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_writer_pauses_goes_on_whole() {
    let place = tempfile::tempdir().unwrap();
    let mut options = with_program(place.path());
    options.timing.incomplete = Duration::from_secs(15);
    let requests = place.path().join(PROGRAM).join("req");
    let req = options.terminal.root.join("req");
    let mut desk = desk(&options, &spool(&options));
    let whole = "<XmlMsg><MessageHeader/></XmlMsg>";
    let half = &whole[..20];
    let name = "OQSsiquc01req_A1.xml";
    std::fs::write(requests.join(name), half).unwrap();
    pass_twice(&mut desk);
    tokio::time::advance(Duration::from_secs(14)).await;
    pass_twice(&mut desk);
    assert!(files(&req).is_empty());
    std::fs::write(requests.join(name), whole).unwrap();
    pass_twice(&mut desk);
    let sent = files(&req).pop().unwrap();
    assert_eq!(std::fs::read(&sent).unwrap(), whole.as_bytes());
    // One whose writer is gone for good: the terminal says what is wrong with it.
    std::fs::write(requests.join(name), half).unwrap();
    pass_twice(&mut desk);
    tokio::time::advance(Duration::from_secs(15)).await;
    pass_twice(&mut desk);
    assert!(files(&requests).is_empty() && files(&req).len() == 2);
}
