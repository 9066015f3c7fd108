//! A PDF of one page that says what it stands for.

use std::fmt::Write as _;

use jiff::civil::DateTime;

use super::Kind;

/// The file's bytes.
pub(super) fn document(kind: Kind, at: DateTime) -> Vec<u8> {
    let title = match kind {
        Kind::Drugs => "Simulated drugs and treatment",
        Kind::Checkups => "Simulated check-up",
    };
    let stamp = at.strftime("%Y-%m-%d %H:%M:%S");
    let page = format!("BT /F1 18 Tf 72 720 Td ({title}, {stamp}) Tj ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            .to_owned(),
        format!("<</Length {}>>\nstream\n{page}\nendstream", page.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let mut text = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (object, number) in objects.iter().zip(1..) {
        let _ = writeln!(places, "{:010} 00000 n ", text.len());
        let _ = write!(text, "{number} 0 obj\n{object}\nendobj\n");
    }
    let table = text.len();
    let count = objects.len() + 1;
    let _ = write!(
        text,
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n"
    );
    text.into_bytes()
}
