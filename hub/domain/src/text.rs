//! Comparing texts that different programs wrote differently. Only for comparing: what is recorded stays
//! as it was received.

use unicode_normalization::UnicodeNormalization as _;

/// Numbers and symbols: full and half width are the same, spaces and hyphens' shapes do not count.
pub(crate) fn number(text: &str) -> String {
    text.nfkc()
        .filter(|character| !character.is_whitespace())
        .map(|character| if is_dash(character) { '-' } else { character })
        .collect()
}

/// A name in kanji: width, spaces and common variants of a character do not count.
pub(crate) fn name(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|character| !character.is_whitespace())
        .map(fold_variant)
        .collect()
}

/// A name in kana: width, spaces, small letters, hiragana and shapes of the long vowel do not count.
pub(crate) fn kana(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|character| !character.is_whitespace() && *character != '・')
        .map(fold_kana)
        .collect()
}

/// Whether two names, already folded, can be the same: `●` stands for one character that the centre
/// could not write.
pub(crate) fn names_agree(left: &str, right: &str) -> bool {
    left.chars().count() == right.chars().count()
        && left
            .chars()
            .zip(right.chars())
            .all(|(left, right)| left == right || left == '●' || right == '●')
}

fn is_dash(character: char) -> bool {
    matches!(character, '-' | '‐' | '‑' | '–' | '—' | '−' | 'ー')
}

fn fold_kana(character: char) -> char {
    let katakana = match character {
        'ぁ'..='ゖ' => char::from_u32(u32::from(character) + 0x60).unwrap_or(character),
        other => other,
    };
    match katakana {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        dash if is_dash(dash) => 'ー',
        other => other,
    }
}

/// Each row: the shape compared with, and shapes that charts and the centre write for it.
const VARIANTS: &[(char, &str)] = &[
    ('高', "髙"),
    ('崎', "﨑嵜碕"),
    ('辺', "邊邉"),
    ('沢', "澤"),
    ('浜', "濱濵"),
    ('斎', "齋"),
    ('斉', "齊"),
    ('国', "國"),
    ('弥', "彌"),
    ('恵', "惠"),
    ('徳', "德"),
    ('広', "廣"),
    ('桜', "櫻"),
    ('真', "眞"),
    ('吉', "𠮷"),
    ('島', "嶋嶌"),
    ('峰', "峯"),
    ('富', "冨"),
    ('関', "關"),
    ('亀', "龜"),
    ('竜', "龍"),
    ('滝', "瀧"),
    ('栄', "榮"),
    ('万', "萬"),
    ('塩', "鹽"),
    ('蔵', "藏"),
    ('来', "來"),
    ('実', "實"),
    ('寿', "壽"),
    ('黒', "黑"),
    ('横', "橫"),
    ('黄', "黃"),
    ('角', "⻆"),
    ('柳', "栁"),
    ('館', "舘"),
    ('薮', "藪"),
    ('桧', "檜"),
    ('尭', "堯"),
    ('遥', "遙"),
    ('条', "條"),
    ('静', "靜"),
    ('与', "與"),
    ('礼', "禮"),
    ('当', "當"),
];

fn fold_variant(character: char) -> char {
    VARIANTS
        .iter()
        .find(|(_, shapes)| shapes.contains(character))
        .map_or(character, |(common, _)| *common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_and_spaces_do_not_count() {
        assert_eq!(number("５１ "), number("51"));
        assert_eq!(kana("ﾊﾄ ﾐﾉﾘ"), kana("ハト　ミノリ"));
        assert_eq!(name("波戸　実里"), name("波戸 実里"));
    }

    #[test]
    fn small_kana_and_variants_do_not_count() {
        assert_eq!(kana("ｷｭｳｼｭｳ"), kana("キユウシユウ"));
        assert_eq!(name("髙濱"), name("高浜"));
        assert_eq!(kana("さとー"), kana("サト-"));
    }

    #[test]
    fn an_unwritable_character_agrees_with_any_one() {
        assert!(names_agree("●本", "辻本"));
        assert!(!names_agree("●本", "辻本子"));
        assert!(!names_agree("山本", "辻本"));
    }
}
