//! `tickets`: the ticket calendar, and what people tell it.

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use shikaku_schemas::value::Month;
use uuid::Uuid;

use super::AtLeast;
use super::value::{day, month};

/// `tickets`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Tickets {
    /// What else.
    #[command(subcommand)]
    pub tell: Option<TellTicket>,
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE", required = true)]
    pub facility: Option<String>,
    /// 診療年月 / treatment month
    #[arg(long, value_name = "MONTH", value_parser = month, required = true)]
    pub month: Option<Month>,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}

/// `tickets add|request`.
#[derive(Debug, Subcommand)]
pub enum TellTicket {
    /// 紙・電話で知った医療券 / a ticket learnt by paper or telephone
    Add(AddTicket),
    /// 福祉事務所に依頼したことを記録 / note that the office was asked
    Request(RequestTicket),
}

/// `tickets add`.
#[derive(Debug, Args)]
pub struct AddTicket {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(long, value_name = "NUMBER")]
    pub patient: String,
    /// 診療年月 / treatment month
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: Month,
    /// 何で知ったか / how it was learnt
    #[arg(long)]
    pub source: TicketSource,
    /// 理由 / why
    #[arg(long)]
    pub reason: String,
    /// 調剤券（既定は医療券） / 調剤券 instead of 医療券
    #[arg(long)]
    pub dispensing: bool,
    /// 公費負担者番号 / payer number
    #[arg(long, value_name = "NUMBER")]
    pub payer: Option<String>,
    /// 受給者番号 / recipient number
    #[arg(long, value_name = "NUMBER")]
    pub recipient: Option<String>,
    /// 交付番号 / issue number
    #[arg(long, value_name = "NUMBER")]
    pub issue_number: Option<String>,
    /// 有効期間開始（既定 月初） / first covered day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub valid_from: Option<Date>,
    /// 有効期間終了（既定 月末） / last covered day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub valid_to: Option<Date>,
    /// 本人支払額（円） / self-pay, yen
    #[arg(long, value_name = "YEN")]
    pub self_pay: Option<u64>,
}

/// `--source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TicketSource {
    /// 紙の医療券
    Paper,
    /// 電話
    Telephone,
}

/// `tickets request`.
#[derive(Debug, Args)]
pub struct RequestTicket {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(long, value_name = "NUMBER", required_unless_present = "id")]
    pub patient: Option<String>,
    /// 記録の ID / the record's id
    #[arg(long, value_name = "UUID", conflicts_with = "patient")]
    pub id: Option<Uuid>,
    /// 診療年月 / treatment month
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: Month,
}
