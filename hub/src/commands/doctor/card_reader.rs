//! Card readers: whether the PC/SC service runs and which readers it lists. Opens none, touches no card.

use shikaku_card_reader::name::Named;
use shikaku_card_reader::survey::{Survey, find, survey};
use shikaku_schemas::group::{CardReader, Facility};

use super::Check;
use crate::config::Config;

const SERVICE: &str = "card readers";

/// The service, and each configured reader.
pub fn check(config: &Config) -> Vec<Check> {
    let configured: Vec<(&Facility, &CardReader)> = config
        .group
        .facilities
        .iter()
        .flat_map(|facility| facility.desks.iter().map(move |desk| (facility, desk)))
        .flat_map(|(facility, desk)| desk.readers.iter().map(move |reader| (facility, reader)))
        .collect();
    let survey = survey();
    let mut checks = vec![service(&survey, configured.is_empty())];
    if let Survey::Readers(readers) = &survey {
        checks.extend(
            configured
                .iter()
                .map(|(facility, reader)| named(facility, reader, readers)),
        );
    }
    checks
}

fn service(survey: &Survey, unused: bool) -> Check {
    match survey {
        Survey::Readers(readers) if readers.is_empty() && unused => Check::good(
            SERVICE,
            "リーダーはありません / none, and none is configured",
        ),
        Survey::Readers(readers) if readers.is_empty() => Check::warning(
            SERVICE,
            "リーダーが一台も見えません / no reader is listed",
            "USB の接続とドライバー (libccid、PaSoRi は pcsc 用ドライバー) を確かめてください / \
             look at the USB plug and at the driver (libccid; a PaSoRi needs its own)",
        ),
        Survey::Readers(readers) => Check::good(SERVICE, readers.join(", ")),
        // Nobody needs the service where no reader is configured.
        _ if unused => Check::good(SERVICE, "使われていません / not in use"),
        Survey::NoService => Check::bad(
            SERVICE,
            "PC/SC サービスが応答しません / the PC/SC service does not answer",
            "pcscd を入れて起動してください: apt install pcscd; systemctl enable --now pcscd.socket / \
             install and start pcscd",
        ),
        Survey::Denied => Check::bad(
            SERVICE,
            "PC/SC サービスが利用を拒みました / the PC/SC service refuses this user",
            "polkit で実行ユーザーに許可してください (deploy/card-reader/50-shikaku-pcsc.rules) / \
             allow the hub's user by polkit: deploy/card-reader/50-shikaku-pcsc.rules",
        ),
        Survey::Failed(said) => Check::bad(
            SERVICE,
            format!("PC/SC: {said}"),
            "pcscd の記録を確かめてください: journalctl -u pcscd / look at pcscd's own log",
        ),
    }
}

fn named(facility: &Facility, reader: &CardReader, readers: &[String]) -> Check {
    let name = format!("card reader {} {}", facility.code, reader.id);
    match find(&reader.name, readers) {
        Named::One(found) => Check::good(name, found.to_string_lossy()),
        Named::Absent => Check::warning(
            name,
            format!("{} がありません / is not plugged in", reader.name),
            "接続を確かめ、一覧の名前を [[facility.desk.reader]] name に書いてください / \
             look at the plug; write the listed name into [[facility.desk.reader]] name",
        ),
        Named::Several => Check::bad(
            name,
            format!(
                "{} は複数に当てはまります / fits several readers",
                reader.name
            ),
            "資格確認端末のリーダーを開かないよう、一台だけを指す名前にしてください / \
             name one reader alone, so that the terminal's own is never opened",
        ),
    }
}
