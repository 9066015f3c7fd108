//! `nats config`, `nats credentials`.

use anyhow::Context as _;

use crate::answer::{self, Exit, Outcome, Refused};
use crate::broker::place::Place;
use crate::broker::server_config::{self, Site};
use crate::cli::Nats;
use crate::config::Config;
use crate::{broker, keys, words};

/// Prints what an operator hands to the broker or to a consumer. Makes the group key when there is none yet,
/// so that an own broker can be set up before the hub's first start.
pub fn run(config: &Config, what: Nats) -> Outcome {
    let group = keys::open_or_make(config)?;
    if group.fresh {
        eprintln!("{} ({})", words::FRESH_KEY, config.group_key_file.display());
    }
    match what {
        Nats::Config => answer::line(server_configuration(config, &group.key)?.trim_end())?,
        Nats::Credentials { consumer } => {
            let consumer = config
                .consumer(&consumer)
                .ok_or(Refused::from(words::NO_SUCH_CONSUMER))?;
            let url = url(config)?;
            answer::json_line(&broker::credentials(&url, consumer, &group.key))?;
        }
    }
    Ok(Exit::Done)
}

/// The broker's URL: the configured one, else the supervised server's.
pub fn url(config: &Config) -> anyhow::Result<String> {
    match &config.nats.url {
        Some(url) => Ok(url.clone()),
        None => Ok(place(config)?.url()),
    }
}

fn place(config: &Config) -> anyhow::Result<Place> {
    keys::private_dir(&config.data_dir)
        .and_then(|()| Place::open(&config.data_dir))
        .with_context(|| {
            format!(
                "{} を使えません / cannot be used",
                config.data_dir.display()
            )
        })
}

fn server_configuration(
    config: &Config,
    group: &shikaku_schemas::seal::SealKey,
) -> anyhow::Result<String> {
    let consumers = &config.group.consumers;
    if let Some(url) = &config.nats.url {
        let port = broker::bare(url)
            .rsplit(':')
            .next()
            .and_then(|port| port.trim_end_matches('/').parse().ok())
            .unwrap_or(4222u16);
        let site = Site {
            listen: &format!("0.0.0.0:{port}"),
            store_dir: "/var/lib/nats".as_ref(),
            log_file: None,
            tls: url.starts_with("tls://"),
        };
        return Ok(server_config::write(site, consumers, group));
    }
    Ok(supervised(&place(config)?, config, group))
}

/// The supervised server's configuration.
pub fn supervised(
    place: &Place,
    config: &Config,
    group: &shikaku_schemas::seal::SealKey,
) -> String {
    let site = Site {
        listen: &format!("127.0.0.1:{}", place.port),
        store_dir: &place.store_dir(),
        log_file: Some(&place.log_file()),
        tls: false,
    };
    server_config::write(site, &config.group.consumers, group)
}
