//! `medical`: what came of drugs, treatments and check-ups.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shikaku_schemas::value::ConsentScope;

use super::{AtLeast, Who};

/// `medical`.
#[derive(Debug, Args)]
pub struct Medical {
    /// Whose.
    #[command(flatten)]
    pub who: Who,
    /// 目的（閲覧記録に残ります） / why it is looked at; it is logged
    #[arg(long)]
    pub purpose: String,
    /// どの情報（既定 すべて） / of one kind, default all
    #[arg(long)]
    pub scope: Option<MedicalScope>,
    /// 受け取ったままのファイル（XML・PDF）を置くフォルダ / where to put the files as received
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// When.
    #[command(flatten)]
    pub at_least: AtLeast,
}

/// `--scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MedicalScope {
    /// 薬剤情報
    Drug,
    /// 診療情報
    Treatment,
    /// 健診情報
    Checkup,
}

impl From<MedicalScope> for ConsentScope {
    fn from(scope: MedicalScope) -> Self {
        match scope {
            MedicalScope::Drug => Self::Drug,
            MedicalScope::Treatment => Self::Treatment,
            MedicalScope::Checkup => Self::Checkup,
        }
    }
}
