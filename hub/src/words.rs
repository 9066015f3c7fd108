//! Every word that people read: Japanese first, English beside. One catalogue, so that a word means one thing
//! on every screen.

use std::fmt;

use shikaku_domain::calendar::{Chore, MonthState};
use shikaku_schemas::observation::{CardEnd, CardKind};
use shikaku_schemas::value::{ConsentScope, Coverage, Method, TicketKind, Validity};

/// One message in both languages; shows as `日本語 / English`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Japanese.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.ja, self.en)
    }
}

impl Words {
    /// A table's heading: `日本語 english`.
    pub fn heading(self) -> String {
        format!("{} {}", self.ja, self.en)
    }
}

const fn w(ja: &'static str, en: &'static str) -> Words {
    Words { ja, en }
}

macro_rules! catalogue {
    ($($name:ident => $ja:literal, $en:literal;)+) => {
        $(#[doc = concat!("```text\n", $en, "\n```")] pub const $name: Words = w($ja, $en);)+
    };
}

mod chart;
mod operation;
mod terminal;
pub use chart::*;
pub use operation::*;
pub use terminal::*;

catalogue! {
    // Headings.
    POSITION => "位置", "position";
    TIME => "時刻", "time";
    FACILITY => "施設", "facility";
    TYPE => "種別", "type";
    STATE => "状態", "state";
    METHOD => "確認方法", "method";
    VALIDITY => "判定", "validity";
    COVERAGE => "範囲", "coverage";
    RECORD => "記録", "record";
    PATIENT => "患者番号", "patient";
    REASON => "理由", "reason";
    CASE => "案件", "case";
    TOLD => "回答の人", "told";
    CANDIDATES => "候補", "candidates";
    OPENED => "開始位置", "opened";
    INQUIRY => "照会", "inquiry";
    WHERE => "場所", "where";
    CHECK => "点検項目", "check";
    RESULT => "結果", "result";
    DETAIL => "詳細", "detail";
    KEY => "項目", "item";
    VALUE => "内容", "value";
    SCHEME => "法別", "scheme";
    DISPLAY => "表示", "display";
    CODE => "コード", "code";
    NAME => "氏名", "name";
    BORN => "生年月日", "birth date";
    VALID_ON => "対象日", "valid on";
    NUMBERS => "番号", "numbers";
    PERIOD => "期間", "period";
    CONFIRMED_ON => "資格確認日", "confirmed on";
    TICKET => "医療券・調剤券", "ticket";
    MONTH => "診療年月", "month";
    ASSISTANCE => "医療扶助", "assistance";
    INSURANCE => "医療保険", "insurance";
    LAST => "最後の資格（参考）", "last known";
    QUALIFICATIONS => "資格", "qualifications";
    TICKETS => "医療券・調剤券", "tickets";
    NOT_COMMISSIONED => "未委託の月", "months not commissioned";
    VERIFICATIONS => "資格確認", "verifications";
    TERMINAL => "端末", "terminal";
    UNITS => "結果件数", "results";
    ERRORS => "エラー件数", "errors";
    ERROR => "エラー", "error";
    SINCE => "いつから", "since";
    OFFICE => "福祉事務所", "welfare office";
    PHONE => "電話", "phone";
    NOTES => "備考", "notes";
    REVISED => "変更", "revised";
    REQUESTED => "依頼済み", "requested";
    TOLD_OFFLINE => "紙・電話で確認", "told offline";
    RECONCILED => "紙・電話の内容と一致", "agrees with what was told";
    DIFFERS => "紙・電話の内容と相違", "differs from what was told";
    ASKED_BY => "依頼者", "asked by";

    ID => "番号", "id";

    // Desks and their cards.
    DESK => "窓口", "desk";
    CARD_PRESENTED => "カード提示", "card-presented";
    CARD_REMOVED => "カード終了", "card-removed";
    BESIDE => "窓口のカード（患者の特定ではありません）", "card at the desk, assigned to nobody";

    // Identity cases.
    BIRTH_DATE_DIFFERS => "患者番号は同じで生年月日が違います", "same chart number, other birth date";
    NUMBER_REUSED => "同じ番号で氏名か性別が違います", "same numbers, other name or sex";
    KEYS_DISAGREE => "番号ごとに別の記録を指します", "its numbers lead to different records";
    LINK_OFFERED => "未委託の人と同じ人かもしれません", "equals a waiting 未委託 person";
    ISSUER_DIFFERS => "一括照会の回答の保険者・公費負担者が照会したものと違います", "a bulk answer names another insurer or payer than asked";
    TICKETS_VANISHED => "多数の医療券が消えました（--gone で取消を認め、なければ回答の誤りとします）", "many tickets vanished (--gone: they are gone indeed; without it the answer was a mistake)";
    QUEUED_BEHIND => "先の案件を待っています", "waits behind an earlier case";

    // Starting and stopping.
    CONSOLE => "画面", "console";
    SIGN_IN => "初回サインイン（一度だけ有効）", "one-time sign-in";
    FOLDERS => "端末フォルダ", "terminal folders";
    STOP_HINT => "終了は Ctrl-C", "Ctrl-C stops all of it";
    STOPPING => "停止しています", "stopping";
    STOPPED => "すべて停止しました", "all stopped";
    SIMULATING => "模擬端末が動いています。終了は Ctrl-C", "the simulated terminal runs, Ctrl-C stops it";
    DEMO => "模擬端末が一日を再現します（実在の人物ではありません）", "a simulated terminal plays a day (nobody in it is real)";
    FRESH_KEY => "新しいグループ鍵を作りました。失うと全記録を読めなくなります。必ず別の場所に控えてください", "a new group key was made: without it every record is lost. Keep a copy elsewhere";
    KEY_THERE => "グループ鍵はすでにあります", "the group key is there already";
    STANDBY => "ほかのハブが稼働中のため待機します", "another hub is active, standing by";

    // Faults that people meet.
    NO_HUB => "ハブが動いていません。shikaku up を起動してください", "no hub is running here: start `shikaku up`";
    HUB_RUNNING => "このデータ置き場では別のハブが動いています", "another hub already runs on this data_dir";
    NO_LEDGER => "台帳がまだありません。shikaku up を一度起動してください", "there is no ledger yet: start `shikaku up` once";
    NO_NATS_SERVER => "nats-server が見つかりません。make setup を実行するか [nats] server を設定してください", "nats-server not found: run `make setup` or set [nats] server";
    OLD_NATS_SERVER => "nats-server 2.15.1 以上が必要です", "nats-server 2.15.1 or later is needed";
    NO_SUCH_FACILITY => "この医療機関コードは設定にありません", "no such facility in the configuration";
    NO_SUCH_CONSUMER => "この配信先は設定にありません", "no such consumer in the configuration";
    NOT_A_DAY => "日付は 2026-05-11 か R8.5.11 の形です", "a day is written 2026-05-11 or R8.5.11";
    NOT_A_MONTH => "月は 2026-05 か R8.5 の形です", "a month is written 2026-05 or R8.5";
    LINE => "行", "line";
    LIST_HEADER => "見出しは payer,recipient,birth_date か insurer,symbol,number,branch,birth_date のどちらか一方です", "the header is payer,recipient,birth_date or insurer,symbol,number,branch,birth_date, never both";
    LIST_MISSING => "番号か生年月日がありません", "a number or the birth date is missing";
    APPOINTMENTS_HEADER => "患者番号と日付が必要です（見出し patient,date）", "a chart number and a day are needed (header patient,date)";
    APPOINTMENTS_WITHOUT => "番号が分からないか未委託のため照会しない人数", "people left out: no numbers known, or 未委託";
    ROWS_ANSWERED_SINCE => "その後ほかの方法で回答があったため照会し直さない行", "rows not asked again, answered since in another way";
    ERRORS_WITHOUT_ROW => "どの行か分からないエラー", "errors that name no row";
    NOBODY_TO_ASK_AGAIN => "照会し直す人はいません", "there is nobody to ask about again";
    NOT_KNOWN => "該当する記録がありません", "nothing is known";
    NOT_YET => "この版ではまだできません", "not possible in this version yet";
    POSITION_LATE => "指定の位置まで進みませんでした", "the position was not reached in time";
    NEEDS_NATS => "この役割には [nats] url が必要です", "this role needs [nats] url";
    NEEDS_READER => "この役割には [[facility.desk.reader]] が必要です", "this role needs a [[facility.desk.reader]]";
    NEEDS_POSTGRES => "この役割には postgres の [database] url が必要です", "this role needs [database] url with postgres";
    ACCESS_LOG => "閲覧記録を書けないため表示しません", "the access log cannot be written, so nothing is shown";

    // Answers.
    DONE => "完了", "done";
    REFUSED => "できません", "refused";
    UNAVAILABLE => "今は処理できません。何も行われていません", "not possible now, nothing was done";
    BAD_PAYER => "公費負担者番号の桁数か検証番号が合いません", "the payer number's length or check digit does not hold";
    NO_ANSWER => "照会がまだ終わりません。shikaku inquire show で確かめてください", "the inquiry has not ended yet: `shikaku inquire show` tells more";
    WITHDRAWN => "取消", "withdrawn";
    PENDING => "登録待ち", "waiting";
    ARRIVED => "到着済み", "arrived";
    WAITING => "回答を待っています", "waiting for the answer";
    NONE_FOUND => "ありません", "none";
    HOLDS => "台帳の証明はすべて成立しています", "the proof holds everywhere";
    BROKEN => "台帳の証明が成立しません", "the proof does not hold";
    GOOD => "良好", "good";
    WARN => "注意", "warning";
    BAD => "異常", "bad";
    MEND => "対処", "mend";
    ERASED => "消去済み", "erased";
    NO_TERMINAL => "資格確認端末の設定がありません", "the facility has no terminal";
    INSURANCE_KEEPS => "医療保険の分は従来どおりです", "the insurance keeps its own";
    LIMIT_CERTIFICATE => "限度額適用認定証", "limit certificate";
    SPECIFIC_DISEASES => "特定疾病療養受療証", "specific diseases";
    ELDERLY_CERTIFICATE => "高齢受給者証", "elderly certificate";
    NOTHING_MISSING => "未登録の照会番号はありません", "no 照会番号 is missing";
    MONTHS_ASKED => "抽出対象年月", "months asked for";
    MONTHS_CLIPPED => "医療扶助の情報はこの月からです。それより前の月は除きました（解説書 表3-2）", "earlier months left out, guide table 3-2";
    CHECKUP_MONTHS => "健診情報の照会に月の指定はありません。医療扶助の健診情報はこの月からです（解説書 表3-2）", "asked for without months, held from this month";
    HELD => "受領済み（カルテの記録として保管）", "received, held as chart record";
    NONE_IN_MONTHS => "この期間の情報はありません", "none in these months";
    CHECKUP_NOT_REGISTERED => "福祉事務所による健診情報の登録がありません（受診していないとは限りません）", "not registered by the office";
}

/// What a check found out.
pub fn validity(validity: Validity) -> Words {
    match validity {
        Validity::Valid => w("有効", "valid"),
        Validity::Lost => w("無効", "lost"),
        Validity::LostWithNewer => w("無効（新しい資格あり）", "lost-with-newer"),
        Validity::NotFound => w("該当資格なし", "not-found"),
        Validity::Multiple => w("複数該当", "multiple"),
        Validity::NotCommissioned => w("未委託", "not-commissioned"),
        Validity::Rejected => w("照会不可", "rejected"),
    }
}

/// How it was checked.
pub fn method(method: Method) -> Words {
    match method {
        Method::Card => w("マイナンバーカード", "card"),
        Method::Ticket => w("医療券・保険証", "ticket"),
        Method::Bulk => w("一括照会", "bulk"),
        Method::Commissioned => w("委託先一括取得", "commissioned"),
        Method::HomeVisit => w("訪問診療等", "home-visit"),
        Method::Online => w("オンライン診療等", "online"),
        Method::LocalCopy => w("端末内の写し", "local-copy"),
    }
}

/// Which halves there are.
pub fn coverage(coverage: Coverage) -> Words {
    match coverage {
        Coverage::AssistanceOnly => w("医療扶助単独", "assistance-only"),
        Coverage::Combined => w("併用", "combined"),
        Coverage::InsuranceOnly => w("医療保険のみ", "insurance-only"),
        Coverage::Unknown => w("不明", "unknown"),
    }
}

/// How somebody's month stands.
pub fn month_state(state: MonthState) -> Words {
    match state {
        MonthState::Waiting => w("未委託", "waiting"),
        MonthState::Arrived => ARRIVED,
        MonthState::Withdrawn => WITHDRAWN,
        MonthState::Offline => w("紙・電話のみ", "offline"),
    }
}

/// What a clerk has to do.
pub fn chore(chore: Chore) -> Words {
    match chore {
        Chore::CheckSocialInsurance => w("要確認：社会保険の状況", "check social insurance"),
        Chore::CompareOffline => w("要確認：紙・電話の内容", "compare with what was told"),
        Chore::AskOffice => w("要確認：福祉事務所に照会", "ask the office"),
    }
}

/// How an offline ticket was learnt.
pub fn ticket_source(source: &str) -> Words {
    match source {
        "paper" => w("紙", "paper"),
        _ => w("電話", "telephone"),
    }
}

/// What a consent permits.
pub fn scope(scope: ConsentScope) -> Words {
    match scope {
        ConsentScope::Drug => w("薬剤情報", "drug"),
        ConsentScope::Treatment => w("診療情報", "treatment"),
        ConsentScope::Checkup => w("健診情報", "checkup"),
        ConsentScope::Operation => w("手術情報", "operation"),
        ConsentScope::DiagnosisName => w("傷病名", "diagnosis-name"),
        ConsentScope::Infection => w("感染症", "infection"),
        ConsentScope::Allergy => w("薬剤アレルギー等", "allergy"),
        ConsentScope::Contraindication => w("その他アレルギー等・禁忌", "contraindication"),
        ConsentScope::Test => w("検査", "test"),
        ConsentScope::Prescription => w("処方", "prescription"),
    }
}

/// Which kind of ticket.
pub fn ticket_kind(kind: TicketKind) -> Words {
    match kind {
        TicketKind::Medical => w("医療券", "medical"),
        TicketKind::Dispensing => w("調剤券", "dispensing"),
    }
}

/// Which kind of card.
pub fn card(card: CardKind) -> Words {
    match card {
        CardKind::MyNumber => w("マイナンバーカード", "my-number"),
        CardKind::Juki => w("住民基本台帳カード", "juki"),
        CardKind::Android => w("スマホ（Android）", "android"),
        CardKind::Iphone => w("スマホ（iPhone）", "iphone"),
        CardKind::OtherJpki => w("未知の公的個人認証カード", "other-jpki"),
        CardKind::Hospital => w("診察券", "hospital"),
        CardKind::Staff => w("職員証", "staff"),
        CardKind::Unknown => w("種類不明のカード", "unknown"),
    }
}

/// Why a card's presence ended.
pub fn card_end(end: CardEnd) -> Words {
    match end {
        CardEnd::Taken => w("取り出し", "taken"),
        CardEnd::ReaderLost => w("リーダーかサービスが切断", "reader-lost"),
        CardEnd::Unwatched => w("監視の中断", "unwatched"),
    }
}

/// An event type, as people say it.
pub fn event(kind: &str) -> &'static str {
    match kind {
        "patient-first-seen" => "新しい記録",
        "qualification-granted" => "資格を確認",
        "qualification-amended" => "資格の変更",
        "qualification-lost" => "資格の喪失",
        "qualification-resumed" => "資格の再開",
        "qualification-superseded" => "新しい資格へ",
        "commissioned-ticket-arrived" => "医療券・調剤券が到着",
        "commissioned-ticket-revised" => "医療券・調剤券の変更",
        "commissioned-ticket-withdrawn" => "医療券・調剤券の取消",
        "not-commissioned-observed" => "未委託",
        "verified" => "資格確認",
        "visit-accepted" => "受付",
        "appointment-booked" => "予約",
        "reference-number-registered" => "照会番号を登録",
        "reference-number-lapsed" => "照会番号の失効",
        "consent-recorded" => "同意",
        "consent-ended" => "同意の終了",
        "medical-information-received" => "診療情報等の受領",
        "ticket-sourced-offline" => "紙・電話の医療券",
        "ticket-requested" => "医療券を依頼",
        "patient-numbered" => "患者番号が判明",
        "person-linked" => "同一人物として紐付け",
        "person-unlinked" => "紐付けを解除",
        "persons-merged" => "人物を統合",
        "merge-undone" => "統合を取消",
        "identity-case-opened" => "患者同定の確認案件",
        "identity-case-closed" => "案件の解決",
        "record-erased" => "記録の消去",
        "month-settled" => "月次確定",
        "non-disclosure-flagged" => "非開示の設定",
        "non-disclosure-cleared" => "非開示の解除",
        "inquiry-requested" => "照会の依頼",
        "inquiry-submitted" => "照会を送信",
        "inquiry-accepted" => "照会を受付",
        "inquiry-polled" => "照会の確認",
        "inquiry-answered" => "照会の回答",
        "inquiry-rejected" => "照会が不可",
        "inquiry-timed-out" => "照会の時間切れ",
        "inquiry-uncertain" => "照会の結果不明",
        "inquiry-resolved" => "照会の決着",
        _ => "イベント",
    }
}

/// An inquiry's state.
pub fn inquiry_state(state: &str) -> &'static str {
    match state {
        "requested" => "依頼",
        "submitted" => "送信済み",
        "accepted" => "受付済み",
        "answered" => "回答あり",
        "rejected" => "不可",
        "timed-out" => "時間切れ",
        "uncertain" => "結果不明（要確認）",
        "resolved" => "決着",
        _ => "不明",
    }
}

#[cfg(test)]
mod tests {
    use shikaku_schemas::event::Event;

    #[test]
    fn every_event_type_has_a_word_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for kind in Event::TYPES {
            let word = super::event(kind);
            assert_ne!(word, "イベント", "{kind}");
            assert!(seen.insert(word), "{word} stands for two types");
        }
    }
}
