//! Images: looked up, sent to a registry, fetched from one.

use std::time::Duration;

use bollard::query_parameters::{CreateImageOptionsBuilder, PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::TryStreamExt;

use super::{Swarm, within};
use crate::engine::{Error, ImageSeen, Result};

/// An image of two gigabytes over a slow line.
const TRANSFER_LIMIT: Duration = Duration::from_mins(15);

impl Swarm {
    pub(in crate::engine) async fn image(&self, reference: &str) -> Result<Option<ImageSeen>> {
        match self.call(|docker| async move { docker.inspect_image(reference).await }).await {
            Ok(image) => Ok(image.id.map(|digest| ImageSeen {
                digest,
                labels: image.config.and_then(|config| config.labels).unwrap_or_default().into_iter().collect(),
            })),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends an image to a registry under a name, and returns the name by which it can be had for ever: `…@sha256:…`.
    pub(in crate::engine) async fn publish(&self, digest: &str, repository: &str, tag: &str) -> Result<String> {
        let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        self.call(|docker| async move { docker.tag_image(digest, Some(options)).await }).await?;
        let options = PushImageOptionsBuilder::default().tag(tag).build();
        let docker = self.docker(TRANSFER_LIMIT)?;
        let sending = docker.push_image(repository, Some(options), None);
        within(TRANSFER_LIMIT, sending.try_for_each(|_progress| async { Ok(()) })).await?;
        let image = self.call(|docker| async move { docker.inspect_image(digest).await }).await?;
        let start = format!("{repository}@sha256:");
        let found = image.repo_digests.unwrap_or_default().into_iter().find(|name| name.starts_with(&start));
        found
            .ok_or_else(|| Error::NotFound(format!("the image has no digest in {repository} after it was sent").into()))
    }

    /// Fetches an image that has a digest in its name; one that is there is not fetched again.
    pub(super) async fn fetch(&self, reference: &str) -> Result<()> {
        if self.image(reference).await?.is_some() {
            return Ok(());
        }
        let options = CreateImageOptionsBuilder::default().from_image(reference).build();
        let docker = self.docker(TRANSFER_LIMIT)?;
        within(
            TRANSFER_LIMIT,
            docker.create_image(Some(options), None, None).try_for_each(|_progress| async { Ok(()) }),
        )
        .await
    }
}
