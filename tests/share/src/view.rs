//! What near believes of the folder, and until when: names, attributes and listings of a client that asks seldom.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, INodeNo};

/// Seconds that times of change are rounded down to.
const COARSE_S: u64 = 2;

/// A name in a listing.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: OsString,
    pub(crate) kind: FileType,
}

/// A file or folder that near knows of.
#[derive(Debug, Clone)]
struct Node {
    /// Below the share.
    path: PathBuf,
    /// What the folder calls the file; another one under the path is another node.
    inode: u64,
    believed: Option<(FileAttr, Instant)>,
}

/// What near believes.
#[derive(Debug)]
pub(crate) struct View {
    far: PathBuf,
    nodes: HashMap<INodeNo, Node>,
    by_path: HashMap<PathBuf, INodeNo>,
    /// Also that a name is not there.
    names: HashMap<PathBuf, (Option<INodeNo>, Instant)>,
    listings: HashMap<INodeNo, (Vec<Listed>, Instant)>,
    next: u64,
}

impl View {
    pub(crate) fn new(far: &Path) -> Self {
        let root = Node {
            path: PathBuf::new(),
            inode: std::fs::metadata(far).unwrap().ino(),
            believed: None,
        };
        Self {
            far: far.to_owned(),
            nodes: HashMap::from([(INodeNo::ROOT, root)]),
            by_path: HashMap::from([(PathBuf::new(), INodeNo::ROOT)]),
            names: HashMap::new(),
            listings: HashMap::new(),
            next: INodeNo::ROOT.0 + 1,
        }
    }

    /// Below the share.
    pub(crate) fn path(&self, node: INodeNo) -> Result<PathBuf, Errno> {
        let node = self.nodes.get(&node).ok_or(Errno::ESTALE)?;
        Ok(node.path.clone())
    }

    /// In the folder.
    pub(crate) fn far(&self, node: INodeNo) -> Result<PathBuf, Errno> {
        Ok(self.far.join(self.path(node)?))
    }

    /// In the folder.
    pub(crate) fn far_child(&self, parent: INodeNo, name: &OsStr) -> Result<PathBuf, Errno> {
        Ok(self.far(parent)?.join(name))
    }

    /// What bears a name; believed for `lag` also when nothing does.
    pub(crate) fn lookup(
        &mut self,
        parent: INodeNo,
        name: &OsStr,
        lag: Duration,
    ) -> Result<FileAttr, Errno> {
        let path = self.path(parent)?.join(name);
        let now = Instant::now();
        if let Some((believed, until)) = self.names.get(&path)
            && now < *until
        {
            let node = believed.ok_or(Errno::ENOENT)?;
            return self.attributes(node, lag);
        }
        let found = self.meet(&path, lag);
        let node = found.as_ref().ok().map(|attributes| attributes.ino);
        self.names.insert(path, (node, now + lag));
        found
    }

    /// What is believed of a node, asked for anew when that is too old.
    pub(crate) fn attributes(&mut self, node: INodeNo, lag: Duration) -> Result<FileAttr, Errno> {
        let known = self.nodes.get(&node).ok_or(Errno::ESTALE)?;
        if let Some((attributes, until)) = known.believed
            && Instant::now() < until
        {
            return Ok(attributes);
        }
        self.refresh(node, lag)
    }

    /// Asks for a node's attributes now, as opening does; a node whose name is another file's now is stale.
    pub(crate) fn refresh(&mut self, node: INodeNo, lag: Duration) -> Result<FileAttr, Errno> {
        let path = self.path(node)?;
        let attributes = self.meet(&path, lag)?;
        (attributes.ino == node)
            .then_some(attributes)
            .ok_or(Errno::ESTALE)
    }

    fn meet(&mut self, path: &Path, lag: Duration) -> Result<FileAttr, Errno> {
        let metadata = std::fs::symlink_metadata(self.far.join(path))?;
        let known = self.by_path.get(path).copied();
        let known = known.filter(|node| self.nodes[node].inode == metadata.ino());
        let node = known.unwrap_or_else(|| {
            let node = INodeNo(self.next);
            self.next += 1;
            node
        });
        let attributes = attributes(node, &metadata)?;
        let met = Node {
            path: path.to_owned(),
            inode: metadata.ino(),
            believed: Some((attributes, Instant::now() + lag)),
        };
        self.nodes.insert(node, met);
        self.by_path.insert(path.to_owned(), node);
        Ok(attributes)
    }

    /// The names in a folder as they were up to `lag` ago.
    pub(crate) fn listing(&mut self, folder: INodeNo, lag: Duration) -> Result<Vec<Listed>, Errno> {
        let now = Instant::now();
        if let Some((listing, until)) = self.listings.get(&folder)
            && now < *until
        {
            return Ok(listing.clone());
        }
        let listing = list(&self.far(folder)?)?;
        self.listings.insert(folder, (listing.clone(), now + lag));
        Ok(listing)
    }

    /// Near changed what a name means, and so knows; listings still lag.
    pub(crate) fn forget(&mut self, parent: INodeNo, name: &OsStr) -> Result<(), Errno> {
        let path = self.path(parent)?.join(name);
        self.names.remove(&path);
        self.by_path.remove(&path);
        Ok(())
    }

    /// Near gave a file another name: it is the same one still.
    pub(crate) fn moved(&mut self, from: &Path, to: &Path) {
        self.names.remove(from);
        self.names.remove(to);
        if let Some(node) = self.by_path.remove(from) {
            if let Some(known) = self.nodes.get_mut(&node) {
                to.clone_into(&mut known.path);
            }
            self.by_path.insert(to.to_owned(), node);
        }
    }
}

fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut listing = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        listing.push(Listed {
            name: entry.file_name(),
            // It may be gone since.
            kind: entry
                .file_type()
                .ok()
                .and_then(FileType::from_std)
                .unwrap_or(FileType::RegularFile),
        });
    }
    Ok(listing)
}

fn attributes(node: INodeNo, metadata: &Metadata) -> Result<FileAttr, Errno> {
    let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
    let changed = UNIX_EPOCH + Duration::from_secs(seconds - seconds % COARSE_S);
    Ok(FileAttr {
        ino: node,
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: changed,
        mtime: changed,
        ctime: changed,
        crtime: changed,
        kind: FileType::from_std(metadata.file_type()).ok_or(Errno::EIO)?,
        perm: u16::try_from(metadata.mode() & 0o7777).unwrap_or_default(),
        nlink: 1,
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}
