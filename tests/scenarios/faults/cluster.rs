//! An own cluster of three nodes, of which one is lost.

use std::sync::Arc;

use serde_json::Value;
use shikaku_tests::cluster::Cluster;
use shikaku_tests::hub::Hub;
use shikaku_tests::outside::{asked, user_at};
use shikaku_tests::until;

use super::scene::{Scene, settings};

const STREAMS: [&str; 4] = ["LOG", "OBSERVATIONS", "FEED_RECEIPT", "FEED_DEPARTMENT"];

struct Site {
    scene: Scene,
    cluster: Cluster,
}

fn site() -> Site {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut settings = settings();
    settings.keys = Some(folder.path().join("keys"));
    let planner = Hub::prepare(Arc::clone(&folder), "planner", &["up"], &settings);
    let cluster = Cluster::start(&planner, &folder.path().join("cluster"));
    settings.nats = Some(cluster.url());
    let mut scene = Scene::within(folder, &settings);
    scene.hub.resume();
    Site { scene, cluster }
}

impl Site {
    /// Asks the hub's user at a node that runs.
    fn ask(&self, node: usize, subject: &str, payload: &str) -> Value {
        let hub = user_at(&self.scene.hub, "hub", self.cluster.node(node));
        asked(&hub, subject, payload)
    }

    fn leader(&self, node: usize, stream: &str) -> usize {
        until("a leader is chosen", || {
            let info = self.ask(node, &format!("$JS.API.STREAM.INFO.{stream}"), "");
            let name = info["cluster"]["leader"].as_str()?;
            name.strip_prefix("node-")?.parse().ok()
        })
    }

    /// What an operator does with the `nats` tool: every stream on three nodes.
    fn replicate(&self) {
        for stream in STREAMS {
            let info = self.ask(0, &format!("$JS.API.STREAM.INFO.{stream}"), "");
            let mut config = info["config"].clone();
            config["num_replicas"] = 3.into();
            let subject = format!("$JS.API.STREAM.UPDATE.{stream}");
            let answer = self.ask(0, &subject, &config.to_string());
            assert!(answer["error"].is_null(), "{answer}");
        }
        for stream in STREAMS {
            self.await_replicas(&format!("$JS.API.STREAM.INFO.{stream}"));
        }
        // A durable is copied after its stream, by a group of nodes of its own.
        self.await_replicas("$JS.API.CONSUMER.INFO.OBSERVATIONS.intake");
    }

    /// Waits until two further nodes have what the first has.
    fn await_replicas(&self, subject: &str) {
        until(&format!("{subject} tells of three nodes"), || {
            let info = self.ask(0, subject, "");
            let others = info["cluster"]["replicas"].as_array()?;
            let current = others.iter().filter(|other| other["current"] == true);
            (current.count() == 2).then_some(())
        });
    }
}

/// T14: a broker or a node of it lost: streams are refilled, consumers go on.
/// A stream on one node is away while its node is: files are taken into the spools, nothing else goes on, and all of it
/// is made up for when the node is back.
#[test]
fn with_streams_on_one_node_waits_for_it() {
    let mut site = site();
    site.scene.drop_faces(10);
    site.scene.await_recorded(10);
    let node = site.leader(0, "OBSERVATIONS");
    site.cluster.kill(node);
    site.scene.drop_faces(10);
    until("the spools have taken them", || {
        (site.scene.hub.files("event") >= 20.0).then_some(())
    });
    site.cluster.resume(node);
    site.scene.check();
}

/// T14: a broker or a node of it lost: streams are refilled, consumers go on.
/// The node's disk is lost with it: it comes back without what it had.
#[test]
fn with_streams_on_one_node_fills_them_again_when_its_disk_is_empty() {
    let mut site = site();
    site.scene.drop_faces(10);
    site.scene.await_recorded(10);
    let node = site.leader(0, "LOG");
    site.cluster.kill(node);
    site.cluster.forget(node);
    site.scene.drop_faces(10);
    site.cluster.resume(node);
    site.scene.check();
}

/// T14: a broker or a node of it lost: streams are refilled, consumers go on.
/// With every stream on three nodes, the one that leads may go: files are recorded and told while it is away.
#[test]
fn with_streams_on_three_nodes_loses_its_leader_and_goes_on() {
    let mut site = site();
    site.replicate();
    site.scene.drop_faces(10);
    site.scene.await_recorded(10);
    for stream in ["OBSERVATIONS", "LOG"] {
        let node = site.leader(0, stream);
        site.cluster.kill(node);
        site.scene.drop_faces(10);
        site.scene.await_recorded(site.scene.people as usize);
        site.cluster.resume(node);
    }
    site.scene.check();
}
