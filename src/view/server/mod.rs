//! The live page on this machine: files over HTTP, one session over each WebSocket.
//!
//! It listens on the loopback alone, answers only requests that name this machine as their host, opens a session only for its
//! own page (the `Origin` of the browser), and holds every client within bounds: size of messages, requests a second, sessions,
//! time to send and to receive. Each session has a thread of its own, and its page asks for each frame: a slow page slows nobody
//! else, a broken one ends its own session. No file of the disk is read for a request.

mod assets;
mod http;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use super::session::{MOST_BYTES, Session, Start};
use crate::error::{Error, Result};
use crate::simulation::stop::Stop;
use http::{Request, refuse};

/// Sessions at a time.
const MOST_SESSIONS: usize = 16;
/// Connections at a time.
const MOST_CONNECTIONS: usize = 64;
/// Requests a second of one session, and how many may come at once.
const REQUESTS_PER_SECOND: f64 = 200.0;
const BURST: f64 = 400.0;
/// A session of which nothing was heard for so long is over.
const IDLE: Duration = Duration::from_secs(3600);
/// Time to take a message.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    start: Option<Start>,
    port: u16,
    stop: Stop,
    sessions: AtomicUsize,
    connections: AtomicUsize,
}

/// A place among a bounded number; given back when dropped.
struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    fn take(taken: &'a AtomicUsize, most: usize) -> Option<Self> {
        let free = |n: usize| (n < most).then_some(n + 1);
        let got = taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, free);
        got.is_ok().then_some(Self(taken))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Server {
    /// Listens on a port of this machine; 0 takes a free one.
    pub fn bind(port: u16, start: Option<Start>, stop: Stop) -> Result<Self> {
        let fault = |f: io::Error| Error::files(format!("127.0.0.1:{port}"), format!("cannot listen: {f}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        // The loop below looks for a wish to stop between connections.
        listener.set_nonblocking(true).map_err(fault)?;
        Ok(Self {
            listener,
            address,
            shared: Arc::new(Shared {
                start,
                port: address.port(),
                stop,
                sessions: AtomicUsize::new(0),
                connections: AtomicUsize::new(0),
            }),
        })
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until someone asks to stop.
    pub fn serve(&self) {
        while self.shared.stop.asked("").is_none() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let shared = self.shared.clone();
                    let name = "page".to_owned();
                    // A machine without room for a thread loses this connection, not the server.
                    let _ = thread::Builder::new()
                        .name(name)
                        .spawn(move || connection(stream, &shared));
                }
                Err(_) => thread::sleep(Duration::from_millis(15)),
            }
        }
    }
}

/// One connection; every fault ends it and nothing else.
fn connection(mut stream: TcpStream, shared: &Shared) {
    let Some(_seat) = Seat::take(&shared.connections, MOST_CONNECTIONS) else {
        let _ = refuse(&mut stream, "503 Service Unavailable", "too many connections");
        return;
    };
    let prepared = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_nodelay(true))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    if prepared.is_err() {
        return;
    }
    let request = match Request::read(&mut stream) {
        Ok(request) => request,
        Err(Some((status, words))) => {
            let _ = refuse(&mut stream, status, words);
            return;
        }
        Err(None) => return,
    };
    let _ = route(stream, &request, shared);
}

fn route(mut stream: TcpStream, request: &Request, shared: &Shared) -> io::Result<()> {
    if !request.host_is_ours(shared.port) {
        return refuse(
            &mut stream,
            "421 Misdirected Request",
            "this server answers to 127.0.0.1 alone",
        );
    }
    if request.path == "/session" {
        if !request.origin_is_ours(shared.port) {
            return refuse(&mut stream, "403 Forbidden", "a session is for the page of this server");
        }
        let Some(key) = request.websocket_key() else {
            return refuse(&mut stream, "426 Upgrade Required", "a session is a WebSocket");
        };
        let Some(_seat) = Seat::take(&shared.sessions, MOST_SESSIONS) else {
            return refuse(
                &mut stream,
                "503 Service Unavailable",
                "too many sessions: close a page",
            );
        };
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        stream.write_all(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        )?;
        converse(stream, request.rest.clone(), shared);
        return Ok(());
    }
    if request.method != "GET" && request.method != "HEAD" {
        return refuse(&mut stream, "405 Method Not Allowed", "GET alone");
    }
    match assets::find(&request.path) {
        Some((kind, body)) => http::answer(&mut stream, kind, body, request.method == "HEAD"),
        None => refuse(&mut stream, "404 Not Found", "there is no such page"),
    }
}

/// A session over a WebSocket, until one side ends it.
fn converse(stream: TcpStream, rest: Vec<u8>, shared: &Shared) {
    // Short, so that a wish to stop is heard.
    if stream.set_read_timeout(Some(Duration::from_millis(500))).is_err() {
        return;
    }
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST_BYTES + 1024))
        .max_frame_size(Some(MOST_BYTES + 1024));
    let mut socket = WebSocket::from_partially_read(stream, rest, Role::Server, Some(config));
    let mut session = Session::new("native", shared.start.clone());
    let (mut heard, mut tokens, mut refilled) = (Instant::now(), BURST, Instant::now());
    while shared.stop.asked("").is_none() {
        let message = match socket.read() {
            Ok(message) => message,
            Err(tungstenite::Error::Io(fault)) if is_pause(&fault) => {
                if heard.elapsed() > IDLE {
                    let _ = socket.close(None);
                    return;
                }
                continue;
            }
            Err(_) => return,
        };
        heard = Instant::now();
        let earned = refilled.elapsed().as_secs_f64() * REQUESTS_PER_SECOND;
        tokens = crate::math::min(tokens + earned, BURST) - 1.0;
        refilled = Instant::now();
        if tokens < 0.0 {
            thread::sleep(Duration::from_secs_f64(-tokens / REQUESTS_PER_SECOND));
        }
        match message {
            tungstenite::Message::Text(request) => {
                for message in session.ask(request.as_str()) {
                    let message = match message {
                        super::Message::Text(text) => tungstenite::Message::text(text),
                        super::Message::Bytes(bytes) => tungstenite::Message::binary(bytes),
                    };
                    if socket.write(message).is_err() {
                        return;
                    }
                }
                if socket.flush().is_err() {
                    return;
                }
            }
            tungstenite::Message::Close(_) => {
                let _ = socket.flush();
                return;
            }
            // Pings are answered by the library; nothing else is asked of a session.
            tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_) => {
                let _ = socket.flush();
            }
            _ => {
                let _ = socket.close(None);
                return;
            }
        }
    }
    let _ = socket.close(None);
}

fn is_pause(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
