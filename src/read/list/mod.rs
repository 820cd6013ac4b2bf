//! Pages and documents that list articles: HTML pages, JSON, records of XML, sitemaps.

mod code;
mod date_text;
mod detect;
pub(super) mod hanweb;
pub(super) mod json_list;
mod link;
mod page;
mod paging;
mod parts;
mod phrase;
mod row;
mod row_date;
mod rows;
mod rules;
pub(super) mod sitemap;
mod story;
mod weight;
mod year;

pub(super) use page::read;
pub(super) use paging::{elsewhere, next_page};
pub use rules::{Detection, ListRules};
