//! The catalogue's words of how terminals do.

use super::{Words, w};

catalogue! {
    LAST_FACE => "最後の face ファイル", "last face file";
    LAST_ANSWER => "最後の回答", "last answer";
    MEDIAN_ANSWER => "回答時間（中央値）", "median answer time";
    REQUESTS_WAITING => "回答待ち", "waiting";
    FILES_STAYING => "res に残るファイル", "files staying in res";
}

/// What `terminals` says of one.
pub fn terminal_health(word: &str) -> &'static str {
    match word {
        "healthy" => "正常",
        "folders-away" => "フォルダ不通",
        "uncertain" => "結果不明の照会あり",
        "files-staying" => "未回収の応答あり（ResponseFileStayTime）",
        _ => "不明",
    }
}
