//! The sample sites of the demo, served on loopback addresses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::daemon::now;
use crate::model::{Moment, Zone};
use crate::serve::{Handler, Limits, Metrics, serve};

/// A sample site: its name, the last part of its loopback address, its feed or list, the article pages, and the source
/// that reads it.
struct Sample {
    name: &'static str,
    host: u8,
    path: &'static str,
    media_type: &'static str,
    feed: &'static [u8],
    /// The article pages: the end of the request path, and the content.
    pages: &'static [(&'static str, &'static [u8])],
    source: &'static str,
}

const SAMPLES: [Sample; 7] = [
    Sample {
        name: "gov",
        host: 11,
        path: "/feed.xml",
        media_type: "application/rss+xml; charset=utf-8",
        feed: include_bytes!("sites/gov.xml"),
        pages: &[],
        source: "id = \"yangquan-gov\"\ntitle = \"阳泉市人民政府（示例）\"\nregion = \"140300\"\nauthority = \"official\"\n\
                 content = \"full\"\nrights_basis = \"示例内容由本项目撰写\"",
    },
    Sample {
        name: "county",
        host: 12,
        path: "/atom.xml",
        media_type: "text/xml",
        feed: include_bytes!("sites/county.xml"),
        pages: &[],
        source: "id = \"pingding-media\"\ntitle = \"平定县融媒（示例）\"\nregion = \"140321\"",
    },
    Sample {
        name: "yu",
        host: 13,
        path: "/feed.json",
        media_type: "application/json",
        feed: include_bytes!("sites/yu.json"),
        pages: &[],
        source: "id = \"yuxian-window\"\ntitle = \"盂县之窗（示例）\"\nregion = \"140322\"\ncontent = \"full\"\nrights_basis = \"示例内容由本项目撰写\"",
    },
    Sample {
        name: "paper",
        host: 14,
        path: "/rss",
        media_type: "text/xml",
        feed: include_bytes!("sites/paper.gbk.xml"),
        pages: &[],
        source: "id = \"yangquan-paper\"\ntitle = \"阳泉晚报（示例）\"\nregion = \"140300\"",
    },
    Sample {
        name: "portal",
        host: 15,
        path: "/xwzx/yqyw/",
        media_type: "text/html",
        feed: include_bytes!("sites/portal-list.gb18030.html"),
        pages: &[
            ("2001.htm", include_bytes!("sites/portal-2001.gb18030.html")),
            ("2002.htm", include_bytes!("sites/portal-2002.gb18030.html")),
            ("2003.htm", include_bytes!("sites/portal-2003.gb18030.html")),
            ("2004.htm", include_bytes!("sites/portal-2004.gb18030.html")),
        ],
        source: "id = \"yangquan-portal\"\ntitle = \"阳泉门户（示例） 阳泉要闻\"\nregion = \"140300\"\nauthority = \"portal\"",
    },
    Sample {
        name: "bureau",
        host: 16,
        path: "/api/list.json",
        media_type: "application/json",
        feed: include_bytes!("sites/bureau.json"),
        pages: &[
            ("7001.html", include_bytes!("sites/bureau-7001.html")),
            ("7002.html", include_bytes!("sites/bureau-7002.html")),
            ("7003.html", include_bytes!("sites/bureau-7003.html")),
        ],
        source: "id = \"jiaoqu-bureau\"\ntitle = \"郊区人民政府（示例） 部门动态\"\nregion = \"140311\"\nauthority = \"official\"\n\
                 content = \"full\"\nrights_basis = \"示例内容由本项目撰写\"",
    },
    Sample {
        name: "hanweb",
        host: 17,
        path: "/col/col88/index.html",
        media_type: "text/html; charset=utf-8",
        feed: include_bytes!("sites/hanweb.html"),
        pages: &[
            ("9001.html", include_bytes!("sites/hanweb-art_88_9001.html")),
            ("9002.html", include_bytes!("sites/hanweb-art_88_9002.html")),
            ("9003.html", include_bytes!("sites/hanweb-art_88_9003.html")),
        ],
        source: "id = \"pingding-gov\"\ntitle = \"平定县人民政府（示例） 通知公告\"\nregion = \"140321\"\nauthority = \"official\"\n\
                 content = \"full\"\nrights_basis = \"示例内容由本项目撰写\"",
    },
];

/// The sample sites, each on its own loopback address.
pub(super) struct Sites(Vec<(&'static Sample, TcpListener, SocketAddr)>);

impl Sites {
    pub(super) async fn bind() -> std::io::Result<Self> {
        let mut sites = Vec::new();
        for sample in &SAMPLES {
            let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, sample.host), 0)).await?;
            let address = listener.local_addr()?;
            sites.push((sample, listener, address));
        }
        Ok(Self(sites))
    }

    /// Returns the source list that covers all sites, as TOML.
    pub(super) fn sources(&self) -> String {
        let block = |(sample, _, address): &(&Sample, TcpListener, SocketAddr)| {
            format!("[[source]]\n{}\nurl = \"http://{address}{}\"\n", sample.source, sample.path)
        };
        self.0.iter().map(block).collect()
    }

    /// Serves all sites until `stop` is cancelled.
    pub(super) async fn serve(self, stop: CancellationToken) {
        let names: Vec<(&'static str, String)> =
            self.0.iter().map(|(sample, _, address)| (sample.name, format!("http://{address}"))).collect();
        let now = now();
        let sites = self.0.into_iter().map(|(sample, listener, _)| {
            let pages = sample.pages.iter().map(|(end, page)| (*end, filled(page, &names, now).into())).collect();
            let site =
                Site { sample, feed: filled(sample.feed, &names, now).into(), pages, metrics: Metrics::default() };
            serve(listener, Arc::new(site), Limits::default(), stop.clone())
        });
        futures_util::future::join_all(sites).await;
    }
}

struct Site {
    sample: &'static Sample,
    feed: Bytes,
    pages: Vec<(&'static str, Bytes)>,
    metrics: Metrics,
}

impl Handler for Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some((_, page)) = self.pages.iter().find(|(end, _)| request.uri().path().ends_with(end)) {
            return answer(StatusCode::OK, "text/html", page.clone());
        }
        if request.uri().path() != self.sample.path {
            let page = format!(
                "<!DOCTYPE html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>示例</title><p>{}：示例站点的页面 {}。内容均为虚构。</p>",
                self.sample.name,
                request
                    .uri()
                    .path()
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || "/.-_".contains(*c))
                    .collect::<String>()
            );
            return answer(StatusCode::OK, "text/html; charset=utf-8", page.into());
        }
        let etag = format!("\"{}\"", blake3::hash(&self.feed).to_hex());
        let is_known =
            request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
        let mut response = if is_known {
            answer(StatusCode::NOT_MODIFIED, self.sample.media_type, Bytes::new())
        } else {
            answer(StatusCode::OK, self.sample.media_type, self.feed.clone())
        };
        if let Ok(etag) = HeaderValue::try_from(etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

fn answer(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Fills in the `{{…}}` of a sample: the URL of a site by its name, or a date that many hours ago. Works on bytes
/// because some samples are in GBK or GB18030; the date words of `cn` are in that charset, too.
fn filled(sample: &[u8], names: &[(&'static str, String)], now: Moment) -> Vec<u8> {
    let mut out = Vec::with_capacity(sample.len());
    let mut rest = sample;
    while let Some(at) = position(rest, b"{{") {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        let after = after.get(2..).unwrap_or(&[]);
        let end = position(after, b"}}").unwrap_or(after.len());
        let (word, next) = after.split_at(end);
        out.extend(value(&String::from_utf8_lossy(word), names, now));
        rest = next.get(2..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    out
}

fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

fn value(word: &str, names: &[(&'static str, String)], now: Moment) -> Vec<u8> {
    if let Some((_, address)) = names.iter().find(|(name, _)| *name == word) {
        return address.clone().into_bytes();
    }
    let (shape, hours) = word.split_once(' ').unwrap_or((word, "0"));
    let at = now.plus_seconds(-3600 * hours.parse::<i64>().unwrap_or(0));
    let (year, month, day, hour, minute, ..) = at.wall(&Zone::shanghai());
    match shape {
        "rfc822" => at.rfc2822().into_bytes(),
        "iso" => at.rfc3339().into_bytes(),
        "day" => format!("{year}-{month:02}-{day:02}").into_bytes(),
        "path" => format!("{year}/{month}/{day}").into_bytes(),
        "millis" => at.millis().to_string().into_bytes(),
        "text" => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00").into_bytes(),
        "cn" => {
            // 年, 月 and 日 in GBK, as the old systems of county papers write them.
            const YEAR: &[u8] = &[0xc4, 0xea];
            const MONTH: &[u8] = &[0xd4, 0xc2];
            const DAY: &[u8] = &[0xc8, 0xd5];
            [
                format!("{year}").as_bytes(),
                YEAR,
                format!("{month}").as_bytes(),
                MONTH,
                format!("{day}").as_bytes(),
                DAY,
                format!("{hour:02}:{minute:02}").as_bytes(),
            ]
            .concat()
        }
        _ => Vec::new(),
    }
}
