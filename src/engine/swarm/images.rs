//! Images: looked up, sent to a registry, fetched from one.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures_util::TryStreamExt;

use super::{Swarm, within};
use crate::engine::{Daemon, Error, ImageSeen, Result};

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
        let login = self.login(repository)?;
        let docker = self.docker(TRANSFER_LIMIT)?;
        let sending = docker.push_image(repository, Some(options), login);
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
        let login = self.login(reference)?;
        let docker = self.docker(TRANSFER_LIMIT)?;
        within(
            TRANSFER_LIMIT,
            docker.create_image(Some(options), None, login).try_for_each(|_progress| async { Ok(()) }),
        )
        .await
    }

    pub(in crate::engine) async fn is_published(&self, reference: &str) -> Result<bool> {
        let login = self.login(reference)?;
        match self.call(|docker| async move { docker.inspect_registry_image(reference, login).await }).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            // Docker passes the registry's "manifest unknown" on as an error of its own.
            Err(error) if crate::base::chain::of(&error).contains("manifest unknown") => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(in crate::engine) async fn image_on(&self, daemon: &Daemon, reference: &str) -> Result<Option<ImageSeen>> {
        self.through(daemon)?.image(reference).await
    }

    pub(in crate::engine) async fn drop_image_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        // Never by force: what a container uses, whosever it is, stays.
        let options = RemoveImageOptionsBuilder::default().build();
        let machine = self.through(daemon)?;
        match machine.call(|docker| async move { docker.remove_image(reference, Some(options), None).await }).await {
            Ok(_) | Err(Error::NotFound(_) | Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns how we show a registry who we are, when the image is in ours and it asks.
    fn login(&self, image: &str) -> Result<Option<DockerCredentials>> {
        let Some(login) = self.login.as_ref().filter(|login| login.is_for(image)) else { return Ok(None) };
        let (user, password) = login.read().map_err(|matter| Error::Rejected(matter.into()))?;
        Ok(Some(DockerCredentials {
            username: Some(user),
            password: Some(password.expose().clone()),
            serveraddress: Some(login.registry.clone()),
            ..DockerCredentials::default()
        }))
    }

    /// The same for a service, whose machine has the image most likely: it is made without a login rather than not at all.
    pub(super) fn login_if_readable(&self, image: &str) -> Option<DockerCredentials> {
        self.login(image).unwrap_or_else(|error| {
            tracing::warn!(error = crate::base::chain::of(&error), "a service is made without the registry's login");
            None
        })
    }
}
