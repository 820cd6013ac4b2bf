//! A bucket, by S3's protocol (feature `s3`).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, RetryConfig, UpdateVersion,
};

use super::bucket::{BucketError, BucketOptions, Condition, Object, Served};
use super::client::install_crypto;
use crate::model::Secret;

/// How long a request may take, with all that is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one try may take, and to get a connection.
const TRY: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(3);
/// The largest object that is read, in bytes.
const MAX_READ: u64 = 256 << 20;
/// Variables of the environment any of which says who we are.
const IDENTITIES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// A bucket, or the part of it below a prefix.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: String,
}

impl Bucket {
    /// Makes the client of a bucket. Nothing is asked of it yet, so it may be away.
    ///
    /// # Errors
    /// If the settings cannot be used, or nothing says who we are.
    pub fn new(options: &BucketOptions) -> Result<Self, BucketError> {
        install_crypto();
        let is_known = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if options.access_key.is_none() && !IDENTITIES.iter().any(is_known) {
            return Err(BucketError::Nobody);
        }
        let client = ClientOptions::new().with_timeout(TRY).with_connect_timeout(CONNECT).with_allow_http(true);
        let retry = RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
            max_retries: 3,
            retry_timeout: PATIENCE,
        };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&options.name);
        let secret = options.secret_key.as_ref().map(Secret::reveal);
        let given = [
            (AmazonS3ConfigKey::Endpoint, options.endpoint.as_deref()),
            (AmazonS3ConfigKey::Region, options.region.as_deref()),
            (AmazonS3ConfigKey::AccessKeyId, options.access_key.as_deref()),
            (AmazonS3ConfigKey::SecretAccessKey, secret),
        ];
        for (key, value) in given {
            if let Some(value) = value {
                builder = builder.with_config(key, value);
            }
        }
        let built = builder.with_client_options(client).with_retry(retry).build();
        let store = built.map_err(|error| failed(&options.name, error))?;
        Ok(Self { store: Arc::new(store), prefix: options.prefix.clone() })
    }

    /// Writes an object, and returns what validates it.
    ///
    /// # Errors
    /// If it cannot be written, or its condition is not met.
    pub async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        served: Served<'_>,
        condition: Condition<'_>,
    ) -> Result<String, BucketError> {
        let path = self.path(key)?;
        let mode = match condition {
            Condition::Always => PutMode::Overwrite,
            Condition::IsNew => PutMode::Create,
            Condition::Is(etag) => PutMode::Update(UpdateVersion { e_tag: Some(etag.to_owned()), version: None }),
        };
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, served.content_type.to_owned().into());
        attributes.insert(Attribute::CacheControl, served.cache_control.to_owned().into());
        if let Some(coding) = served.content_encoding {
            attributes.insert(Attribute::ContentEncoding, coding.into());
        }
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        let done = in_time(key, self.store.put_opts(&path, bytes.into(), options)).await?;
        match done {
            Ok(done) => Ok(done.e_tag.unwrap_or_default()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) if condition != Condition::Always => {
                Err(BucketError::Changed(key.to_owned()))
            }
            Err(error) => Err(failed(key, error)),
        }
    }

    /// Returns the bytes of an object and what validates them; `None` if it is not there.
    ///
    /// # Errors
    /// If it cannot be read, or is too large.
    pub async fn get(&self, key: &str) -> Result<Option<(Bytes, String)>, BucketError> {
        let path = self.path(key)?;
        let found = match in_time(key, self.store.get_opts(&path, GetOptions::default())).await? {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| failed(key, error))?,
        };
        if found.meta.size > MAX_READ {
            return Err(BucketError::Failed(key.to_owned(), "the object is too large".into()));
        }
        let etag = found.meta.e_tag.clone().unwrap_or_default();
        let bytes = in_time(key, found.bytes()).await?.map_err(|error| failed(key, error))?;
        Ok(Some((bytes, etag)))
    }

    /// Removes an object; it need not be there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove(&self, key: &str) -> Result<(), BucketError> {
        match in_time(key, self.store.delete(&self.path(key)?)).await? {
            Err(Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(failed(key, error)),
        }
    }

    /// Returns all objects, or as many as were asked for.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn list(&self, most: usize) -> Result<Vec<Object>, BucketError> {
        let prefix = if self.prefix.is_empty() { None } else { Some(self.path("")?) };
        let mut listed = self.store.list(prefix.as_ref());
        let mut found = Vec::new();
        while found.len() < most {
            let next = in_time(&self.prefix, listed.try_next()).await?.map_err(|error| failed(&self.prefix, error))?;
            let Some(object) = next else { break };
            let key = object.location.as_ref();
            let Some(key) = key.strip_prefix(&self.prefix) else { continue };
            let key = key.trim_start_matches('/').to_owned();
            found.push(Object { key, etag: object.e_tag.unwrap_or_default() });
        }
        Ok(found)
    }

    fn path(&self, key: &str) -> Result<Path, BucketError> {
        let whole = format!("{}/{key}", self.prefix);
        Path::parse(whole.trim_matches('/')).map_err(|error| BucketError::Failed(key.to_owned(), error.into()))
    }
}

/// Waits for an answer as long as there is patience.
async fn in_time<T>(key: &str, answer: impl Future<Output = T>) -> Result<T, BucketError> {
    let silent = |_elapsed| BucketError::Silent(key.to_owned(), PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, answer).await.map_err(silent)
}

fn failed(key: &str, error: Error) -> BucketError {
    BucketError::Failed(key.to_owned(), error.into())
}
