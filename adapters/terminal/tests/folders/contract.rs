//! The contract suite of every adapter.

use std::fs;

use crate::support::{Place, answer, key};
use shikaku_kit::suite::{self, Running, Specimen};
use shikaku_schemas::group::FaceMode;
use shikaku_schemas::seal::SealKey;

impl Specimen for Place {
    fn group_key(&self) -> SealKey {
        key()
    }

    async fn start(&self, url: &str) -> Running {
        Place::start(self, url)
    }

    fn present(&self, n: u32) {
        self.drop_face(&format!("{n}.xml"), &answer(n));
    }

    fn present_malformed(&self) {
        self.drop_face("broken.xml", b"<XmlMsg><");
    }

    fn peer_goes(&self) {
        fs::rename(self.root(), self.directory.path().join("away")).expect("the share goes");
    }

    fn peer_returns(&self) {
        fs::rename(self.directory.path().join("away"), self.root()).expect("the share returns");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivery() {
    suite::redelivery(&Place::new(FaceMode::Copy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_before_ack() {
    suite::crash_before_ack(&Place::new(FaceMode::Take)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_input() {
    suite::malformed_input(&Place::new(FaceMode::Copy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_down() {
    suite::peer_down(&Place::new(FaceMode::Take)).await;
}
