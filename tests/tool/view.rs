//! The server of the live page: what it serves, whom it refuses, and that a session gives the bits of the command line.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::stop::Stop;
use calcisim::simulation::{RunSettings, simulate};
use calcisim::view::server::Server;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;
type Socket = WebSocket<TcpStream>;

/// A server that stops when the test is over.
struct Running {
    port: u16,
    stop: Stop,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn begin() -> Tested<Self> {
        let stop = Stop::default();
        let server = Server::bind(0, None, stop.clone())?;
        let port = server
            .url()
            .trim_end_matches('/')
            .rsplit(':')
            .next()
            .unwrap_or("")
            .parse()?;
        let thread = Some(thread::spawn(move || server.serve()));
        Ok(Self { port, stop, thread })
    }

    fn stream(&self) -> Tested<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(stream)
    }

    /// What the server answers to these bytes.
    fn raw(&self, bytes: &[u8]) -> Tested<String> {
        let mut stream = self.stream()?;
        stream.write_all(bytes)?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn get(&self, path: &str) -> Tested<String> {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port).as_bytes())
    }

    fn socket(&self) -> Tested<Socket> {
        let mut request = format!("ws://127.0.0.1:{}/session", self.port).into_client_request()?;
        let origin = format!("http://127.0.0.1:{}", self.port);
        request.headers_mut().insert("Origin", origin.parse()?);
        Ok(tungstenite::client(request, self.stream()?)?.0)
    }

    fn is_alive(&self) -> bool {
        self.get("/").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ask(socket: &mut Socket, request: &Value) -> Tested<(usize, Value)> {
    socket.send(Message::text(request.to_string()))?;
    let mut frames = 0;
    loop {
        match socket.read()? {
            Message::Text(text) => return Ok((frames, serde_json::from_str(text.as_str())?)),
            Message::Binary(_) => frames += 1,
            _ => {}
        }
    }
}

#[test]
fn the_page_and_its_scripts_are_served_with_a_strict_policy() -> Tested {
    let server = Running::begin()?;
    let page = server.get("/")?;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<!doctype html>"),
        "{page}"
    );
    assert!(page.contains("Content-Security-Policy: default-src 'none'"));
    assert!(server.get("/main.js?x=1")?.contains("Content-Type: text/javascript"));
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..\\Cargo.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/main.js/..",
        "*",
    ] {
        let answer = server.get(path)?;
        assert!(
            answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"),
            "{path}: {answer}"
        );
    }
    Ok(())
}

#[test]
fn other_hosts_other_origins_and_other_methods_are_refused() -> Tested {
    let server = Running::begin()?;
    let port = server.port;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let cases = [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), "421"),
        (format!("GET / HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"), "421"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "421"),
        (format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"), "405"),
        (
            format!("GET /session HTTP/1.1\r\nHost: localhost:{port}\r\n{upgrade}\r\n"),
            "403",
        ),
        (
            format!("GET /session HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://evil.example\r\n{upgrade}\r\n"),
            "403",
        ),
        (
            format!("GET /session HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n\r\n"),
            "426",
        ),
        ("\u{1}\u{2}garbage\r\n\r\n".to_owned(), "400"),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nX: {}\r\n\r\n",
                "a".repeat(20_000)
            ),
            "431",
        ),
    ];
    for (request, status) in cases {
        let answer = server.raw(request.as_bytes())?;
        // A client that is cut off while it still sends may lose the words.
        let cut_off = status == "431" && answer.is_empty();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) || cut_off,
            "{status}: {answer}"
        );
    }
    assert!(server.is_alive());
    Ok(())
}

#[test]
fn a_session_gives_the_state_of_the_command_line() -> Tested {
    let server = Running::begin()?;
    let mut socket = server.socket()?;
    let (_, hello) = ask(&mut socket, &json!({ "id": 1, "do": "hello" }))?;
    assert_eq!((&hello["engine"], &hello["id"]), (&json!("native"), &json!(1)));
    let open = json!({ "id": 2, "do": "open", "scenario": "cua_warfarin", "size": "classroom", "seed": 3, "days": 4 });
    let (frames, opened) = ask(&mut socket, &open)?;
    assert_eq!((frames, &opened["is"]), (2, &json!("opened")), "{opened}");
    let (frames, end) = ask(
        &mut socket,
        &json!({ "id": 3, "do": "advance", "branch": 0, "steps": 96 }),
    )?;
    assert_eq!((frames, &end["is_last"]), (1, &json!(true)), "{end}");
    let (_, toml) = ask(&mut socket, &json!({ "id": 4, "do": "toml", "branch": 0 }))?;
    let (scenario, _) = Scenario::from_text("page.toml", toml["text"].as_str().unwrap_or(""), &[])?;
    let settings = RunSettings::of(&scenario, &Shipped)?;
    let (_, summary) = simulate(&settings, scenario.seed(), &mut |_| Ok(()))?;
    assert_eq!(end["hash"], summary.state_hash);
    assert_eq!(end["summary"]["state_hash"], summary.state_hash);
    Ok(())
}

#[test]
fn broken_frames_end_their_session_and_nothing_else() -> Tested {
    let server = Running::begin()?;
    let broken: [&[u8]; 6] = [
        // Reserved bits; an unknown kind; a client that does not mask; a control frame that is too long; a length of 2^63; half a frame.
        &[0xf1, 0x81, 1, 2, 3, 4, 5],
        &[0x8b, 0x80, 1, 2, 3, 4],
        &[0x81, 0x01, 0x41],
        &[0x89, 0xfe, 0x01, 0x00, 1, 2, 3, 4],
        &[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4],
        &[0x81, 0xfe],
    ];
    for bytes in broken {
        let mut socket = server.socket()?;
        let stream = socket.get_mut();
        stream.write_all(bytes)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(server.is_alive(), "after {bytes:?}");
    }
    // Not UTF-8, a binary message, a message above the bound, nonsense in JSON.
    let mut socket = server.socket()?;
    socket.send(Message::binary(vec![1, 2, 3]))?;
    assert!(matches!(socket.read(), Err(_) | Ok(Message::Close(_))));
    let mut socket = server.socket()?;
    let _ = socket.send(Message::text("x".repeat(2_000_000)));
    assert!(matches!(socket.read(), Err(_) | Ok(Message::Close(_))));
    let mut socket = server.socket()?;
    let (_, answer) = ask(
        &mut socket,
        &json!({ "id": 5, "do": "open", "scenario": "../../etc/passwd" }),
    )?;
    assert_eq!((&answer["is"], &answer["id"]), (&json!("error"), &json!(5)));
    let (_, answer) = ask(&mut socket, &json!([1, 2]))?;
    assert_eq!(answer["is"], "error");
    assert!(server.is_alive());
    Ok(())
}

#[test]
fn sessions_are_bounded_and_their_places_come_back() -> Tested {
    let server = Running::begin()?;
    let mut sockets = Vec::new();
    while let Ok(socket) = server.socket() {
        sockets.push(socket);
        assert!(sockets.len() <= 16, "no bound");
    }
    assert_eq!(sockets.len(), 16);
    assert!(server.is_alive(), "the page is still served");
    sockets.clear();
    for _ in 0..100 {
        if server.socket().is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("no place came back");
}

#[test]
fn a_slow_client_slows_nobody() -> Tested {
    let server = Running::begin()?;
    // Heads that never end, and a session that never reads.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = server.stream()?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ")?;
        slow.push(stream);
    }
    let mut deaf = server.socket()?;
    let open = json!({ "do": "open", "scenario": "cua_warfarin", "size": "classroom" });
    for _ in 0..3 {
        deaf.send(Message::text(open.to_string()))?;
    }
    let mut socket = server.socket()?;
    let (_, answer) = ask(&mut socket, &json!({ "id": 1, "do": "hello" }))?;
    assert_eq!(answer["is"], "hello");
    assert!(server.is_alive());
    Ok(())
}
