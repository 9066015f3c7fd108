//! The command line. Every command of the contract that this version can do stands here, and no other.

mod inquire;
mod medical;
mod terminals;
mod tickets;
mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use shikaku_core::query::KnownAt;
use shikaku_schemas::value::{Method, Position};
use uuid::Uuid;

pub use inquire::{
    Inquire, InquireBulk, InquireCommissioned, InquireMedical, InquireOutside, InquirePeriod,
    InquireReference, InquireTicket,
};
pub use medical::Medical;
pub use terminals::Terminals;
pub use tickets::{AddTicket, RequestTicket, TellTicket, TicketSource, Tickets};
use value::{day, known_at, position};

/// 資格確認を一度だけ集め、必要な部門に必要な分だけ届けるハブ / one hub for every 資格確認 result
#[derive(Debug, Parser)]
#[command(
    name = "shikaku",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// 設定ファイル（既定 ./shikaku.toml、なければ内蔵の設定） / configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// 答えを JSON で / answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// 全役割を一つのプロセスで動かす / run all roles in one process
    Up(Up),
    /// 役割を一つだけ動かす / run one role
    Run {
        /// 役割 / the role
        role: Role,
    },
    /// オンライン資格確認等システムへの照会 / inquiries to the centre
    #[command(subcommand)]
    Inquire(Inquire),
    /// 資格の履歴：いつ有効か、いつ知ったか / what was valid, what was known, and when
    History(History),
    /// 受付画面の表示内容 / what the desk shows for a day
    Display(Display),
    /// 受け取った薬剤・診療・健診情報（目的を記録します） / medical information that came; the purpose is logged
    Medical(Medical),
    /// 医療券の月次一覧：いつから待ち、何が届いたか / the ticket calendar
    Tickets(Tickets),
    /// 資格確認端末の状態：face ファイル・回答・待ち・残ったファイル / how each terminal does
    Terminals(Terminals),
    /// 台帳のイベントを一行ずつ / one event a line
    Log(Log),
    /// 患者同定（名寄せ）の確認案件 / cases of identity that need a person
    #[command(subcommand)]
    Identity(Identity),
    /// 保留されたファイル・観測・配信 / everything set aside, with its reason
    #[command(subcommand)]
    Parked(Parked),
    /// 鍵 / keys
    #[command(subcommand)]
    Keys(Keys),
    /// broker の設定と配信先の接続情報 / broker configuration and credentials
    #[command(subcommand)]
    Nats(Nats),
    /// 設定・フォルダ・broker・データベースの点検 / check everything, say how to mend
    Doctor {
        /// 全項目を既定値とともに表示 / print every key with its default
        #[arg(long)]
        defaults: bool,
    },
    /// イベント・観測などの JSON Schema / schemas of the wire
    Schema {
        /// どれを / which
        what: Schema,
    },
    /// 台帳の証明 / the ledger's proof
    #[command(subcommand)]
    Audit(Audit),
    /// 運用テスト（解説書 5.4）。検証環境の端末だけで / the guide's 5.4, on verification terminals alone
    OperationTest(OperationTest),
    /// 模擬装置 / simulators
    #[command(subcommand)]
    Sim(Sim),
}

/// `operation-test`.
#[derive(Debug, Args)]
pub struct OperationTest {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// テストデータ（既定 模擬端末の人々） / test data, default the simulator's people
    #[arg(long, value_name = "FILE.toml")]
    pub people: Option<PathBuf>,
    /// 人の操作を確認した者（既定 この利用者） / who attests what people do
    #[arg(long, value_name = "NAME")]
    pub attest_by: Option<String>,
    /// 報告書（HTML と JSON）を置くフォルダ / where the report goes
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
}

/// `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// 設定した端末フォルダで模擬端末に一日を演じさせる / play a simulated day into the terminals' folders
    #[arg(long)]
    pub demo: bool,
    /// イベントの行に氏名を出す / show names in the live lines
    #[arg(long)]
    pub show_names: bool,
}

/// Roles that can run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// 判断と台帳 / decides and records
    Hub,
    /// 資格確認端末のフォルダ / terminals' folders
    Terminal,
    /// 窓口のカードリーダー / card readers at the desks
    CardReader,
    /// 読み取り用の表と配信 / read models and feeds
    Projections,
    /// HTTP
    Api,
}

/// `--at-least`.
#[derive(Debug, Clone, Copy, Args)]
pub struct AtLeast {
    /// この位置まで記録されるのを待つ / wait until this position is recorded
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub at_least: Option<Position>,
}

/// Whom a question is about.
#[derive(Debug, Args)]
pub struct Who {
    /// 医療機関コード / facility
    #[arg(long, value_name = "CODE")]
    pub facility: String,
    /// 患者番号 / chart number
    #[arg(
        long,
        value_name = "NUMBER",
        required_unless_present = "id",
        conflicts_with = "id"
    )]
    pub patient: Option<String>,
    /// 記録の ID / the record's id
    #[arg(long, value_name = "UUID")]
    pub id: Option<Uuid>,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// Whom.
    #[command(flatten)]
    pub who: Who,
    /// この日に有効なものだけ / only what covers this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub valid_on: Option<Date>,
    /// この時点までに知っていたこと / as known at this instant or position
    #[arg(long, value_name = "TIME|POSITION", value_parser = known_at)]
    pub known_at: Option<KnownAt>,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}

/// `display`.
#[derive(Debug, Args)]
pub struct Display {
    /// Whom.
    #[command(flatten)]
    pub who: Who,
    /// 確認方法 / by which method
    #[arg(long)]
    pub method: DisplayMethod,
    /// この日について（既定 今日） / of this day, default today
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub valid_on: Option<Date>,
    /// この時点までに知っていたこと / as known at this instant or position
    #[arg(long, value_name = "TIME|POSITION", value_parser = known_at)]
    pub known_at: Option<KnownAt>,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}

/// The columns of the display table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DisplayMethod {
    /// マイナンバーカード
    Card,
    /// 医療券・保険証による照会
    Ticket,
    /// 一括照会
    Bulk,
    /// 委託先資格情報の一括取得
    Commissioned,
}

impl From<DisplayMethod> for Method {
    fn from(method: DisplayMethod) -> Self {
        match method {
            DisplayMethod::Card => Self::Card,
            DisplayMethod::Ticket => Self::Ticket,
            DisplayMethod::Bulk => Self::Bulk,
            DisplayMethod::Commissioned => Self::Commissioned,
        }
    }
}

/// `log`.
#[derive(Debug, Args)]
pub struct Log {
    /// この位置より後 / only after this position
    #[arg(long, value_name = "POSITION", value_parser = position, default_value = "0")]
    pub after: Position,
    /// 新しいイベントを待ち続ける / go on with what comes
    #[arg(long)]
    pub follow: bool,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}

/// `identity`.
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// 案件の一覧 / all open cases
    List {
        /// 解決済みも / closed ones too
        #[arg(long)]
        all: bool,
        /// When.
        #[command(flatten)]
        at_least: AtLeast,
    },
    /// 案件を決める、または記録を同一人物として紐付ける / decide a case, or join records to one person
    Link {
        /// 決める案件 / the case to decide
        #[arg(long, value_name = "UUID", conflicts_with = "records")]
        case: Option<Uuid>,
        /// この記録とする（なければ新しい人・紐付けない） / this record; absent: somebody new
        #[arg(long, value_name = "UUID", requires = "case")]
        record: Option<Uuid>,
        /// 消えた医療券は確かに取り消された（なければ回答の誤り） / the vanished tickets are gone indeed; absent: the answer was a mistake
        #[arg(long, requires = "case", conflicts_with = "record")]
        gone: bool,
        /// 紐付ける記録（2件以上） / records to join, two or more
        #[arg(value_name = "RECORD", num_args = 2.., required_unless_present = "case")]
        records: Vec<Uuid>,
        /// 理由 / why
        #[arg(long, default_value = "職員の判断 / decided by staff")]
        reason: String,
    },
    /// 紐付けを解除する / take a record from its person
    Unlink {
        /// 記録 / the record
        record: Uuid,
        /// 理由 / why
        #[arg(long, default_value = "職員の判断 / decided by staff")]
        reason: String,
    },
    /// まだできません / not yet
    #[command(hide = true)]
    Merge,
    /// まだできません / not yet
    #[command(hide = true)]
    Undo,
}

/// `parked`.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// 一覧 / all of it
    List(AtLeast),
    /// 一つを詳しく / one of it
    Show {
        /// 一覧にある ID / its id, as listed
        id: String,
    },
    /// もう一度処理する / decide it again
    Retry {
        /// 一覧にある ID / its id, as listed
        id: String,
    },
    /// あきらめる（証拠は残る） / give it up; its bytes stay as evidence
    Discard {
        /// 一覧にある ID / its id, as listed
        id: String,
        /// 理由 / why
        #[arg(long, default_value = "職員の判断 / decided by staff")]
        reason: String,
    },
}

/// `nats`.
#[derive(Debug, Subcommand)]
pub enum Nats {
    /// nats-server の設定を出力（パスワードを含む） / print the server's configuration, passwords included
    Config,
    /// 配信先の接続情報 / how an outside consumer connects
    Credentials {
        /// 配信先の名前 / the consumer's name
        #[arg(long, value_name = "NAME")]
        consumer: String,
    },
}

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// グループ鍵がなければ作る / make the group key if there is none
    Init,
}

/// `schema`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// 台帳のイベント / events
    Events,
    /// 観測 / observations
    Observations,
    /// HTTP
    Openapi,
    /// NATS
    Asyncapi,
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// 台帳全体を検証する / verify the whole ledger
    Verify,
}

/// `sim`.
#[derive(Debug, Subcommand)]
pub enum Sim {
    /// 模擬の資格確認端末 / a simulated terminal
    Terminal(SimTerminal),
    /// 模擬の町の住民 / who lives in the simulated town
    People(SimPeople),
}

/// `sim terminal`.
#[derive(Debug, Args)]
pub struct SimTerminal {
    /// req/ res/ face/ を置くフォルダ / where req/, res/ and face/ are
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// 一日の筋書き（既定 内蔵の一日） / the day's scenario, default the built-in one
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// 端末の癖 / a quirk of the terminal
    #[arg(long = "knob", value_name = "K=V")]
    pub knobs: Vec<String>,
    /// 受付番号と要求の記録を置く、端末間で共有のフォルダ / jobs and a record of requests, shared by terminals
    #[arg(long, value_name = "DIR")]
    pub centre: Option<PathBuf>,
}

/// `sim people`.
#[derive(Debug, Args)]
pub struct SimPeople {
    /// 診療年月 / whose tickets of this month
    #[arg(long, value_name = "YYYY-MM")]
    pub month: shikaku_schemas::value::Month,
    /// 筋書き / the scenario
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// 端末の癖 / a quirk of the terminal
    #[arg(long = "knob", value_name = "K=V")]
    pub knobs: Vec<String>,
}

#[cfg(test)]
mod tests;
