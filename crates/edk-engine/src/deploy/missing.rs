//! Images which a chart asks for and which were never sent to its target from here.

use edk_chart::Chart;
use edk_image::Parcel;
use edk_model::Monitor;
use edk_target::{Client, NeverSent, TargetError};
use serde_json::{Map, Value};

use super::{
    images::{ImageWay, Route, asked},
    memory::Memory,
};
use crate::{Engine, EngineError, Pushed};

/// An image that the target lacks, as far as it is known here.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub(crate) told: NeverSent,
    /// What would be sent, when it is on this machine.
    parcel: Option<Parcel>,
    /// Repository and tag.
    short: String,
}

/// Tells an error with the images that were never sent, where they are the reason.
pub(crate) fn with_missing(error: TargetError, missing: &[Missing]) -> TargetError {
    let told: Vec<NeverSent> = missing.iter().map(|it| it.told.clone()).collect();
    error.never_sent(&told)
}

impl Missing {
    /// Returns the name it has on this machine, when it is here.
    pub(crate) fn here(&self) -> Option<String> {
        self.parcel.as_ref().map(|_| self.short.clone())
    }
}

impl Engine {
    /// Returns a chart which was sent to a target from here; nothing is known of others.
    pub(crate) fn sent_chart(
        &self,
        memory: &Memory,
        name: &str,
        version: &str,
    ) -> Result<Option<Chart>, EngineError> {
        let sent = memory.record()?.charts.remove(&format!("{name}-{version}.tgz"));
        let bytes = sent.and_then(|sent| memory.chart(&sent.digest));
        Ok(bytes.and_then(|bytes| Chart::read(bytes.as_slice(), name).ok()))
    }

    /// Returns the images which the chart asks the target's registry for and which were never sent
    /// there from here.
    pub(crate) fn never_sent(
        &self,
        chart: &Chart,
        params: &Map<String, Value>,
        (route, memory): (&Route, &Memory),
        target: &str,
    ) -> Result<Vec<Missing>, EngineError> {
        let record = memory.record()?;
        let own = format!("{}/", route.registry);
        let mut missing = Vec::new();
        for image in asked(chart, params, route) {
            let Some(short) = image.strip_prefix(&own) else { continue };
            let (name, tag) = short.rsplit_once(':').unwrap_or((short, "latest"));
            let here = self.store()?.resolve(name, tag).ok().flatten();
            // The target takes these from the store of this machine.
            let shared = matches!(route.way, ImageWay::Shared | ImageWay::Pull);
            if record.images.contains_key(&image) || (shared && here.is_some()) {
                continue;
            }
            let parcel = match here.filter(|_| !shared) {
                Some(image) => Some(Parcel { image, to: route.to(name, tag)? }),
                None => None,
            };
            let bytes = parcel.as_ref().map(|it| self.delivery(it, route, target)).transpose()?;
            let short = short.to_owned();
            missing.push(Missing { told: NeverSent { image, bytes }, parcel, short });
        }
        Ok(missing)
    }

    /// Returns the bytes of an image's blobs, manifest included, which a target or its registry was
    /// not seen to take.
    fn delivery(&self, parcel: &Parcel, route: &Route, target: &str) -> Result<u64, EngineError> {
        let (_, ledger) = match route.way {
            ImageWay::Push => self.registry_ledger(&route.registry)?,
            _ => self.target_ledger(target)?,
        };
        let blobs = edk_image::blobs(self.store()?, &parcel.image)?;
        let lacking = blobs.iter().filter(|blob| !ledger.has(&blob.digest));
        Ok(lacking.map(|blob| blob.size).sum::<u64>() + parcel.image.size)
    }

    /// Sends those of them that are on this machine, the way of all images, and remembers it.
    pub(crate) async fn send_missing(
        &self,
        client: &Client,
        missing: &[Missing],
        (route, memory): (&Route, &Memory),
        monitor: &Monitor,
    ) -> Result<Vec<Pushed>, EngineError> {
        let parcels: Vec<Parcel> = missing.iter().filter_map(|it| it.parcel.clone()).collect();
        let (mut pushed, mut confirmed) = (Vec::new(), true);
        match route.way {
            ImageWay::Push => {
                let access = self.access(None);
                pushed = tokio::task::block_in_place(|| {
                    self.send_parcels(&parcels, &route.registry, &access, monitor)
                })?;
            }
            _ => {
                for parcel in parcels {
                    let (sent, known) = self.send_image(client, &[parcel], memory, monitor).await?;
                    pushed.extend(sent);
                    confirmed &= known;
                }
            }
        }
        self.remember(&pushed, confirmed, (route, memory))?;
        Ok(pushed)
    }
}
