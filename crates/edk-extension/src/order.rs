use std::collections::HashSet;

use edk_model::Finding;

use crate::{ExtensionError, ImageDir, Project};

/// Returns the images in an order in which every base of the extension's own comes before what
/// stands on it; otherwise in the order of their folders. What `LABEL BUILD_IGNORE` keeps from being
/// built is left out, unless another image stands on it.
///
/// # Errors
/// [`ExtensionError::Findings`] for images that stand on each other in a circle.
pub fn build_order(project: &Project) -> Result<Vec<&ImageDir>, ExtensionError> {
    let own: HashSet<&str> = project.images.iter().map(|image| image.name.as_str()).collect();
    let mut left: Vec<&ImageDir> = project.images.iter().collect();
    let mut order: Vec<&ImageDir> = Vec::new();
    while !left.is_empty() {
        let done: HashSet<&str> = order.iter().map(|image| image.name.as_str()).collect();
        let ready = |image: &&ImageDir| {
            image
                .bases
                .iter()
                .all(|base| !own.contains(base.as_str()) || done.contains(base.as_str()))
        };
        let Some(at) = left.iter().position(ready) else {
            return Err(circle(project, &left));
        };
        order.push(left.remove(at));
    }
    let mut needed: HashSet<&str> = HashSet::new();
    // Bases come before what stands on them, so they are looked at after it.
    for image in order.iter().rev() {
        if !image.ignored || needed.contains(image.name.as_str()) {
            needed.insert(&image.name);
            needed.extend(image.bases.iter().map(String::as_str));
        }
    }
    order.retain(|image| needed.contains(image.name.as_str()));
    Ok(order)
}

fn circle(project: &Project, left: &[&ImageDir]) -> ExtensionError {
    let names: Vec<&str> = left.iter().map(|image| image.name.as_str()).collect();
    let message = format!("the images {} stand on each other in a circle", names.join(", "));
    let finding = Finding::error("image/circle", message).in_file(left[0].display.clone());
    let findings = vec![finding.fix("give one of them another base in its FROM")];
    ExtensionError::Findings { path: project.root.clone(), findings }
}
