//! The few pages: Japanese first, English beside, no scripts, one style allowed by its digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::options::Counts;

const STYLE: &str = "\
body{font-family:system-ui,'Noto Sans JP','IPAGothic',sans-serif;margin:0;color:#1d2733;background:#f3f5f7;line-height:1.7}\
main{max-width:28rem;margin:12vh auto;padding:2rem 2.25rem;background:#fff;border:1px solid #d5dbe1;border-radius:.5rem}\
h1{font-size:1.35rem;margin:0 0 .25rem}small,[lang=en]{color:#52606d}label{display:block;margin-top:1rem}\
input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem .6rem;border:1px solid #7b8794;border-radius:.25rem}\
button{font:inherit;margin-top:1.25rem;padding:.5rem 1.5rem;border:0;border-radius:.25rem;background:#0b5a8a;color:#fff;cursor:pointer}\
:focus-visible{outline:3px solid #f0a202;outline-offset:2px}\
.notice{border-left:.3rem solid #0b5a8a;padding:.4rem .8rem;background:#eef5fa}.refused{border-color:#b00020;background:#fdecee}\
dl{display:grid;grid-template-columns:1fr auto;gap:.4rem 1rem}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}";

/// What the sign-in page says above its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// How one gets in.
    Accounts,
    /// There are no accounts to sign in with.
    NoAccounts,
    /// The link was used or is not one.
    LinkRefused,
}

/// The policy that goes with every page: nothing from anywhere but the one style, forms only to ourselves.
pub(crate) fn content_security_policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The sign-in page.
pub(crate) fn sign_in(notice: Notice) -> String {
    let (class, japanese, english) = match notice {
        Notice::Accounts => (
            "notice",
            "利用者は設定ファイルの <code>[[user]]</code> で登録します。登録前は、起動時に表示される一度だけ有効なリンクから入れます。",
            "Accounts come with <code>[[user]]</code> in the configuration. Until then the one-time link printed at start-up lets you in.",
        ),
        Notice::NoAccounts => (
            "notice refused",
            "サインインできません。利用者がまだ設定されていません（<code>[[user]]</code>）。",
            "Not signed in: no accounts are configured yet (<code>[[user]]</code>).",
        ),
        Notice::LinkRefused => (
            "notice refused",
            "このリンクは使用済みか、無効です。ハブを再起動すると新しいリンクが表示されます。",
            "This link was used already or is not valid. A restart of the hub prints a new one.",
        ),
    };
    page(&format!(
        "<h1>サインイン <small lang=\"en\">Sign in</small></h1>\
         <p class=\"{class}\" role=\"status\">{japanese}<br><span lang=\"en\">{english}</span></p>\
         <form method=\"post\" action=\"/sign-in\">\
         <label>利用者名 <small lang=\"en\">User name</small><input name=\"user\" autocomplete=\"username\" required></label>\
         <label>パスワード <small lang=\"en\">Password</small><input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <label>確認コード <small lang=\"en\">One-time code</small><input name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"8\"></label>\
         <button>サインイン <span>/ Sign in</span></button></form>"
    ))
}

/// What a signed-in browser sees: counts, nobody's data.
pub(crate) fn counts(counts: Counts) -> String {
    let Counts {
        position,
        records,
        parked,
    } = counts;
    page(&format!(
        "<h1>資格ハブ <small lang=\"en\">Shikaku Hub</small></h1><dl>\
         <dt>記録位置 <small lang=\"en\">Position</small></dt><dd>{position}</dd>\
         <dt>患者記録 <small lang=\"en\">Records</small></dt><dd>{records}</dd>\
         <dt>保留 <small lang=\"en\">Set aside</small></dt><dd>{parked}</dd></dl>\
         <form method=\"post\" action=\"/sign-out\"><button>サインアウト <span>/ Sign out</span></button></form>"
    ))
}

fn page(main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>資格ハブ | Shikaku Hub</title><style>{STYLE}</style></head><body><main>{main}</main></body></html>"
    )
}
