//! Polls of encrypted sites through proxies.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::model::{Proxy, RequestOptions};

/// A proxy that answers every CONNECT in this way; tells what it gets.
fn proxy(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let length = stream.read(&mut head).unwrap();
            drop(tell.send(String::from_utf8_lossy(&head[..length]).into_owned()));
            stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
            let mut begin = [0; 3];
            if answer.starts_with("200") && stream.read_exact(&mut begin).is_ok() {
                drop(tell.send(format!("{begin:?}")));
            }
        }
    });
    (origin, told)
}

/// Polls an encrypted site through a proxy; returns its state.
async fn polled_through(origin: &str) -> PollState {
    let site = Site { origin: "https://8.8.8.8".to_owned(), asked: Arc::default() };
    let proxy = Proxy { link: Link::parse(origin).unwrap(), login: None };
    let options = RequestOptions { proxy: Some(proxy), ..RequestOptions::default() };
    let source = Source { request: Some(Box::new(options)), ..site.source("gov", "/feed", Kind::Auto) };
    let mut desk = Desk::new(&[source]).await;
    desk.poll().await;
    desk.state("gov")
}

#[test]
fn a_site_that_is_down_behind_a_proxy_is_not_the_proxys_fault() {
    run(async {
        let trouble = |state: PollState| state.reason.map(|reason| reason.kind);
        for answer in ["502 Bad Gateway", "504 Gateway Timeout"] {
            let (origin, told) = proxy(answer);
            assert_eq!(trouble(polled_through(&origin).await), Some(Trouble::BeyondProxy), "{answer}");
            assert!(told.recv().unwrap().starts_with("CONNECT 8.8.8.8:443 HTTP/1.1\r\n"));
        }
        let (origin, _told) = proxy("407 Proxy Authentication Required");
        assert_eq!(trouble(polled_through(&origin).await), Some(Trouble::NoProxy));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(trouble(polled_through(&format!("http://{closed}")).await), Some(Trouble::NoProxy));
    });
}

#[test]
fn an_encrypted_site_is_asked_through_a_tunnel() {
    run(async {
        let (origin, told) = proxy("200 OK");
        polled_through(&origin).await;
        assert!(told.recv().unwrap().starts_with("CONNECT 8.8.8.8:443 HTTP/1.1\r\n"));
        // A handshake record (RFC 8446, section 5.1).
        assert_eq!(told.recv().unwrap(), "[22, 3, 1]");
    });
}
