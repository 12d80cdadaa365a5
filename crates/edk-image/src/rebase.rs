//! Moving an image's own layers onto another base, without building it again.

use std::collections::BTreeMap;

use edk_model::Monitor;
use edk_store::Store;

use crate::{
    Config, Image, ImageError, Layer,
    layer_tar::{self, LayerTar},
    tree::{Node, Tree},
};

/// Puts the layers which `image` has on top of `old` onto `new`, and the settings it made onto those
/// of `new`. Nothing is built: what the instructions would have read of the base must be the same.
///
/// # Errors
/// [`ImageError::CannotRebase`] with all reasons why it has to be built again,
/// [`ImageError::Store`], [`ImageError::Malformed`], [`ImageError::Cancelled`].
pub fn rebase(
    store: &Store,
    image: &Image,
    old: &Image,
    new: &Image,
    monitor: &Monitor,
) -> Result<Image, ImageError> {
    let _lease = store.lease()?;
    let mut reasons = Vec::new();
    let own = own_layers(image, old);
    if own.is_none() {
        reasons
            .push("its lowest layers are not those of the base it is said to stand on".to_owned());
    }
    let own = own.unwrap_or_default();
    reasons.extend(history_reasons(image.config(), old.config(), own.len()));
    reasons.extend(variable_reasons(image.config(), old.config(), new.config()));
    if !new.config().on_build.is_empty() {
        reasons.push(
            "the new base has ONBUILD instructions, which only a build carries out".to_owned(),
        );
    }
    if reasons.is_empty() {
        reasons.extend(path_reasons(store, own, old, new, monitor)?);
    }
    if !reasons.is_empty() {
        return Err(ImageError::CannotRebase { reasons });
    }
    for layer in own.iter().chain(&new.layers) {
        if store.claim(&layer.descriptor.digest)?.is_none() {
            return Err(edk_store::StoreError::NoBlob(layer.descriptor.digest).into());
        }
    }
    let layers = new.layers.iter().chain(own).cloned().collect();
    Image::assemble(store, merged(image.config(), old.config(), new.config()), layers)
}

/// The layers of `image` above those of `base`, when it stands on it.
fn own_layers<'a>(image: &'a Image, base: &Image) -> Option<&'a [Layer]> {
    let below = base.layers.len();
    let same = image.layers.len() >= below && image.diff_ids()[..below] == base.diff_ids()[..];
    same.then(|| &image.layers[below..])
}

/// Instructions whose layer depends on nothing of the base but its paths.
const MOVABLE: [&str; 3] = ["COPY", "ADD", "WORKDIR"];

/// What stands in the way in the instructions that made the image's own layers.
fn history_reasons(image: &Config, old: &Config, layers: usize) -> Vec<String> {
    let own = image.history.get(old.history.len()..).unwrap_or_default();
    if image.history.get(..old.history.len()) != Some(&old.history[..]) {
        return vec!["its history does not tell which of its instructions are its own".to_owned()];
    }
    let made = |entry: &&serde_json::Value| entry["empty_layer"] != true;
    if own.iter().filter(made).count() != layers {
        return vec!["its history does not tell which instruction made which layer".to_owned()];
    }
    let mut reasons = Vec::new();
    for entry in own.iter().filter(made) {
        let text = entry["created_by"].as_str().unwrap_or_default();
        let instruction = instruction(text);
        let word = instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if !MOVABLE.contains(&word.as_str()) {
            reasons.push(format!("`{text}` ran on the old base"));
        } else if named_owner(instruction) {
            reasons.push(format!("`{text}` looked its owner up in the old base"));
        }
    }
    reasons
}

/// The instruction in a line of the history, without what other builders write around it.
fn instruction(text: &str) -> &str {
    let text = text.trim_start_matches("/bin/sh -c #(nop)").trim();
    text.trim_end_matches("# buildkit").trim()
}

fn named_owner(instruction: &str) -> bool {
    let owner = instruction.split_whitespace().find_map(|word| word.strip_prefix("--chown="));
    let numbers = |owner: &str| owner.split(':').all(|it| it.bytes().all(|b| b.is_ascii_digit()));
    owner.is_some_and(|owner| !numbers(owner))
}

type Variables<'a> = BTreeMap<&'a str, &'a str>;

fn variables(config: &Config) -> Variables<'_> {
    config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Variables which the image made of some of the old base that have another value in the new one.
fn variable_reasons(image: &Config, old: &Config, new: &Config) -> Vec<String> {
    let (own, before, after) = (variables(image), variables(old), variables(new));
    let changed: Vec<(&str, &str)> = before
        .iter()
        .filter(|(name, value)| after.get(*name) != Some(*value) && value.len() > 1)
        .map(|(name, value)| (*name, *value))
        .collect();
    let set = own.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let mut reasons = Vec::new();
    for (name, value) in set {
        if let Some((part, _)) = changed.iter().find(|(_, old)| value.contains(old)) {
            reasons.push(format!("`ENV {name}` was made of `{part}`, which the new base changes"));
        }
    }
    reasons
}

/// Paths on which the image's files lie, and which are something else in the new base.
fn path_reasons(
    store: &Store,
    own: &[Layer],
    old: &Image,
    new: &Image,
    monitor: &Monitor,
) -> Result<Vec<String>, ImageError> {
    let tree = |image: &Image| Tree::load(store, &image.layers, monitor);
    let (before, after) = (tree(old)?, tree(new)?);
    let mut reasons = Vec::new();
    for layer in own {
        let malformed =
            |error: std::io::Error| layer_tar::broken(layer, error.to_string(), monitor);
        let mut tar = tar::Archive::new(LayerTar::open(store, layer, monitor)?);
        for entry in tar.entries().map_err(malformed)? {
            let entry = entry.map_err(malformed)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).trim_matches('/').to_owned();
            let folder = entry.header().entry_type().is_dir();
            let whiteout = path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh."));
            if whiteout {
                reasons.push(format!("it removes `/{path}` of the old base"));
            } else if let Some(reason) = differs(&before, &after, &path, folder) {
                reasons.push(reason);
            }
            if reasons.len() > 9 {
                return Ok(reasons);
            }
        }
    }
    reasons.dedup();
    Ok(reasons)
}

/// Says why a file at `path` might go elsewhere in the new base.
fn differs(before: &Tree, after: &Tree, path: &str, folder: bool) -> Option<String> {
    let mut at = 0;
    while let Some(end) = path[at..].find('/').map(|end| at + end) {
        let parent = &path[..end];
        let (old, new) = (before.node(parent), after.node(parent));
        let fine = matches!((&old, &new), (Node::Dir | Node::Missing, Node::Dir | Node::Missing));
        if !fine && old != new {
            return Some(format!("`/{parent}` is something else in the new base"));
        }
        at = end + 1;
    }
    let (old, new) = (before.node(path), after.node(path));
    let kind = |node: &Node| match node {
        Node::Dir => "a folder",
        Node::Link(_) => "a link",
        Node::File => "a file",
        Node::Missing => "missing",
    };
    let fine = match new {
        Node::Missing => true,
        Node::Dir => folder,
        Node::File => !folder && matches!(old, Node::File | Node::Missing),
        Node::Link(_) => old == new,
    };
    (!fine && old != new).then(|| format!("`/{path}` is {} in the new base", kind(&new)))
}

/// The settings of `image` where they differ from those of `old`, and of `new` where they don't.
fn merged(image: &Config, old: &Config, new: &Config) -> Config {
    let mut config = new.clone();
    for (name, value) in &image.env {
        if !old.env.iter().any(|it| it.0 == *name && it.1 == *value) {
            config.set_env(name, value.clone());
        }
    }
    for (name, value) in &image.labels {
        if old.labels.get(name) != Some(value) {
            config.labels.insert(name.clone(), value.clone());
        }
    }
    fn pick<T: Clone + PartialEq>(to: &mut T, own: &T, old: &T) {
        if own != old {
            to.clone_from(own);
        }
    }
    // Who sets an entry point has set the command as well, to nothing if need be.
    if image.entrypoint != old.entrypoint {
        config.entrypoint.clone_from(&image.entrypoint);
        config.cmd.clone_from(&image.cmd);
    }
    pick(&mut config.cmd, &image.cmd, &old.cmd);
    pick(&mut config.working_dir, &image.working_dir, &old.working_dir);
    pick(&mut config.user, &image.user, &old.user);
    pick(&mut config.shell, &image.shell, &old.shell);
    pick(&mut config.stop_signal, &image.stop_signal, &old.stop_signal);
    pick(&mut config.healthcheck, &image.healthcheck, &old.healthcheck);
    pick(&mut config.on_build, &image.on_build, &old.on_build);
    for (to, own) in
        [(&mut config.exposed_ports, &image.exposed_ports), (&mut config.volumes, &image.volumes)]
    {
        let more: Vec<String> = own.iter().filter(|it| !to.contains(it)).cloned().collect();
        to.extend(more);
        to.sort();
    }
    let own = image.history.get(old.history.len()..).unwrap_or_default();
    config.history.extend_from_slice(own);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_image_set_goes_onto_the_new_base() {
        let config = |env: &[(&str, &str)], cmd: &str, user: &str| {
            let mut config = Config { user: user.to_owned(), ..Config::default() };
            config.cmd = vec![cmd.to_owned()];
            env.iter().for_each(|(name, value)| config.set_env(name, (*value).to_owned()));
            config
        };
        let old = config(&[("PATH", "/bin"), ("A", "1")], "sh", "");
        let image = config(&[("PATH", "/bin"), ("A", "2"), ("B", "3")], "run", "");
        let new = config(&[("PATH", "/usr/bin"), ("A", "9"), ("C", "4")], "bash", "app");
        let merged = merged(&image, &old, &new);
        let expected = [("PATH", "/usr/bin"), ("A", "2"), ("C", "4"), ("B", "3")];
        let expected: Vec<_> =
            expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!((merged.env, merged.cmd, merged.user), (expected, image.cmd, "app".to_owned()));
    }

    #[test]
    fn an_instruction_that_ran_on_the_old_base_is_in_the_way() {
        let reasons = |lines: &[(&str, bool)], layers: usize| {
            let mut image = Config::default();
            lines.iter().for_each(|(text, empty)| image.record(text, *empty));
            history_reasons(&image, &Config::default(), layers).join("; ")
        };
        assert_eq!(reasons(&[("COPY a /a", false), ("ENV A=1", true)], 1), "");
        assert_eq!(reasons(&[("/bin/sh -c #(nop) COPY file:1 in /a ", false)], 1), "");
        assert_eq!(reasons(&[("COPY a /a # buildkit", false)], 1), "");
        assert_eq!(reasons(&[("COPY --chown=1000:0 a /a", false)], 1), "");
        assert!(reasons(&[("COPY --chown=ann a /a", false)], 1).contains("looked its owner up"));
        assert!(reasons(&[("RUN make", false)], 1).contains("`RUN make` ran on the old base"));
        assert!(reasons(&[("COPY a /a", false)], 2).contains("which instruction"));
    }

    #[test]
    fn a_variable_made_of_one_that_changes_is_in_the_way() {
        let config = |pairs: &[(&str, &str)]| {
            let mut config = Config::default();
            pairs.iter().for_each(|(name, value)| config.set_env(name, (*value).to_owned()));
            config
        };
        let old = config(&[("PATH", "/usr/bin")]);
        let image = config(&[("PATH", "/opt:/usr/bin")]);
        assert_eq!(variable_reasons(&image, &old, &old).len(), 0);
        assert_eq!(variable_reasons(&image, &old, &config(&[("PATH", "/bin")])).len(), 1);
        assert_eq!(variable_reasons(&old, &old, &config(&[("PATH", "/bin")])).len(), 0);
    }
}
