//! The broker: the program to supervise, or the server named in the configuration.

use super::Check;
use crate::broker::{bare, is_reachable, locate};
use crate::config::Config;
use crate::words;

/// Whether there is, or can be, a broker.
pub async fn check(config: &Config, running: bool) -> Check {
    match &config.nats.url {
        Some(url) => reachable(&bare(url)).await,
        None => program(config, running).await,
    }
}

async fn reachable(url: &str) -> Check {
    if is_reachable(url).await {
        return Check::good("broker", format!("{url}: 接続できます / reachable"));
    }
    Check::bad(
        "broker",
        format!("{url}: 接続できません / not reachable"),
        "サーバーの起動と [nats] url を確かめてください。設定は shikaku nats config / \
         look at the server and at [nats] url; `shikaku nats config` writes its configuration",
    )
}

async fn program(config: &Config, running: bool) -> Check {
    let Some(program) = locate::find(config.nats.server.as_deref()) else {
        return Check::bad("broker", words::NO_NATS_SERVER.to_string(), "make setup");
    };
    let shown = program.display();
    let Some(version) = locate::version(&program) else {
        return Check::bad(
            "broker",
            format!("{shown}: 版が分かりません / tells no version"),
            "[nats] server を確かめてください / look at [nats] server",
        );
    };
    let said = format!("{shown} {}.{}.{}", version.0, version.1, version.2);
    if version < locate::LEAST_VERSION {
        return Check::bad(
            "broker",
            format!("{said}: {}", words::OLD_NATS_SERVER),
            "make setup",
        );
    }
    if !running {
        return Check::good(
            "broker",
            format!("{said}: ハブとともに起動 / starts with the hub"),
        );
    }
    let port = std::fs::read_to_string(config.data_dir.join("broker/port"))
        .ok()
        .and_then(|text| text.trim().parse::<u16>().ok());
    match port {
        Some(port) => reachable(&format!("nats://127.0.0.1:{port}")).await,
        None => Check::good("broker", said),
    }
}
