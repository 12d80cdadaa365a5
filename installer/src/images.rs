use crate::settings::Settings;

/// An image that an operator names, in the words of kube-helm's `/pull-docker-image`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Image {
    /// Host and path, without the last part.
    pub(crate) registry: String,
    /// Last part of the path.
    pub(crate) name: String,
    /// Tag.
    pub(crate) version: String,
}

/// Returns the images named in Python `source`: each text assigned to `image`, in the forms
/// `image="..."` and `image=f"{DEFAULT_REGISTRY}/...:{KAAPANA_BUILD_VERSION}"`.
///
/// A text which is not a full reference, or holds a name that the settings do not know, is left
/// out: the image is then pulled when the operator runs first.
pub(crate) fn named_in(source: &str, settings: &Settings) -> Vec<Image> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with('#'));
    let texts = code.flat_map(assigned);
    texts.filter_map(|text| split(&resolve(text, settings)?)).collect()
}

/// Returns the texts assigned to `image` in `line`.
fn assigned(line: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices("image").filter_map(move |(at, name)| {
        if line[..at].ends_with(word) {
            return None;
        }
        let value = line[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['f', 'F', 'r', 'R']);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value[1..].split(quote).next()
    })
}

/// Returns `text` with its `{NAME}`s replaced.
fn resolve(text: &str, settings: &Settings) -> Option<String> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        let value = match name.trim().to_ascii_uppercase().as_str() {
            "DEFAULT_REGISTRY" | "KAAPANA_DEFAULT_REGISTRY" => settings.registry.as_deref(),
            "KAAPANA_BUILD_VERSION" | "DEFAULT_VERSION_IDENTIFIER" => {
                settings.build_version.as_deref()
            }
            "DOCKER_VERSION" => settings.docker_version.as_deref(),
            _ => None,
        };
        resolved.push_str(before);
        resolved.push_str(value?);
        rest = behind;
    }
    resolved.push_str(rest);
    Some(resolved)
}

fn split(reference: &str) -> Option<Image> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    let (registry, last) = reference.rsplit_once('/')?;
    let (name, version) = last.split_once(':')?;
    let parts = [registry, name, version];
    (reference.chars().all(plain) && parts.iter().all(|part| !part.is_empty())).then(|| Image {
        registry: registry.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let variables = [
            ("ACTION", "copy"),
            ("KAAPANA_DEFAULT_REGISTRY", "reg.example.org:5000/group/kaapana"),
            ("KAAPANA_BUILD_VERSION", "0.6.0"),
        ];
        let settings = Settings::read(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        let found = named_in(source, &settings.unwrap());
        let found: Vec<String> = found
            .iter()
            .map(|image| format!("{} {} {}", image.registry, image.name, image.version))
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn images_are_found_in_the_ways_operators_name_them() {
        let ours = "reg.example.org:5000/group/kaapana radiomics 0.6.0";
        check(r#"    image=f"{DEFAULT_REGISTRY}/radiomics:{KAAPANA_BUILD_VERSION}","#, &[ours]);
        check("super().__init__(dag=dag, image = f'{default_registry}/radiomics:0.6.0')", &[ours]);
        check(r#"image="localhost:32000/a/b:1""#, &["localhost:32000/a b 1"]);
        check(
            "image=f\"{DEFAULT_REGISTRY}/a:1\"\nimage='x.org/b:2'",
            &["reg.example.org:5000/group/kaapana a 1", "x.org b 2"],
        );
    }

    #[test]
    fn what_names_no_full_image_is_left_out() {
        for source in [
            "",
            "image=None",
            "image=name",
            r#"image == "x.org/a:1""#,
            r#"# image="x.org/a:1""#,
            r#"my_image="x.org/a:1""#,
            r#"image="a:1""#,
            r#"image="x.org/a""#,
            r#"image=f"{UNKNOWN}/a:1""#,
            r#"image=f"{DEFAULT_REGISTRY/a:1""#,
            r#"image=f"{DEFAULT_REGISTRY}/a:{DOCKER_VERSION}""#,
            r#"image="a picture / of: something""#,
            r#"image=f"#,
        ] {
            check(source, &[]);
        }
    }
}
