//! Three nats-servers that the hub does not supervise, on the loopback.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::broker::{Broker, configuration};
use crate::hub::Hub;

/// Some running, some not. Dropping it ends all.
pub struct Cluster {
    nodes: Vec<Node>,
}

struct Node {
    folder: PathBuf,
    port: u16,
    running: Option<Broker>,
}

impl Cluster {
    /// Starts three nodes with the configuration that a hub prints, each with what a cluster needs besides.
    #[track_caller]
    pub fn start(planner: &Hub, folder: &Path) -> Self {
        let ports = free_ports();
        let routes: Vec<String> = ports[3..]
            .iter()
            .map(|port| format!("nats://127.0.0.1:{port}"))
            .collect();
        let nodes = (0..3).map(|n| {
            let folder = folder.join(format!("node-{n}"));
            std::fs::create_dir_all(&folder).unwrap();
            let text = format!(
                "{}server_name: node-{n}\ncluster {{ name: hospital, listen: \"127.0.0.1:{}\", routes: {routes:?} }}\n",
                configuration(planner, &folder),
                ports[3 + n],
            );
            std::fs::write(folder.join("nats.conf"), text).unwrap();
            Node { folder, port: ports[n], running: None }
        });
        let mut cluster = Self {
            nodes: nodes.collect(),
        };
        for n in 0..3 {
            cluster.resume(n);
        }
        cluster
    }

    /// Every node, as a configuration names them.
    pub fn url(&self) -> String {
        let urls: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("nats://127.0.0.1:{}", node.port))
            .collect();
        urls.join(",")
    }

    /// A node that runs, by its place.
    #[track_caller]
    pub fn node(&self, n: usize) -> &str {
        &self.nodes[n].running.as_ref().expect("it runs").url
    }

    /// Ends a node at once.
    pub fn kill(&mut self, n: usize) {
        self.nodes[n].running = None;
    }

    /// While a node is dead: its disk is lost.
    #[track_caller]
    pub fn forget(&mut self, n: usize) {
        let folder = &self.nodes[n].folder;
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }

    /// Starts a node again, on what it has.
    #[track_caller]
    pub fn resume(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let config = node.folder.join("nats.conf");
        let broker = Broker::start(&config, &node.folder, i32::from(node.port));
        node.running = Some(broker);
    }
}

/// Six that were free a moment ago; nobody else asks for the same, since the system gives each number in turn.
fn free_ports() -> Vec<u16> {
    let held: Vec<TcpListener> = (0..6)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}
