//! Results in a ZIP, opened by the second reader.

use serde_json::{Value, json};

use super::terminal::{Terminal, second_reader};
use super::{month, poll};

/// A result of 一括取得 as the second reader sees it.
async fn fetched(knobs: &[&str]) -> Value {
    let terminal = Terminal::start("2026-05-21T09:00:00", "", knobs);
    let accepted = terminal.read("OQSmutic01", "a", &month("202605")).await;
    let asked = poll(&accepted["reception_number"]);
    let path = terminal.ask("OQSmutic02", "b", &asked).await;
    let mut seen = second_reader(&[path]).remove(0);
    // Its extension alone differs.
    seen.as_object_mut().unwrap().remove("file");
    terminal.stop().await;
    seen
}

#[tokio::test]
async fn a_packed_result_says_what_the_plain_one_says() {
    let plain = fetched(&[]).await;
    assert_eq!(plain["verdict"], "done");
    assert_eq!(fetched(&["bulk-form=zip"]).await, plain);
    assert_eq!(fetched(&["bulk-form=zip-odd"]).await, plain);
}

/// The second reader has no AES; that the pack opens under the password is tried elsewhere.
#[tokio::test]
async fn an_encrypted_result_tells_nothing_to_whom_lacks_the_password() {
    let seen = fetched(&["bulk-form=zip-encrypted"]).await;
    assert_eq!(seen, json!({ "encrypted": true }));
}
