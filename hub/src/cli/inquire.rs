//! `inquire`: every inquiry of the terminal.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use shikaku_schemas::value::Month;
use uuid::Uuid;

use super::AtLeast;
use super::value::{day, month};

/// `inquire`.
#[derive(Debug, Subcommand)]
pub enum Inquire {
    /// 医療券・調剤券による照会 / one inquiry by ticket
    Ticket(InquireTicket),
    /// 一括照会 / many people at once
    Bulk(InquireBulk),
    /// 委託先資格情報の一括取得 / every ticket of a month that names the facility
    Commissioned(InquireCommissioned),
    /// 薬剤情報 / drugs
    DrugInfo(InquireMedical),
    /// 診療情報 / treatments
    TreatmentInfo(InquireMedical),
    /// 健診情報 / check-ups
    CheckupInfo(InquireMedical),
    /// 照会番号の登録 / register chart numbers at the centre
    Reference(InquireReference),
    /// 限度額適用認定証等（医療扶助は対象外） / limit certificates; refused for 医療扶助 (4.1.1(5))
    LimitCertificate(InquireOutside),
    /// レセプト振替・分割（医療扶助は対象外） / claim transfer; refused for 医療扶助 (2.2.3)
    ClaimTransfer(InquireOutside),
    /// 訪問診療等の一括取得 / everybody who consented for home visits
    HomeVisit(InquirePeriod),
    /// オンライン診療等の一括取得 / everybody who consented for online care
    Online(InquirePeriod),
    /// 照会の一覧 / all inquiries
    List(AtLeast),
    /// 照会を一つ / one inquiry
    Show {
        /// 照会の ID / its id
        id: Uuid,
        /// When.
        #[command(flatten)]
        at_least: AtLeast,
    },
    /// 結果不明の照会に決着をつける / settle an uncertain inquiry by hand
    Resolve {
        /// 照会の ID / its id
        id: Uuid,
        /// 確認した内容 / what was found out
        #[arg(long, default_value = "窓口で確認済み / settled at the desk")]
        note: String,
    },
}

/// `inquire ticket`.
#[derive(Debug, Args)]
pub struct InquireTicket {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 公費負担者番号 / payer number
    #[arg(
        long,
        value_name = "NUMBER",
        required_unless_present = "patient",
        requires = "recipient"
    )]
    pub payer: Option<String>,
    /// 受給者番号 / recipient number
    #[arg(long, value_name = "NUMBER", requires = "birth_date")]
    pub recipient: Option<String>,
    /// 生年月日 / birth date
    #[arg(long, value_name = "DATE", value_parser = day, requires = "payer")]
    pub birth_date: Option<Date>,
    /// 患者番号（番号を入力する代わりに） / chart number, instead of the numbers
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["payer", "recipient", "birth_date"])]
    pub patient: Option<String>,
    /// 資格確認日（既定 今日） / day to confirm, default today
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub on: Option<Date>,
    /// 目的 / why it is asked
    #[arg(long, default_value = "受付 / desk")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire bulk`.
#[derive(Debug, Args)]
pub struct InquireBulk {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 対象者の CSV（UTF-8、見出しつき） / whom to ask about, CSV with a header
    #[arg(
        long,
        value_name = "FILE.csv",
        required_unless_present_any = ["from_appointments", "retry"]
    )]
    pub list: Option<PathBuf>,
    /// 予約の CSV（患者番号と日付）。なければ届いた予約のうち翌日の分 / appointments, CSV with a header; without one those that were told, of tomorrow
    #[arg(long, value_name = "FILE.csv", conflicts_with = "list", num_args = 0..=1)]
    pub from_appointments: Option<Option<PathBuf>>,
    /// 終わった一括照会の ID：エラーの人だけもう一度照会 / a job that is over: ask again about its errors alone
    #[arg(long, value_name = "ID", conflicts_with_all = ["list", "from_appointments", "on"])]
    pub retry: Option<Uuid>,
    /// 資格確認日（既定 今日、予約は予約日）。届いた予約はこの日の分 / day to confirm, default today, or the appointment's; of appointments that were told, their day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub on: Option<Date>,
    /// 目的 / why it is asked
    #[arg(long, default_value = "受付準備 / preparing the desk")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire commissioned`.
#[derive(Debug, Args)]
pub struct InquireCommissioned {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 診療年月（2023-10 以降） / treatment month, from 2023-10
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: Month,
    /// 目的 / why it is asked
    #[arg(long, default_value = "医療券の確認 / tickets of the month")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire home-visit`, `inquire online`.
#[derive(Debug, Args)]
pub struct InquirePeriod {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 最初の日 / the first day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Date,
    /// 最後の日 / the last day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub to: Date,
    /// 目的 / why it is asked
    #[arg(long, default_value = "受付準備 / preparing the desk")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire drug-info`, `treatment-info`, `checkup-info`.
#[derive(Debug, Args)]
pub struct InquireMedical {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(long, value_name = "NUMBER")]
    pub patient: String,
    /// 最初の月 / the first month
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub from: Option<Month>,
    /// 最後の月 / the last month
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub to: Option<Month>,
    /// 目的（記録されます） / why it is asked; it is logged
    #[arg(long, default_value = "診療 / care")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire reference`.
#[derive(Debug, Args)]
pub struct InquireReference {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(long, value_name = "NUMBER", required_unless_present = "all_missing")]
    pub patient: Option<String>,
    /// 未登録の患者すべて / everybody who has none registered
    #[arg(long, conflicts_with = "patient")]
    pub all_missing: bool,
    /// 目的 / why it is asked
    #[arg(long, default_value = "照会番号の登録 / registration")]
    pub purpose: String,
    /// 回答まで待つ / wait for the answer
    #[arg(long)]
    pub wait: bool,
}

/// `inquire limit-certificate`, `inquire claim-transfer`.
#[derive(Debug, Args)]
pub struct InquireOutside {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(long, value_name = "NUMBER")]
    pub patient: String,
}
