//! The platform's check of an uploaded chart.

use std::path::Path;

use crate::{
    Sandbox,
    package::{Flaw, Package},
    render, values,
};

impl Sandbox {
    /// Checks the chart in `path`, which was uploaded as `file_name`.
    ///
    /// # Errors
    /// The platform's words, behind which the reason stands unless the sandbox is terse.
    pub(crate) fn accept(&self, path: &Path, file_name: &str) -> Result<(), String> {
        let faults = &self.settings.faults;
        let say = |words: &str, reason: &str| match faults.terse {
            true => words.to_owned(),
            false => format!("{words}: {reason}"),
        };
        let package = Package::read(path, file_name).map_err(|error| say("'name'", &error))?;
        if !faults.fragile_list
            && let Some(Flaw::Breaks(reason) | Flaw::Hides(reason)) = package.flaw()
        {
            return Err(format!("The chart could not be listed: {reason}"));
        }
        let failed = "Failed to check chart namespace";
        edk_model::names::dns_label(package.name(), edk_model::names::MAX_CHART_NAME)
            .map_err(|reason| say(failed, &format!("chart name `{}` {reason}", package.name())))?;
        let values =
            values::of_upload(&self.settings).values().map_err(|reason| say(failed, &reason))?;
        let objects = render::objects(&package.chart, package.name(), &values)
            .map_err(|reason| say(failed, &reason))?;
        if objects.iter().all(|object| object.hook.is_some()) {
            return Err(say("'manifest'", "the chart renders to no object beside hooks"));
        }
        // A platform that keeps what it rejects looks at no hooks here either.
        let looked_at =
            objects.iter().filter(|it| it.hook.is_none() || !faults.keep_rejected_charts);
        for object in looked_at {
            if object.namespace.as_deref() == Some(values::ADMIN) {
                let words = "Chart files can not contain resources under admin_namespace";
                return Err(say(words, &format!("{} `{}`", object.kind, object.name)));
            }
        }
        self.owned_by_another(&package, &objects).map_or(Ok(()), |reason| Err(say(failed, &reason)))
    }

    /// Finds an object that belongs to another release already.
    fn owned_by_another(&self, package: &Package, objects: &[crate::Object]) -> Option<String> {
        let state = self.state();
        let others = state.releases.values().filter(|it| it.name != package.name());
        others.flat_map(|release| release.plain().map(move |it| (release, it))).find_map(
            |(release, theirs)| {
                let same = |ours: &&crate::Object| {
                    ours.hook.is_none()
                        && (&ours.kind, &ours.name, &ours.namespace)
                            == (&theirs.kind, &theirs.name, &theirs.namespace)
                };
                let ours = objects.iter().find(same)?;
                let (kind, name) = (&ours.kind, &ours.name);
                Some(format!("{kind} `{name}` belongs to release `{}`", release.name))
            },
        )
    }
}
