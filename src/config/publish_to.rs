//! Where documents are written to: `[publish] to`, and the object store of `[s3]`.

use std::path::{Path, PathBuf};

use super::address::link;
use super::places::Places;
use super::request::secret;
use super::section::Section;
use crate::fetch::{BucketOptions, has_buckets};

/// Where documents are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishTo {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of an object store.
    Bucket(BucketOptions),
}

/// Reads where documents are written to.
pub(super) fn publish_to(
    publish: &Section<'_>,
    store: &Section<'_>,
    places: &Places,
    has_public_url: bool,
) -> Option<PublishTo> {
    let options = store_options(store, places);
    let text = publish.string("to")?;
    let scheme = text.split_once("://");
    if !has_public_url {
        publish.fault(
            "to",
            "the documents would lead readers to this machine itself".to_owned(),
            "set [http] public_url to the address that readers use",
        );
    }
    match scheme {
        Some(("s3", bucket)) => Some(PublishTo::Bucket(bucket_options(publish, bucket, options))),
        Some(_) => {
            let help = "name a folder, such as /srv/dayuan, or a bucket, such as s3://news.example.org/feeds";
            publish.fault("to", format!("`{text}` is no folder and no bucket"), help);
            None
        }
        None => {
            let path = PathBuf::from(&text);
            if !path.is_absolute() || path == Path::new("/") {
                publish.fault(
                    "to",
                    format!("`{text}` does not name a folder with its whole path"),
                    "name a folder of its own, such as /srv/dayuan; it is made if it is missing",
                );
            }
            Some(PublishTo::Folder(path))
        }
    }
}

/// Reads the name of a bucket (Amazon's "Bucket naming rules") and what the keys of its objects begin with.
fn bucket_options(publish: &Section<'_>, bucket: &str, options: BucketOptions) -> BucketOptions {
    let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_name = (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let is_prefix = prefix.is_empty()
        || prefix.split('/').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
                && !matches!(part, "." | "..")
        });
    if !is_name || !is_prefix {
        let help = "write it like s3://BUCKET or s3://BUCKET/PREFIX, with letters, digits, `-`, `_` and `.`";
        publish.fault("to", format!("`s3://{bucket}` names no bucket"), help);
    }
    if !has_buckets() {
        publish.fault(
            "to",
            "this dayuan was built without object stores".to_owned(),
            "build it with --features s3, or name a folder",
        );
    }
    BucketOptions { name: name.to_owned(), prefix: prefix.to_owned(), ..options }
}

/// Reads `[s3]`: where the object store is, and who we are there.
fn store_options(store: &Section<'_>, places: &Places) -> BucketOptions {
    let endpoint = link(store, "endpoint", "write it like https://s3.example.net");
    let endpoint = endpoint.map(|link| link.as_str().trim_end_matches('/').to_owned());
    let (region, access_key) = (store.string("region"), store.string("access_key"));
    let mut missing = None;
    let given = store.has("secret_key").then(|| store.section("secret_key"));
    let secret_key = given.and_then(|given| secret(&given, places, &mut missing));
    if access_key.is_some() != store.has("secret_key") {
        let (there, lacks) =
            if access_key.is_some() { ("access_key", "secret_key") } else { ("secret_key", "access_key") };
        let help = "name both, or neither and give the service AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        store.fault(there, format!("`{there}` needs `{lacks}`"), help);
    }
    BucketOptions { endpoint, region, access_key, secret_key, ..BucketOptions::default() }
}
