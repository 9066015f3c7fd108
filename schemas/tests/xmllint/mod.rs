//! xmllint, which shares no code with us, as judge of messages.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// In the field "Shift_JIS" means Microsoft's flavour, which libxml2 knows by its own name only.
fn as_cp932(bytes: &[u8]) -> Vec<u8> {
    const DECLARED: &[u8] = b"encoding=\"Shift_JIS\"";
    let place = bytes
        .windows(DECLARED.len())
        .position(|part| part == DECLARED);
    match place {
        Some(at) => [
            &bytes[..at],
            b"encoding=\"CP932\"",
            &bytes[at + DECLARED.len()..],
        ]
        .concat(),
        None => bytes.to_vec(),
    }
}

/// What xmllint says against a message by the schema of that name; `None` when it is content.
pub fn against(schema: &str, bytes: &[u8]) -> Option<String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("xsd/{schema}.xsd"));
    assert!(schema.is_file(), "{}", schema.display());
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is installed (make setup)");
    let mut stdin = child.stdin.take().unwrap();
    // It may be through with a broken file before it has read all of it.
    let _ = stdin.write_all(&as_cp932(bytes));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    // 5 is a schema that can't be understood: then nothing was judged.
    assert_ne!(output.status.code(), Some(5), "{complaint}");
    (!output.status.success()).then_some(complaint)
}
