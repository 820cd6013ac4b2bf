//! How settings are written, and in which file.

/// The files of the settings at the top of a file.
const PLACES: [(&str, &str); 17] = [
    ("source", "sources/NAME.toml"),
    ("region", "regions.toml"),
    ("atlas", "regions.toml"),
    ("gone", "regions.toml"),
    ("http", "dayuan.toml"),
    ("store", "dayuan.toml"),
    ("fetch", "dayuan.toml"),
    ("poll", "dayuan.toml"),
    ("publish", "dayuan.toml"),
    ("search", "dayuan.toml"),
    ("hub", "dayuan.toml"),
    ("admin", "dayuan.toml"),
    ("cluster", "dayuan.toml"),
    ("log", "dayuan.toml"),
    ("s3", "dayuan.toml"),
    ("topic", "dayuan.toml"),
    ("takedown", "dayuan.toml"),
];

/// The forms of settings that are not plain texts.
const FORMS: [(&str, &str); 17] = [
    ("services", "services = [{ title = \"…\", url = \"https://…\" }]"),
    ("members", "members = [\"140300\", \"140400\"]"),
    ("publish", "publish = [\"140000\"]"),
    ("gone", "gone = [\"140399\"]"),
    ("aliases", "aliases = [\"山城\"]"),
    ("was", "was = [\"former-id\"]"),
    ("topics", "topics = [\"政务\"]"),
    ("leads_to", "leads_to = [\"gov.example.net\"]"),
    ("alerts_for", "alerts_for = [\"140300\"]"),
    ("remove", "remove = [\".share\"]"),
    ("ports", "ports = [8443]"),
    ("allow_networks", "allow_networks = [\"10.1.0.0/16\"]"),
    ("headers", "headers = { X-Api-Version = \"2\" }"),
    ("password", "password = { credential = \"NAME\" }"),
    ("proxy_password", "proxy_password = { credential = \"NAME\" }"),
    ("secret_key", "secret_key = { credential = \"NAME\" }"),
    ("point", "point = [37.857, 113.581]"),
];

/// Returns how a setting is written, if it has a form of its own.
pub(super) fn form(key: &str) -> Option<String> {
    FORMS.iter().find(|(known, _)| *known == key).map(|(_, form)| format!("write it like {form}"))
}

/// Returns the file that a setting at the top of a file belongs into.
pub(super) fn file_of(name: &str) -> Option<&'static str> {
    PLACES.iter().find(|(place, _)| *place == name).map(|(_, file)| *file)
}
