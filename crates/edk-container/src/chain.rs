//! Names of unpacked layers.

use edk_model::{Digest, Hasher};

/// Returns the chain ids of `layers` (diff ids, lowest first), one for each prefix, as the OCI
/// image specification defines them ("Layer ChainID").
///
/// A layer is unpacked under its chain id, not its diff id, because how its implied parent folders
/// look depends on the layers below.
pub(crate) fn chain_ids(layers: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(layers.len());
    for layer in layers {
        let id = match chain.last() {
            None => *layer,
            Some(parent) => {
                let mut hasher = Hasher::new();
                hasher.update(format!("{parent} {layer}").as_bytes());
                hasher.finish()
            }
        };
        chain.push(id);
    }
    chain
}

/// Returns the names of the folders of `layers` (diff ids, lowest first), topmost first.
pub(crate) fn folders(layers: &[Digest]) -> Vec<String> {
    chain_ids(layers).iter().rev().map(folder_name).collect()
}

/// Returns the name of the folder of a chain id. Half of the digest is plenty to tell folders
/// apart.
pub(crate) fn folder_name(chain_id: &Digest) -> String {
    chain_id.hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_covers_all_layers_below() {
        let [a, b] = [Digest::of(b"a"), Digest::of(b"b")];
        assert_eq!(chain_ids(&[a]), [a]);
        assert_eq!(chain_ids(&[a, b])[1], Digest::of(format!("{a} {b}").as_bytes()));
        assert_ne!(chain_ids(&[a, b])[1], chain_ids(&[b, a])[1]);
    }
}
