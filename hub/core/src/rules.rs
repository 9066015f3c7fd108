//! Why something is not asked of the centre, for people: with the section of the guide where it is the guide's rule.

/// What a rule says.
pub(crate) fn message(rule: &str) -> &'static str {
    match rule {
        "no-terminal" => {
            "この施設には資格確認端末の設定がありません / the facility has no terminal"
        }
        "record-unknown" => "該当する患者の記録がありません / no such record",
        "not-commissioned" => {
            "未委託の月です。公費負担者番号・受給者番号は使えません（図 2.2.1-10） / 未委託: its numbers must not be used"
        }
        "numbers-unknown" => {
            "現在有効な資格の番号がわかりません / no numbers are known that are valid now"
        }
        "nothing-to-register" => {
            "照会番号を登録できる資格がありません（未委託の間は医療券を待ちます。解説書 4.1.1(4)） / nothing can be registered now; 未委託 waits for its ticket"
        }
        "registration-differs" => {
            "登録結果が依頼と一致しません / the outcome is not of what was asked"
        }
        "qualification-unknown" => {
            "この番号の資格がありません / no qualification of the record has these numbers"
        }
        "source-unknown" => {
            "紙か電話のどちらで知ったかが必要です / it must say whether paper or telephone told it"
        }
        "consent-missing" => {
            "カードリーダーでの同意がありません。同意取得の確認が必要です（解説書 4.1.2(1)） / no consent at the card reader (guide 4.1.2(1))"
        }
        "consent-entered-only" => {
            "職員が入力した同意では照会できません。カードリーダーでの同意が必要です（解説書 4.1.2(1)） / a consent entered by staff permits no request (guide 4.1.2(1))"
        }
        "consent-without-end" => {
            "閲覧可能期限のない同意では照会できません（解説書 4.1.2(1)） / a consent without its end permits no request (guide 4.1.2(1))"
        }
        "consent-over" => {
            "同意の閲覧可能期限を過ぎました。もう一度カードリーダーで同意が必要です（解説書 4.1.2(1)） / the consent is over; it must be given again (guide 4.1.2(1))"
        }
        "before-first-month" => {
            "医療扶助の情報が始まる前の月です（解説書 表 3-2：薬剤 令和6年2月、健診 令和6年4月） / before the guide's first month (table 3-2)"
        }
        "months-reversed" => "最後の月が最初の月より前です / the last month lies before the first",
        "scope-not-asked" => "単独では照会できない種類です / this kind has no request of its own",
        "inquiry-of-another-facility" => {
            "ほかの施設の照会です / the inquiry is of another facility"
        }
        "inquiry-not-bulk" => "一括照会ではありません / the inquiry is not a 一括照会",
        "inquiry-not-over" => {
            "照会がまだ終わっていません。結果不明のときは先に inquire resolve で決着をつけます / the inquiry is not over; settle an uncertain one first"
        }
        "inquiry-asked-anew" => {
            "受付番号の失効によりハブがすでに照会し直しています / the hub asked it anew by itself already"
        }
        "limit-certificate-not-for-assistance" => {
            "医療扶助では限度額適用認定証を利用しないため、照会の対象外です（解説書 2.2.1・4.1.1(5)）。医療保険の分は従来どおりです / no 限度額 for 医療扶助 (guide 4.1.1(5)); insurance keeps its own"
        }
        "claim-transfer-not-for-assistance" => {
            "福祉事務所はレセプト振替・分割の対象外です（解説書 2.2.3・4.1.3）。医療保険の分は従来どおりです / no claim is transferred to or split for a welfare office (guide 2.2.3); insurance keeps its own"
        }
        _ => "規則により判定できません / a rule forbids it",
    }
}
