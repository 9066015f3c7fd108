//! `terminals`: how each terminal does.

use clap::Args;

use super::AtLeast;

/// `terminals`.
#[derive(Debug, Args)]
pub struct Terminals {
    /// 医療機関コード（既定 すべて） / facility, default all
    #[arg(long, value_name = "CODE")]
    pub facility: Option<String>,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}
