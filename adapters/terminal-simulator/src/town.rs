//! The town: one person for each situation that the desk has to tell apart. Prefecture 99 does not exist.

mod make;

use jiff::civil::date;

use crate::person::{Person, Standing, TicketPlan, TreatmentType};

pub use make::stranger;
use make::{assisted, insurance, insured};

/// The institution whose terminal this is, unless told otherwise.
pub const INSTITUTION: &str = "1319912349";
/// Another institution, which some tickets name.
pub const OTHER_INSTITUTION: &str = "1345077885";
/// The welfare office.
pub const OFFICE: &str = "見本市福祉事務所";

/// Everybody in the town.
pub fn town() -> Vec<Person> {
    let mut people = vec![
        insured(
            "insured-only",
            "見本　保子",
            "ﾐﾎﾝ ﾔｽｺ",
            '2',
            date(1979, 3, 8),
            "T00001",
            411,
        ),
        assisted(
            "one-ticket",
            "見本　一葉",
            "ﾐﾎﾝ ｶｽﾞﾊ",
            '2',
            date(1962, 7, 19),
            "T00002",
            400_101,
        ),
        assisted(
            "two-tickets",
            "見本　双葉",
            "ﾐﾎﾝ ﾌﾀﾊﾞ",
            '2',
            date(1951, 11, 2),
            "T00003",
            400_102,
        ),
        assisted(
            "dispensing",
            "見本　調",
            "ﾐﾎﾝ ｼﾗﾍﾞ",
            '1',
            date(1988, 1, 30),
            "T00004",
            400_103,
        ),
        assisted(
            "other-institution",
            "見本　他院",
            "ﾐﾎﾝ ﾀｲﾝ",
            '1',
            date(1970, 5, 21),
            "T00005",
            400_104,
        ),
        assisted(
            "combined",
            "見本　併",
            "ﾐﾎﾝ ｱﾜｾ",
            '1',
            date(1968, 12, 12),
            "T00006",
            400_105,
        ),
        assisted(
            "not-commissioned-new",
            "未着　新",
            "ﾐﾁｬｸ ｱﾗﾀ",
            '1',
            date(1990, 2, 14),
            "",
            400_106,
        ),
        assisted(
            "not-commissioned-known",
            "未着　知",
            "ﾐﾁｬｸ ﾄﾓ",
            '2',
            date(1957, 9, 5),
            "T00008",
            400_107,
        ),
        assisted(
            "combined-not-commissioned",
            "未着　併",
            "ﾐﾁｬｸ ｱﾜｾ",
            '2',
            date(1973, 6, 1),
            "T00009",
            400_108,
        ),
        assisted(
            "lost",
            "見本　終",
            "ﾐﾎﾝ ｵﾜﾘ",
            '1',
            date(1949, 4, 4),
            "T00010",
            400_109,
        ),
        assisted(
            "lost-with-newer",
            "見本　継",
            "ﾐﾎﾝ ﾂｸﾞ",
            '2',
            date(1984, 8, 17),
            "T00011",
            400_110,
        ),
        assisted(
            "not-found",
            "見本　不在",
            "ﾐﾎﾝ ﾌｻﾞｲ",
            '1',
            date(1995, 10, 23),
            "",
            400_111,
        ),
        insured(
            "multiple",
            "見本　複",
            "ﾐﾎﾝ ﾌｸ",
            '2',
            date(1992, 5, 5),
            "",
            412,
        ),
        assisted(
            "rejected",
            "見本　否",
            "ﾐﾎﾝ ｲﾅ",
            '1',
            date(1966, 6, 6),
            "",
            400_112,
        ),
        assisted(
            "unregistered",
            "見本　初",
            "ﾐﾎﾝ ﾊｼﾞﾒ",
            '2',
            date(1987, 1, 12),
            "T00015",
            400_113,
        ),
        assisted(
            "combined-lost",
            "見本　併終",
            "ﾐﾎﾝ ｱﾜｾｵﾜﾘ",
            '1',
            date(1960, 2, 3),
            "T00016",
            400_114,
        ),
        assisted(
            "combined-lost-with-newer",
            "見本　併継",
            "ﾐﾎﾝ ｱﾜｾﾂｸﾞ",
            '2',
            date(1977, 11, 30),
            "T00017",
            400_115,
        ),
    ];
    for person in &mut people {
        settle(person);
    }
    people
}

/// What sets a person apart from the ordinary case of their half.
fn settle(person: &mut Person) {
    person.standing = match person.id.as_str() {
        "not-commissioned-new" | "not-commissioned-known" | "combined-not-commissioned" => {
            Standing::NotCommissioned
        }
        "lost" | "combined-lost" => Standing::Lost,
        "lost-with-newer" | "combined-lost-with-newer" => Standing::LostWithNewer,
        "not-found" => Standing::NotFound,
        "multiple" => Standing::Multiple,
        "rejected" => Standing::Rejected,
        _ => Standing::Valid,
    };
    person.card_registered = person.id != "unregistered";
    let insured = match person.id.as_str() {
        "combined" => Some(413),
        "combined-not-commissioned" => Some(414),
        "combined-lost" => Some(415),
        "combined-lost-with-newer" => Some(416),
        _ => None,
    };
    if let Some(number) = insured {
        person.insurance = Some(insurance(number));
    }
    let Some(assistance) = &mut person.assistance else {
        return;
    };
    assistance.tickets[0].combined = person.insurance.is_some();
    match person.id.as_str() {
        "two-tickets" => {
            assistance.tickets[0].self_pay_yen = Some(1200);
            assistance.tickets.push(TicketPlan {
                treatment_type: TreatmentType::Inpatient,
                ..TicketPlan::outpatient("0007002")
            });
        }
        "dispensing" => {
            assistance.tickets[0].treatment_type = TreatmentType::Dispensing;
            assistance.tickets[0].prescriber = Some(OTHER_INSTITUTION.to_owned());
        }
        "other-institution" => {
            assistance.tickets[0].other_institution = Some(OTHER_INSTITUTION.to_owned());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_is_somebody_else() {
        let everybody: Vec<Person> = town().into_iter().chain((0..2000).map(stranger)).collect();
        let ids: HashSet<_> = everybody.iter().map(|person| &person.id).collect();
        let people: HashSet<_> = everybody
            .iter()
            .map(|person| (&person.name, person.birth_date))
            .collect();
        let numbers: HashSet<_> = everybody
            .iter()
            .filter_map(|person| person.assistance.as_ref())
            .map(|assistance| &assistance.recipient_number)
            .collect();
        assert_eq!(ids.len(), everybody.len());
        assert_eq!(people.len(), everybody.len());
        assert_eq!(numbers.len(), everybody.len() - 2, "two are insured only");
    }
}
