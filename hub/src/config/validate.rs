//! Everything that the types alone cannot refuse.

mod desk;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shikaku_schemas::command::BULK_ROWS;
use shikaku_schemas::group::Facility;
use shikaku_schemas::oqs::Family;
use shikaku_schemas::topology::ROLES;
use shikaku_schemas::value::{FacilityCode, InstitutionCode};

use super::Fault;
use super::section::{File, Http, Nats, Timing};

/// Roles that an account can hold.
const USER_ROLES: [&str; 7] = [
    "desk", "billing", "pharmacy", "ward", "audit", "operator", "admin",
];

/// Looks at the whole file; `http.listen` is given back when it can be read.
pub fn validate(
    file: &File,
    faults: &mut Vec<Fault>,
    warnings: &mut Vec<Fault>,
) -> Option<SocketAddr> {
    if file.data_dir.as_os_str().is_empty() {
        faults.push(Fault::new("data_dir", "空です / is empty"));
    }
    nats(&file.nats, faults);
    timing(&file.timing, faults);
    for (key, zero) in [
        ("retention.feed_days", file.retention.feed_days == 0),
        ("medical.months_back", file.medical.months_back == 0),
        ("retention.record_years", file.retention.record_years == 0),
        (
            "schedule.jobs_per_terminal",
            file.schedule.jobs_per_terminal == 0,
        ),
    ] {
        if zero {
            faults.push(Fault::new(key, "1 以上にしてください / must be 1 or more"));
        }
    }
    if !(1..=BULK_ROWS).contains(&usize::from(file.schedule.rows_per_job)) {
        faults.push(Fault::new(
            "schedule.rows_per_job",
            "1 から 500 まで / must be 1 to 500",
        ));
    }
    if file.schedule.vanishing_percent > 100 {
        faults.push(Fault::new(
            "schedule.vanishing_percent",
            "0 から 100 まで / must be 0 to 100",
        ));
    }
    welfare_offices(file, faults);
    facilities(file, faults, warnings);
    desk::desks(file, faults);
    schemes(file, faults);
    consumers(file, faults);
    users(file, faults);
    http(&file.http, faults)
}

fn nats(nats: &Nats, faults: &mut Vec<Fault>) {
    if let Some(url) = &nats.url
        && !["nats://", "tls://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
    {
        faults.push(Fault::new(
            "nats.url",
            "nats:// か tls:// で始まる必要があります / must begin with nats:// or tls://",
        ));
    }
    if nats.server.as_deref().is_some_and(str::is_empty) {
        faults.push(Fault::new("nats.server", "空です / is empty"));
    }
    readable("nats.ca_file", nats.ca_file.as_deref(), faults);
}

fn readable(key: &str, path: Option<&Path>, faults: &mut Vec<Fault>) {
    if let Some(path) = path
        && let Err(error) = std::fs::File::open(path)
    {
        faults.push(Fault::new(
            key,
            format!("{} 読めません / cannot be read: {error}", path.display()),
        ));
    }
}

fn http(http: &Http, faults: &mut Vec<Fault>) -> Option<SocketAddr> {
    let tls = http.tls_cert_file.is_some();
    if tls != http.tls_key_file.is_some() {
        let missing = if tls { "tls_key_file" } else { "tls_cert_file" };
        faults.push(Fault::new(
            format!("http.{missing}"),
            "証明書と鍵は両方必要です / certificate and key belong together",
        ));
    }
    readable("http.tls_cert_file", http.tls_cert_file.as_deref(), faults);
    readable("http.tls_key_file", http.tls_key_file.as_deref(), faults);
    let Ok(listen) = http.listen.parse::<SocketAddr>() else {
        faults.push(Fault::new(
            "http.listen",
            "IPアドレス:ポート の形にしてください / must be ADDRESS:PORT",
        ));
        return None;
    };
    if !tls && !listen.ip().is_loopback() {
        faults.push(Fault::new(
            "http.listen",
            "TLS なしではループバックだけです / without TLS only a loopback address",
        ));
    }
    Some(listen)
}

fn timing(timing: &Timing, faults: &mut Vec<Fault>) {
    let day_s = 24 * 60 * 60;
    let week_minutes = 7 * 24 * 60;
    for (key, value, most) in [
        ("scan_ms", timing.scan_ms, 60_000),
        ("stable_ms", timing.stable_ms, 60_000),
        ("incomplete_s", timing.incomplete_s, day_s),
        ("answer_timeout_s", timing.answer_timeout_s, day_s),
        ("bulk_poll_s", timing.bulk_poll_s, day_s),
        (
            "response_file_stay_minutes",
            timing.response_file_stay_minutes,
            week_minutes,
        ),
    ] {
        if value == 0 || value > most {
            faults.push(Fault::new(
                format!("timing.{key}"),
                format!("1 から {most} まで / must be 1 to {most}"),
            ));
        }
    }
}

fn welfare_offices(file: &File, faults: &mut Vec<Fault>) {
    let mut names = HashSet::new();
    let mut numbers = HashSet::new();
    for (at, office) in file.welfare_office.iter().enumerate() {
        let key = |rest: &str| format!("welfare_office[{at}].{rest}");
        if office.name.trim().is_empty() || !names.insert(&office.name) {
            faults.push(Fault::new(
                key("name"),
                "空か重複です / is empty or stands twice",
            ));
        }
        for (n, number) in office.payer_numbers.iter().enumerate() {
            if !number.is_well_formed() {
                faults.push(Fault::new(
                    key(&format!("payer_numbers[{n}]")),
                    format!("公費負担者番号 {number} は 8 桁でないか検証番号が合いません / not 8 digits with a right check digit"),
                ));
            } else if !numbers.insert(number) {
                faults.push(Fault::new(
                    key(&format!("payer_numbers[{n}]")),
                    format!("{number} は重複です / stands twice"),
                ));
            }
        }
        let day = |text: &str| text.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day));
        if let Some(registers) = &office.registers
            && registers != "weekly"
            && !day(registers)
        {
            faults.push(Fault::new(
                key("registers"),
                "1 から 31 か \"weekly\" / must be 1 to 31 or \"weekly\"",
            ));
        }
    }
}

fn facilities(file: &File, faults: &mut Vec<Fault>, warnings: &mut Vec<Fault>) {
    let mut codes = HashSet::new();
    let mut roots = HashSet::new();
    for (at, facility) in file.facility.iter().enumerate() {
        let key = |rest: &str| format!("facility[{at}].{rest}");
        let code = facility.code.as_str();
        if code.len() != 10 || !code.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(Fault::new(
                key("code"),
                "医療機関コードは 10 桁の数字です / must be 10 digits",
            ));
        } else if !InstitutionCode(code.to_owned()).is_well_formed() {
            warnings.push(Fault::new(
                key("code"),
                "検証番号が合いません。番号を確かめてください / its check digit does not hold",
            ));
        }
        if !codes.insert(code) {
            faults.push(Fault::new(key("code"), "重複です / stands twice"));
        }
        if facility.name.trim().is_empty() {
            faults.push(Fault::new(key("name"), "空です / is empty"));
        }
        if facility
            .patient_numbers
            .as_deref()
            .is_some_and(|name| !is_name(name))
        {
            faults.push(Fault::new(key("patient_numbers"), NAME_RULE));
        }
        terminals(at, facility, &mut roots, faults);
        carriers(at, facility, faults);
    }
}

fn terminals(
    at: usize,
    facility: &Facility,
    roots: &mut HashSet<PathBuf>,
    faults: &mut Vec<Fault>,
) {
    let real = facility.terminals.iter().map(|t| (&t.id, &t.root));
    let virtual_ones = facility.virtual_terminals.iter().map(|t| (&t.id, &t.root));
    let all = real.enumerate().map(|(n, it)| ("terminal", n, it)).chain(
        virtual_ones
            .enumerate()
            .map(|(n, it)| ("virtual_terminal", n, it)),
    );
    let mut ids = HashSet::new();
    for (kind, n, (id, root)) in all {
        let key = |rest: &str| format!("facility[{at}].{kind}[{n}].{rest}");
        if !is_name(id) {
            faults.push(Fault::new(key("id"), NAME_RULE));
        } else if !ids.insert(id) {
            faults.push(Fault::new(key("id"), "重複です / stands twice"));
        }
        let place = std::path::absolute(root).unwrap_or_else(|_| root.clone());
        if root.as_os_str().is_empty() {
            faults.push(Fault::new(key("root"), "空です / is empty"));
        } else if !roots.insert(place) {
            faults.push(Fault::new(
                key("root"),
                "ほかの端末と同じフォルダです / another terminal has this folder",
            ));
        }
    }
}

/// What a terminal is opened with, and which one carries a virtual terminal's requests.
fn carriers(at: usize, facility: &Facility, faults: &mut Vec<Fault>) {
    for (n, terminal) in facility.terminals.iter().enumerate() {
        let key = format!("facility[{at}].terminal[{n}].zip_password_file");
        readable(&key, terminal.zip_password_file.as_deref(), faults);
        let known = |name: &String| {
            let mut families = Family::ALL.into_iter();
            families.any(|it| it.can_be_encrypted() && it.prefix().eq_ignore_ascii_case(name))
        };
        let password = terminal.zip_password_file.as_deref().map(std::fs::read);
        let blank = !matches!(password, Some(Ok(text)) if !text.trim_ascii().is_empty());
        if blank && !terminal.encrypted.is_empty() || !terminal.encrypted.iter().all(known) {
            faults.push(Fault::new(
                format!("facility[{at}].terminal[{n}].encrypted"),
                "暗号化できるインターフェイスの名前（OQSsiquc 等）と zip_password_file が必要です / \
                 names of interfaces that can be encrypted, with zip_password_file",
            ));
        }
    }
    for (n, program) in facility.virtual_terminals.iter().enumerate() {
        let known = |id: &String| facility.terminals.iter().any(|terminal| terminal.id == *id);
        if program.terminal.as_ref().is_some_and(|id| !known(id)) {
            faults.push(Fault::new(
                format!("facility[{at}].virtual_terminal[{n}].terminal"),
                "この施設にない端末です / no terminal of this facility",
            ));
        }
    }
}

fn schemes(file: &File, faults: &mut Vec<Fault>) {
    let mut classifications = HashSet::new();
    for (at, scheme) in file.scheme.iter().enumerate() {
        let key = |rest: &str| format!("scheme[{at}].{rest}");
        if scheme.code.len() != 2 || !scheme.code.bytes().all(|b| b.is_ascii_digit()) {
            faults.push(Fault::new(
                key("code"),
                "法別番号は 2 桁の数字です / must be 2 digits",
            ));
        }
        if scheme.classification.is_empty() || !classifications.insert(&scheme.classification) {
            faults.push(Fault::new(
                key("classification"),
                "空か重複です / is empty or stands twice",
            ));
        }
    }
}

fn consumers(file: &File, faults: &mut Vec<Fault>) {
    let mut names = HashSet::new();
    for (at, consumer) in file.consumer.iter().enumerate() {
        let key = |rest: &str| format!("consumer[{at}].{rest}");
        if !is_name(&consumer.name) {
            faults.push(Fault::new(key("name"), NAME_RULE));
        } else if ROLES.iter().any(|role| role.user == consumer.name) {
            faults.push(Fault::new(
                key("name"),
                "ハブ自身の利用者名です / is a user name of the hub's own",
            ));
        } else if !names.insert(&consumer.name) {
            faults.push(Fault::new(key("name"), "重複です / stands twice"));
        }
        if !knows(file, &consumer.facility) {
            faults.push(Fault::new(
                key("facility"),
                "[[facility]] にありません / is not among [[facility]]",
            ));
        }
    }
}

fn users(file: &File, faults: &mut Vec<Fault>) {
    let mut names = HashSet::new();
    for (at, user) in file.user.iter().enumerate() {
        let key = |rest: &str| format!("user[{at}].{rest}");
        if user.name.trim().is_empty() || !names.insert(&user.name) {
            faults.push(Fault::new(
                key("name"),
                "空か重複です / is empty or stands twice",
            ));
        }
        for (n, role) in user.roles.iter().enumerate() {
            let lawful = role.split_once('@').is_some_and(|(role, place)| {
                USER_ROLES.contains(&role)
                    && (place == "*" || knows(file, &FacilityCode::from(place)))
            });
            if !lawful {
                faults.push(Fault::new(
                    key(&format!("roles[{n}]")),
                    "役割@医療機関コード か 役割@* / must be role@facility or role@*",
                ));
            }
        }
    }
}

fn knows(file: &File, code: &FacilityCode) -> bool {
    file.facility.iter().any(|facility| &facility.code == code)
}

const NAME_RULE: &str =
    "英数字と - で 24 文字まで / letters, digits and - only, at most 24 characters";

/// Names stand in subjects, accounts and durables.
fn is_name(name: &str) -> bool {
    (1..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
