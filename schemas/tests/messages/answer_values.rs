//! Single values of sample answers against our XSDs: wrong ones are refused, and what the field really does is not.

use super::answer_schemas::{good, judged};

/// Sample, what it says, and what it must not say.
const WRONG: [(&str, &str, &str); 26] = [
    (
        "face-shuffled.xml",
        "<SelfPayAmount>1500",
        "<SelfPayAmount>1,500",
    ),
    ("face-shuffled.xml", "> 19710102 <", ">1971-01-02<"),
    ("face-shuffled.xml", "<Sex1>2", "<Sex1>male"),
    ("face-shuffled.xml", "<MessageBody>", "<Body/><MessageBody>"),
    ("face-shuffled.xml", "20260510230000", "20260510"),
    // Nobody waits for one person.
    (
        "face-combined.xml",
        "<SegmentOfResult>1",
        "<SegmentOfResult>2",
    ),
    (
        "face-combined.xml",
        "<SegmentOfResult>1",
        "<SegmentOfResult>3",
    ),
    (
        "face-combined.xml",
        "<ProcessingResultStatus>1",
        "<ProcessingResultStatus>3",
    ),
    // What is not refused has a status.
    (
        "ticket-rejected.xml",
        "<SegmentOfResult>9",
        "<SegmentOfResult>1",
    ),
    // A job that is not refused has a number.
    ("OQSmuonq01res_accepted.xml", "ReceptionNumber>", "Future>"),
    (
        "OQSmuimm01res_refused.xml",
        "<SegmentOfResult>9",
        "<SegmentOfResult>1",
    ),
    (
        "OQSmuhvq01res_refused.xml",
        "<SegmentOfResult>9",
        "<SegmentOfResult>2",
    ),
    (
        "OQSmuquc01res_accepted.xml",
        "<ReceptionDateTime>2026",
        "<ReceptionDateTime>26",
    ),
    // Its result comes with 1 alone, and in units of its own function.
    (
        "OQSmuquc02res_mixed.xml",
        "<SegmentOfResult>1",
        "<SegmentOfResult>2",
    ),
    (
        "OQSmuquc02res_mixed.xml",
        "<SegmentOfResult>1",
        "<SegmentOfResult>9",
    ),
    (
        "OQSmutic02res_working.xml",
        "<SegmentOfResult>2",
        "<SegmentOfResult>4",
    ),
    (
        "OQSmuonq02res_one.xml",
        "</MessageBody>",
        "<BulkRegistrationUnit/></MessageBody>",
    ),
    (
        "OQSmuimm02res_working.xml",
        "<MessageBody>",
        "<MessageBody><BulkConfirmUnit/>",
    ),
    (
        "OQSmuquc02res_mixed.xml",
        "<NumberOfError>1",
        "<NumberOfError>one",
    ),
    (
        "OQSmuquc02res_mixed.xml",
        "<Birthdate>19600101",
        "<Birthdate>1960-01-01",
    ),
    (
        "OQSmuimm02res_mixed.xml",
        "<InsurerNumber>",
        "<InsurerNumber>000000000",
    ),
    // What was registered tells its number.
    (
        "OQSmuimm02res_mixed.xml",
        "<ReferenceNumber>B00001</ReferenceNumber>",
        "",
    ),
    (
        "YZKsiquc01res_drugs.xml",
        "<MeTrMonth>202604",
        "<MeTrMonth>2026-04",
    ),
    (
        "YZKsiquc01res_none.xml",
        "</MessageBody>",
        "<SpecificHealthCheckupInfo/></MessageBody>",
    ),
    (
        "TKKsiquc01res_two-days.xml",
        "<EffectiveTime>2024",
        "<EffectiveTime>R6.",
    ),
    (
        "TKKsiquc01res_none.xml",
        "</MessageBody>",
        "<MeTrMonthInf/></MessageBody>",
    ),
];

#[test]
fn answer_schemas_refuse_wrong_values() {
    for (name, from, to) in WRONG {
        let text = good(name);
        let wrong = text.replace(from, to);
        assert_ne!(text, wrong, "{name}: {from}");
        assert!(judged(name, &wrong).is_some(), "{name}: {to}");
    }
}

/// Sample, what it says, and what it may say as well.
const LENIENT: [(&str, &str, &str); 13] = [
    // Later layouts add elements anywhere.
    (
        "face-combined.xml",
        "<MessageHeader>",
        "<MessageHeader><Future>1</Future>",
    ),
    (
        "OQSmuquc02res_mixed.xml",
        "<BulkConfirmUnit>",
        "<BulkConfirmUnit><Future><A/></Future>",
    ),
    // Blank is absent.
    (
        "face-combined.xml",
        "<QualificationValidity>1",
        "<ErrorCode/><QualificationValidity>",
    ),
    (
        "OQSmuquc01res_accepted.xml",
        "<SegmentOfResult>",
        "<ErrorCode/><ErrorMessage></ErrorMessage><SegmentOfResult>",
    ),
    (
        "OQSmutic02res_dead.xml",
        "<ReceptionNumber>202605160000000022",
        "<ReceptionNumber>",
    ),
    (
        "OQSmuquc01res_accepted.xml",
        "<SegmentOfResult>1</SegmentOfResult>",
        "<SegmentOfResult/><ProcessingResultStatus> </ProcessingResultStatus>",
    ),
    // What says how it went stands at any depth.
    (
        "OQSmuquc01res_accepted.xml",
        "<ReceptionNumber>202605160000000021</ReceptionNumber>",
        "<A><B><ReceptionNumber>1</ReceptionNumber></B></A>",
    ),
    (
        "OQSmuquc01res_accepted.xml",
        "<SegmentOfResult>1</SegmentOfResult>",
        "",
    ),
    // A refusal in the body instead of the header.
    (
        "OQSmuquc01res_refused.xml",
        "<SegmentOfResult>9</SegmentOfResult>",
        "<ProcessingResultStatus>2</ProcessingResultStatus>",
    ),
    (
        "OQSmutic02res_dead.xml",
        "<ReceptionNumber>202605160000000022</ReceptionNumber>",
        "",
    ),
    // Spaces around codes.
    (
        "OQSmuimm02res_mixed.xml",
        "<ProcessingResultStatus>2",
        "<ProcessingResultStatus>\n 2 ",
    ),
    // A refused registration need not tell the number.
    (
        "OQSmuimm02res_mixed.xml",
        "<ReferenceNumber>B00002</ReferenceNumber>",
        "",
    ),
    // Either number, in either place.
    (
        "face-placement-h2.xml",
        "<PublicExpenseNumber>",
        "<InsurerNumber/><PublicExpenseNumber>",
    ),
];

#[test]
fn answer_schemas_take_what_the_field_does() {
    for (name, from, to) in LENIENT {
        let text = good(name);
        let other = text.replacen(from, to, 1);
        assert_ne!(text, other, "{name}: {from}");
        assert_eq!(judged(name, &other), None, "{name}: {to}");
    }
}
