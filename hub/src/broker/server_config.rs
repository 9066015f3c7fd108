//! nats-server's configuration, written from `schemas::topology`.
//!
//! One account `HUB` with a user per role; for each outside consumer an account of its own that imports
//! exactly its durable's `MSG.NEXT`, `INFO` and `ACK` and its own state and replay. What a consumer's
//! service request becomes inside `HUB` names the consumer, so that the responder knows who asks.

use std::fmt::Write as _;
use std::path::Path;

use shikaku_schemas::group::Consumer;
use shikaku_schemas::seal::SealKey;
use shikaku_schemas::subject;
use shikaku_schemas::topology::{
    ROLES, RoleSpec, consumer_account, consumer_subjects, feed_stream,
};

use crate::keys::nats_password;

/// Every account imports `$JS.API.>` from the system account by itself, and that import answers a consumer's
/// `INFO` first, with "JetStream not enabled". An import of that name that leads here, where nobody listens,
/// takes its place; the exact imports beside it are what answers.
const NOWHERE: &str = "shikaku.nowhere.>";
const JETSTREAM: &str = "$JS.API.>";

/// What differs between the supervised server and an own one.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// `ADDRESS:PORT`.
    pub listen: &'a str,
    /// JetStream's store.
    pub store_dir: &'a Path,
    /// The server's log; none = standard error.
    pub log_file: Option<&'a Path>,
    /// Whether clients come over TLS: the certificate's lines are left for the operator to fill in.
    pub tls: bool,
}

/// The whole file.
pub fn write(site: Site<'_>, consumers: &[Consumer], group: &SealKey) -> String {
    let mut text = String::new();
    head(&mut text, site, group);
    text.push_str("accounts {\n  HUB {\n    jetstream: enabled\n    users: [\n");
    for role in ROLES {
        user(&mut text, role, group);
    }
    text.push_str("    ]\n    exports: [\n");
    for consumer in consumers {
        exports(&mut text, consumer);
    }
    nowhere(&mut text, consumers);
    text.push_str("    ]\n  }\n");
    for consumer in consumers {
        account(&mut text, consumer, group);
    }
    text.push_str("  SYS {}\n}\nsystem_account: SYS\n");
    text
}

fn head(text: &mut String, site: Site<'_>, group: &SealKey) {
    let key = hex::encode(group.derive("nats-store").as_bytes());
    let mut lines = vec![
        "# Written by `shikaku`; holds passwords. Changes made here are lost.".to_owned(),
        "server_name: shikaku".to_owned(),
        format!("listen: {}", quoted(site.listen)),
    ];
    if let Some(log) = site.log_file {
        lines.push(format!("log_file: {}", quoted(&log.display().to_string())));
        lines.push("logfile_size_limit: 10MB".to_owned());
        lines.push("logfile_max_num: 5".to_owned());
    }
    if site.tls {
        lines.push("tls { cert_file: \"/etc/nats/server.pem\", key_file: \"/etc/nats/server.key\", min_version: \"1.3\" }".to_owned());
    }
    lines.push("jetstream {".to_owned());
    lines.push(format!(
        "  store_dir: {}",
        quoted(&site.store_dir.display().to_string())
    ));
    // Nothing rests on the broker's own fsync: spools and ledger refill what a power cut takes.
    lines.push("  sync_interval: 10s".to_owned());
    lines.push("  cipher: chacha".to_owned());
    lines.push(format!("  key: {}", quoted(&key)));
    lines.push("}".to_owned());
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
}

fn user(text: &mut String, role: &RoleSpec, group: &SealKey) {
    let inbox = format!("_INBOX_{}.>", role.user);
    let subscribe = role.subscribe.iter().copied().chain([inbox.as_str()]);
    let _ = writeln!(
        text,
        "      {{ user: {}, password: {}, permissions: {{\n          publish: {{ allow: [{}] }},\n          subscribe: {{ allow: [{}] }} }} }}",
        quoted(role.user),
        quoted(&nats_password(group, role.user)),
        each(role.publish.iter().copied()),
        each(subscribe),
    );
}

/// Name inside `HUB`, and name in the consumer's account, of each service.
fn services(consumer: &Consumer) -> Vec<(String, String)> {
    consumer_subjects(consumer)
        .into_iter()
        .map(|outside| {
            let service = ["state", "replay"].into_iter().find(|what| {
                outside == subject::service(consumer.audience, &consumer.facility, what)
            });
            match service {
                Some(what) => (subject::service_of(&consumer.name, what), outside),
                None => (outside.clone(), outside),
            }
        })
        .collect()
}

fn exports(text: &mut String, consumer: &Consumer) {
    let account = quoted(&consumer_account(consumer));
    let fetch = format!(
        "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
        feed_stream(consumer.audience),
        consumer.name
    );
    for (inside, _) in services(consumer) {
        let many = if inside == fetch {
            "response_type: stream, "
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "      {{ service: {}, {many}accounts: [{account}] }}",
            quoted(&inside)
        );
    }
}

fn nowhere(text: &mut String, consumers: &[Consumer]) {
    let accounts: Vec<String> = consumers.iter().map(consumer_account).collect();
    if !accounts.is_empty() {
        let _ = writeln!(
            text,
            "      {{ service: {}, accounts: [{}] }}",
            quoted(NOWHERE),
            each(accounts.iter().map(String::as_str))
        );
    }
}

fn account(text: &mut String, consumer: &Consumer, group: &SealKey) {
    let outside = consumer_subjects(consumer);
    let _ = writeln!(
        text,
        "  {} {{\n    users: [\n      {{ user: {}, password: {}, permissions: {{\n          publish: {{ allow: [{}] }},\n          subscribe: {{ allow: [\"_INBOX.>\"] }} }} }}\n    ]\n    imports: [",
        quoted(&consumer_account(consumer)),
        quoted(&consumer.name),
        quoted(&nats_password(group, &consumer.name)),
        each(outside.iter().map(String::as_str)),
    );
    for (inside, outside) in services(consumer) {
        let to = if inside == outside {
            String::new()
        } else {
            format!(", to: {}", quoted(&outside))
        };
        let _ = writeln!(
            text,
            "      {{ service: {{ account: HUB, subject: {} }}{to} }}",
            quoted(&inside)
        );
    }
    let _ = writeln!(
        text,
        "      {{ service: {{ account: HUB, subject: {} }}, to: {} }}\n    ]\n  }}",
        quoted(NOWHERE),
        quoted(JETSTREAM)
    );
}

fn each<'a>(subjects: impl Iterator<Item = &'a str>) -> String {
    subjects.map(quoted).collect::<Vec<_>>().join(", ")
}

/// A string of the configuration language: backslash and quote are all that needs care.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
