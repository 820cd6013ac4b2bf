//! What a source's requests carry: `[source.request]`. Secrets are not in the config but in credentials of the service
//! (systemd.exec(5), `LoadCredential=`) or in files, which are read with it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::address::link;
use super::fault::is_secret_name;
use super::places::Places;
use super::section::Section;
use crate::model::{Link, Login, Proxy, RequestOptions, Secret};

/// Maximum number of headers of a source.
const MAX_HEADERS: usize = 32;
/// Maximum length of a header's value or a password, in bytes.
const MAX_SECRET: usize = 8 * 1024;

/// Headers that requests have already, or that say how a connection is used.
const OURS: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// What a secret is named by.
const FORM: &str =
    "write { credential = \"NAME\" } or { file = \"/PATH\" }, and keep the secret itself out of the config";

/// Reads the options of a source's requests; `None` if there are none.
pub(super) fn options(
    section: &Section<'_>,
    url: Option<&Link>,
    is_own: bool,
    places: &Places,
) -> Option<Box<RequestOptions>> {
    let mut missing = None;
    let contact = section.string("contact").filter(|contact| is_sendable(section, "contact", contact));
    let headers = headers(&section.section("headers"), places, &mut missing);
    let login = login(section, ["user", "password"], places, &mut missing);
    let proxy = proxy(section, places, &mut missing);
    section.finish();
    let is_open = url.is_some_and(|url| !url.is_https()) && !is_own;
    if is_open && (login.is_some() || section.section("headers").each().iter().any(|entry| entry.table().is_some())) {
        section.warning(
            "password",
            "the secrets of this source are sent without encryption, as its url begins with http:".to_owned(),
            "use https, if the site has it",
        );
    }
    let options = RequestOptions { contact, headers, login, proxy, missing };
    (options != RequestOptions::default()).then(|| Box::new(options))
}

fn is_sendable(section: &Section<'_>, key: &str, text: &str) -> bool {
    let is_fine = text.len() <= 1000 && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !is_fine {
        section.fault(
            key,
            format!("`{key}` cannot be in a header"),
            "write it in ASCII, as an address of a page or of e-mail",
        );
    }
    is_fine
}

/// Reads headers: texts, or names of secrets.
fn headers(section: &Section<'_>, places: &Places, missing: &mut Option<String>) -> Vec<(String, Secret)> {
    let mut found = Vec::new();
    for entry in section.each() {
        let name = entry.name.to_ascii_lowercase();
        let is_token = !name.is_empty()
            && name.len() <= 100
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_token {
            section.fault_at(
                entry.span.clone(),
                format!("`{}` cannot be the name of a header", entry.name),
                "use a-z, 0-9, `-` and `_`, such as X-Api-Version",
            );
        } else if OURS.contains(&name.as_str()) {
            section.fault_at(
                entry.span.clone(),
                format!("the header `{}` is set by dayuan itself", entry.name),
                "leave it out; for the User-Agent there is `contact`, for a proxy `proxy_user` and `proxy_password`",
            );
        } else if found.len() >= MAX_HEADERS {
            section.fault_at(
                entry.span.clone(),
                format!("there are more than {MAX_HEADERS} headers"),
                "leave some out",
            );
            break;
        } else if let Some(table) = entry.table() {
            found.extend(secret(&table, places, missing).map(|value| (name, value)));
        } else if is_secret_name(&name) {
            section.fault_at(entry.span.clone(), format!("the header `{}` holds a secret", entry.name), FORM);
        } else {
            match entry.text().filter(|text| text.len() <= MAX_SECRET && text.chars().all(|c| !c.is_control())) {
                Some(text) => found.push((name, Secret::new(&text))),
                None => section.fault_at(
                    entry.span.clone(),
                    format!("the header `{}` must be a text of one line", entry.name),
                    FORM,
                ),
            }
        }
    }
    found
}

/// Reads a user and the place of his password.
fn login(
    section: &Section<'_>,
    [user, password]: [&'static str; 2],
    places: &Places,
    missing: &mut Option<String>,
) -> Option<Login> {
    let name = section.string(user);
    let given = section.has(password).then(|| section.section(password));
    let secret = given.and_then(|given| secret(&given, places, missing));
    if section.has(password) != name.is_some() {
        let (there, lacks) = if name.is_some() { (user, password) } else { (password, user) };
        section.fault(there, format!("`{there}` needs `{lacks}`"), FORM);
    }
    if name.as_ref().is_some_and(|name| name.contains(':')) {
        section.fault(user, format!("`{user}` must not hold a colon"), "a colon ends the user (RFC 7617)");
    }
    Some(Login { user: name?, password: secret? })
}

fn proxy(section: &Section<'_>, places: &Places, missing: &mut Option<String>) -> Option<Proxy> {
    let login = login(section, ["proxy_user", "proxy_password"], places, missing);
    if !section.has("proxy") {
        if login.is_some() {
            section.fault(
                "proxy_user",
                "`proxy_user` needs `proxy`".to_owned(),
                "write it like http://proxy.example.net:3128",
            );
        }
        return None;
    }
    let link = link(section, "proxy", "write it like http://proxy.example.net:3128")?;
    if link.path_and_query() != "/" {
        section.fault(
            "proxy",
            "`proxy` must be no more than scheme, host and port".to_owned(),
            "write it like http://proxy.example.net:3128",
        );
    }
    Some(Proxy { link, login })
}

/// Reads a secret from where a table says. If it is not there, that is told, and remembered in `missing`.
pub(super) fn secret(section: &Section<'_>, places: &Places, missing: &mut Option<String>) -> Option<Secret> {
    let credential = section.string("credential");
    let file = section.string("file");
    section.finish();
    let found = match (&credential, &file) {
        (Some(name), None) => of_credential(section, name, places)?,
        (None, Some(path)) => of_file(section, path)?,
        _ => {
            if section.is_table() {
                section.fault_at(section.span(), "a secret has one place".to_owned(), FORM);
            }
            return None;
        }
    };
    match found {
        Ok(text) => Some(Secret::new(&text)),
        Err((message, help)) => {
            section.warning_at(section.span(), message.clone(), &help);
            missing.get_or_insert_with(|| format!("{message}; {help}"));
            // What is not there is not sent: nothing is requested.
            Some(Secret::new(""))
        }
    }
}

type Found = Result<String, (String, String)>;

/// Reads a credential of the service. `None` if its name cannot be one.
fn of_credential(section: &Section<'_>, name: &str, places: &Places) -> Option<Found> {
    let is_name = !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'));
    if !is_name {
        section.fault(
            "credential",
            "this cannot be the name of a credential".to_owned(),
            "use letters, digits, `-`, `_` and `.`, as in LoadCredential=NAME:/PATH of the service",
        );
        return None;
    }
    let help = format!(
        "give it to the service: LoadCredential={name}:/PATH below [Service] in `systemctl edit dayuan`, then restart it"
    );
    let Some(folder) = &places.credentials else {
        let message =
            format!("the credential `{name}` cannot be seen here: systemd hands it to the running service alone");
        return Some(Err((message, help)));
    };
    Some(read(&folder.join(name)).map_err(|error| (format!("the credential `{name}` is missing: {error}"), help)))
}

/// Reads a secret from a file. `None` if the path cannot be one.
fn of_file(section: &Section<'_>, path: &str) -> Option<Found> {
    let path = PathBuf::from(path);
    if !path.is_absolute() {
        section.fault(
            "file",
            format!("{} is not a whole path", path.display()),
            "begin it with /, such as /etc/dayuan/portal.secret",
        );
        return None;
    }
    let mode = std::fs::metadata(&path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o004 != 0 {
        section.warning(
            "file",
            format!("everybody on this machine can read the secret in {}", path.display()),
            "take the permission away: chmod o-r; the service can have it as a credential",
        );
    }
    let help = "let the user of the daemon read it, or give it to the service by LoadCredential=".to_owned();
    Some(read(&path).map_err(|error| (format!("the secret in {} is missing: {error}", path.display()), help)))
}

/// Reads a file that holds a secret in one line.
fn read(path: &Path) -> Result<String, String> {
    let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is not a regular file".to_owned());
    }
    let mut text = String::new();
    let limit = MAX_SECRET as u64 + 2;
    File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)).map_err(|error| error.to_string())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("it is empty".to_owned());
    }
    if line.len() > MAX_SECRET || line.chars().any(char::is_control) {
        return Err("it is not one line of text".to_owned());
    }
    Ok(line.to_owned())
}
