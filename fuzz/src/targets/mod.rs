//! The targets, by room.

mod archives;
mod charts;
mod editors;
mod images;
mod projects;
mod registry;
mod templates;

use crate::{Target, seeds};

/// All targets.
pub static TARGETS: &[Target] = &[
    Target { name: "template", run: charts::template, seeds: seeds::chart_templates },
    Target { name: "chart", run: charts::chart, seeds: seeds::charts },
    Target { name: "values", run: charts::values, seeds: seeds::values },
    Target { name: "settings", run: charts::settings, seeds: seeds::settings },
    Target { name: "chart-archive", run: charts::archive, seeds: seeds::chart_archives },
    Target { name: "helmignore", run: charts::helmignore, seeds: seeds::helmignores },
    Target { name: "dockerfile", run: images::dockerfile, seeds: seeds::dockerfiles },
    Target { name: "layer", run: images::layers, seeds: seeds::layers },
    Target { name: "image-archive", run: images::archive, seeds: seeds::image_archives },
    Target { name: "unpack", run: archives::unpack, seeds: seeds::layers },
    Target { name: "registry", run: registry::requests, seeds: seeds::requests },
    Target { name: "project", run: projects::project, seeds: seeds::projects },
    Target { name: "guard", run: projects::guard, seeds: seeds::guarded },
    Target { name: "dag", run: projects::dag, seeds: seeds::dags },
    Target { name: "editor", run: editors::conversation, seeds: seeds::conversations },
    Target { name: "scaffold", run: templates::scaffold, seeds: seeds::scaffolds },
    Target { name: "names", run: archives::names, seeds: seeds::names },
];
