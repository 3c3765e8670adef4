//! A form of ours with a file in it. Larger than other forms, and read into memory: for staff only.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::TryStreamExt;

use super::staff::Staff;
use super::visitor::arrival;
use crate::portal::Portal;
use crate::web::csrf;
use crate::web::error::PageError;
use crate::web::keys::Keys;

/// More than any file that we take.
const MAX_BYTES: usize = 6 * 1024 * 1024;

/// More than any form of ours has.
const MAX_FIELDS: usize = 10;

/// One of our own people, and the form that they sent, after its origin, size and token were checked. Nobody else's is read.
#[derive(Debug)]
pub struct Uploaded {
    /// Who sent it.
    pub staff: Staff,
    fields: BTreeMap<String, Vec<u8>>,
}

impl Uploaded {
    /// Returns a field as it was sent; nothing when it is not there.
    #[must_use]
    pub fn bytes(&self, name: &str) -> &[u8] {
        self.fields.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns a field as text.
    #[must_use]
    pub fn value(&self, name: &str) -> String {
        String::from_utf8_lossy(self.bytes(name)).into_owned()
    }
}

impl FromRequest for Uploaded {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let staff = Staff::from_request(&request, &mut Payload::None).await?;
            let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal");
            let keys = request.app_data::<Data<Keys>>().expect("web::configure registers the keys");
            if !csrf::is_from_us(request.headers(), &portal.public.portal_url) {
                return Err(PageError::StaleForm);
            }
            let fields = read(Multipart::new(request.headers(), payload)).await?;
            let uploaded = Self { staff, fields };
            if csrf::is_valid(keys, &arrival(&request).binding, &uploaded.value("csrf")) {
                Ok(uploaded)
            } else {
                Err(PageError::StaleForm)
            }
        })
    }
}

async fn read(mut form: Multipart) -> Result<BTreeMap<String, Vec<u8>>, PageError> {
    let (mut fields, mut length) = (BTreeMap::new(), 0);
    while let Some(mut field) = form.try_next().await.map_err(|_| PageError::BadForm)? {
        let name = field.name().ok_or(PageError::BadForm)?.to_owned();
        let mut content = Vec::new();
        while let Some(part) = field.try_next().await.map_err(|_| PageError::BadForm)? {
            length += part.len();
            if length > MAX_BYTES {
                return Err(PageError::TooLarge);
            }
            content.extend_from_slice(&part);
        }
        if fields.len() >= MAX_FIELDS {
            return Err(PageError::BadForm);
        }
        fields.insert(name, content);
    }
    Ok(fields)
}
