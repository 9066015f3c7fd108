//! How an online ticket differs from what paper or telephone told before it.

use shikaku_schemas::event::{CommissionedTicket, TicketSourcedOffline};

/// The members that were told and are not what came; what was not told differs in nothing.
pub fn differences(told: &TicketSourcedOffline, came: &CommissionedTicket) -> Vec<&'static str> {
    let (told, came) = (&told.ticket, came);
    let mut found = Vec::new();
    let mut compare = |name, stated: bool, same: bool| {
        if stated && !same {
            found.push(name);
        }
    };
    let (payer, recipient) = (&told.payer_number, &told.recipient_number);
    compare("payer_number", payer.is_some(), *payer == came.payer_number);
    compare(
        "recipient_number",
        recipient.is_some(),
        *recipient == came.recipient_number,
    );
    let (told, came) = (&told.ticket, &came.ticket);
    compare(
        "issue_number",
        told.issue_number.is_some(),
        told.issue_number == came.issue_number,
    );
    compare(
        "treatment_type",
        told.treatment_type.is_some(),
        told.treatment_type == came.treatment_type,
    );
    compare(
        "valid_from",
        told.valid_from.is_some(),
        told.valid_from == came.valid_from,
    );
    compare(
        "valid_to",
        told.valid_to.is_some(),
        told.valid_to == came.valid_to,
    );
    compare(
        "self_pay_yen",
        told.self_pay_yen.is_some(),
        told.self_pay_yen == came.self_pay_yen,
    );
    compare("use", told.usage.is_some(), told.usage == came.usage);
    compare(
        "social_insurance",
        told.social_insurance.is_some(),
        told.social_insurance == came.social_insurance,
    );
    found
}
