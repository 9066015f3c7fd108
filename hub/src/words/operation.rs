//! The catalogue's words of the operation test.

use super::{Words, w};

catalogue! {
    OPERATION_TEST => "医療機関・薬局向け運用テスト報告書（解説書 5.4）", "operation test";
    PRODUCTION_TERMINAL => "運用テストは検証環境の端末でだけ行えます（environment = \"verification\"）", "refused on a terminal not marked as verification";
    NO_TEST_PERSON => "テストデータにありません", "not in the test data";
    NO_FACE_TODAY => "本日のマイナンバーカードの資格情報がありません", "no face file of today";
    NOBODY_HERE => "人が行う手順です（対話できない実行のため未実施）", "a person's step, and nobody is here";
    WAS_IT_DONE => "実施しましたか", "was it done";
    SAID_DONE => "実施を確認", "attested";
    SAID_NOT_DONE => "未実施と回答", "said not to be done";
    TO_BE_ATTESTED => "担当者が実施を確認", "attested by a person";
    TO_BE_REGISTERED => "登録の正常終了", "taken by the centre";
    TO_BE_SHOWN => "内容を閲覧できる", "it can be read";
    NEW_PATIENT => "新しい患者として記録", "recorded as a new patient";
    KNOWN_PATIENT => "既に記録のある患者です（新患の手順には別の人が要ります）", "known before: a new patient is somebody else";
    MISSING => "ありません", "missing";
    NO_ERRORS => "エラーなし", "no errors";
    TO_BE_HELD => "受信し、カルテの記録として保管", "received and held";
    WHOLE_RESULT => "結果の全件を取り込み、件数が一致", "the whole result, counts agree";
    PASSED => "合格", "passed";
    FAILED => "不合格", "failed";
    ATTESTED => "確認済み", "attested";
    NOT_DONE => "未実施", "not done";
    STEP => "手順", "step";
    EXPECTED => "期待する結果", "expected";
    SEEN => "結果", "seen";
    EVIDENCE => "証拠", "evidence";
    RUN_BY => "実施者", "run by";
    VERSION => "版", "version";
    SIGNED_FACILITY => "医療機関・薬局 確認者", "facility";
    SIGNED_VENDOR => "システムベンダ 確認者", "vendor";
}
