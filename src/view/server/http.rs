//! As much HTTP as the page needs: the head of a request within bounds, plain answers.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longest head [bytes].
const MOST_HEAD: usize = 16 * 1024;
/// Time to send it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// Path without what follows `?`.
    pub path: String,
    /// What came behind the head.
    pub rest: Vec<u8>,
    headers: Vec<(String, String)>,
}

/// Status and words of a refusal; nothing when the client has gone.
type Refusal = Option<(&'static str, &'static str)>;

impl Request {
    /// Reads a head, however slowly it comes, within time and size.
    pub fn read(stream: &mut TcpStream) -> Result<Self, Refusal> {
        let (began, mut bytes) = (Instant::now(), Vec::new());
        let mut piece = [0_u8; 2048];
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Some(("408 Request Timeout", "too slow")));
            }
            stream.set_read_timeout(Some(left)).map_err(|_| None)?;
            let n = match stream.read(&mut piece) {
                Ok(0) => return Err(None),
                Ok(n) => n,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Some(("408 Request Timeout", "too slow"))),
            };
            bytes.extend_from_slice(&piece[..n]);
            match Self::parse(&bytes) {
                Ok(Some(request)) => return Ok(request),
                Ok(None) if bytes.len() > MOST_HEAD => {
                    return Err(Some(("431 Request Header Fields Too Large", "the head is too long")));
                }
                Ok(None) => {}
                Err(()) => return Err(Some(("400 Bad Request", "this is not HTTP"))),
            }
        }
    }

    /// A head from its bytes; `None` when it is not whole yet.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(()),
        };
        let target = head.path.unwrap_or("");
        let headers = head
            .headers
            .iter()
            .map(|h| {
                (
                    h.name.to_ascii_lowercase(),
                    String::from_utf8_lossy(h.value).trim().to_owned(),
                )
            })
            .collect();
        Ok(Some(Self {
            method: head.method.unwrap_or("").to_owned(),
            path: target.split(['?', '#']).next().unwrap_or("").to_owned(),
            rest: bytes[length..].to_vec(),
            headers,
        }))
    }

    /// The only value of a header; none where there are several.
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }

    /// Whether the client means this machine: a name of elsewhere that leads here is turned away (DNS rebinding).
    pub fn host_is_ours(&self, port: u16) -> bool {
        let ours = ["127.0.0.1", "localhost", "[::1]"];
        self.header("host")
            .is_some_and(|host| ours.iter().any(|name| host == format!("{name}:{port}")))
    }

    /// Whether a page of this server asks, and no other site that the browser has open.
    pub fn origin_is_ours(&self, port: u16) -> bool {
        let ours = ["127.0.0.1", "localhost", "[::1]"];
        self.header("origin")
            .is_some_and(|origin| ours.iter().any(|name| origin == format!("http://{name}:{port}")))
    }

    /// The key of a WebSocket, when one is asked for.
    pub fn websocket_key(&self) -> Option<&str> {
        let has = |name: &str, word: &str| {
            let value = self.header(name).unwrap_or("");
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
        };
        let asked = self.method == "GET"
            && has("upgrade", "websocket")
            && has("connection", "upgrade")
            && self.header("sec-websocket-version") == Some("13");
        self.header("sec-websocket-key").filter(|key| asked && key.len() == 24)
    }
}

/// What a browser may do with the page: nothing from elsewhere, no frame around it.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
                       img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
                       X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n\
                       Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\nConnection: close\r\n";

/// Answers with a file.
pub fn answer(stream: &mut TcpStream, kind: &str, body: &str, head_only: bool) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\n{HEADERS}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if !head_only {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

/// Answers with a refusal in words.
pub fn refuse(stream: &mut TcpStream, status: &str, words: &str) -> io::Result<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n{HEADERS}\r\n{words}\n",
        words.len() + 1
    );
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Request {
        match Request::parse(text.as_bytes()) {
            Ok(Some(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_this_machine_is_a_host_and_only_its_page_an_origin() {
        let request =
            |host: &str, origin: &str| parsed(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\r\n"));
        let ours = request("127.0.0.1:80", "http://localhost:80");
        assert!(ours.host_is_ours(80) && ours.origin_is_ours(80));
        for (host, origin) in [
            ("evil.example:80", "http://evil.example:80"),
            ("127.0.0.1:81", "https://127.0.0.1:80"),
            ("127.0.0.1", "null"),
            ("127.0.0.1:80.evil.example", "http://127.0.0.1:80.evil.example"),
        ] {
            let other = request(host, origin);
            assert!(!other.host_is_ours(80) && !other.origin_is_ours(80), "{host} {origin}");
        }
        assert!(!parsed("GET / HTTP/1.1\r\nHost: localhost:80\r\nHost: localhost:80\r\n\r\n").host_is_ours(80));
    }

    #[test]
    fn a_head_comes_in_pieces_and_nonsense_is_refused() {
        assert_eq!(Request::parse(b"GET / HT"), Ok(None));
        assert_eq!(Request::parse(b"\x00\x01\x02\r\n\r\n"), Err(()));
        assert_eq!(parsed("GET /a?b=c HTTP/1.1\r\n\r\nrest").path, "/a");
        assert_eq!(parsed("GET /a HTTP/1.1\r\n\r\nrest").rest, b"rest");
    }
}
