//! RFC 6962 Merkle tree, kept as its peaks only: 32 bytes for each bit of the size.

use sha2::{Digest, Sha256};

use super::Hash;

/// A tree that only grows at the end. Adding a leaf costs one hash on average, the root at most one per peak.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CompactRange {
    size: u64,
    /// Roots of the full subtrees, largest first: one for each 1 bit of `size`.
    peaks: Vec<Hash>,
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1u8])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

impl CompactRange {
    /// The tree whose peaks were stored; `None` when their number does not fit the size.
    pub(crate) fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && peaks.len() == size.count_ones() as usize;
        fits.then(|| Self {
            size,
            peaks: peaks.to_vec(),
        })
    }

    /// The peaks, to be stored.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf hash.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut full = self.size;
        while full & 1 == 1 {
            let left = self.peaks.pop().expect("a peak for each 1 bit of the size");
            hash = node(&left, &hash);
            full >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// RFC 6962's Merkle Tree Hash.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as the RFC defines it.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&defined(&many[..split]), &defined(&many[split..]))
            }
        }
    }

    fn leaf(data: &[u8]) -> Hash {
        Sha256::new_with_prefix([0u8])
            .chain_update(data)
            .finalize()
            .into()
    }

    #[test]
    fn agrees_with_the_published_vectors() {
        let vectors = [
            (
                "",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                "00",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            ),
            (
                "10",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ),
            (
                "2021",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ),
            (
                "3031",
                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            ),
            (
                "40414243",
                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            ),
            (
                "5051525354555657",
                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            ),
            (
                "606162636465666768696a6b6c6d6e6f",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        let mut tree = CompactRange::default();
        assert_eq!(
            hex::encode(tree.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (data, root) in vectors {
            tree.push(leaf(&hex::decode(data).unwrap()));
            assert_eq!(hex::encode(tree.root()), root, "size {}", tree.size());
        }
    }

    #[test]
    fn agrees_with_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0u32..130).map(|n| leaf(&n.to_be_bytes())).collect();
        let mut tree = CompactRange::default();
        for (at, one) in leaves.iter().enumerate() {
            tree.push(*one);
            assert_eq!(tree.root(), defined(&leaves[..=at]));
            let again = CompactRange::from_bytes(tree.size(), &tree.to_bytes());
            assert_eq!(again.as_ref(), Some(&tree));
        }
        assert_eq!(CompactRange::from_bytes(3, &[0; 32]), None);
    }
}
