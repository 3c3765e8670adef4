//! What RFC 9113 (HTTP/2) and RFC 7541 (its compression) say about those who do not keep to them, frame by frame: the cases of
//! h2spec and some more. `conformance.rs` tries them.

use super::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, GOOD, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, good_and, good_but, good_without, setting,
};

const WITH_PRIORITY: u8 = 0x20;
const WHOLE: u8 = END_STREAM | END_HEADERS;

pub const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const REFUSED: u32 = 7;
const COMPRESSION: u32 = 9;

/// What the proxy must do. Whoever may end a stream may end the connection instead (RFC 9113, 5.4.2).
#[derive(Clone, Copy, Debug)]
pub enum Must {
    /// End the connection with this reason, and close it.
    End(u32),
    /// The RFC wants this reason. The connection ends as it must, but hyper's h2 calls whatever it cannot read a protocol error:
    /// who debugs a client learns less, and nobody else notices.
    Instead(u32),
    /// The same with one of two: the RFC allows both.
    EndWith(u32, u32),
    /// Close the connection, with whatever reason.
    Close,
    /// End the stream with one of these, or the connection.
    Reset(u32, u32),
    /// End the stream as a protocol error, or answer that the request is bad: it is malformed (8.1.1).
    Refuse,
    /// Go on as if nothing had been.
    Ignore,
    /// Answer the request on stream 1 with 200.
    Answer,
    /// Send no more than so many bytes of the answer.
    Data(usize),
}

use Must::{Answer, Close, Data, End, EndWith, Ignore, Instead, Refuse, Reset};

/// What a visitor does.
pub enum Step {
    Say(Vec<u8>),
    /// The answer on this stream has come.
    Await(u32),
}

pub struct Case {
    pub section: &'static str,
    pub what: &'static str,
    pub must: Must,
    pub steps: Vec<Step>,
}

fn say(section: &'static str, what: &'static str, must: Must, frames: &[Vec<u8>]) -> Case {
    Case { section, what, must, steps: vec![Step::Say(frames.concat())] }
}

/// The request on stream 1 is answered, then this is said.
fn after_answer(section: &'static str, what: &'static str, must: Must, frames: &[Vec<u8>]) -> Case {
    let steps = vec![Step::Say(request(1)), Step::Await(1), Step::Say(frames.concat())];
    Case { section, what, must, steps }
}

pub fn request(stream: u32) -> Vec<u8> {
    head(WHOLE, stream)
}

fn head(flags: u8, stream: u32) -> Vec<u8> {
    frame(HEADERS, flags, stream, &block(&GOOD))
}

/// A request whose body is still to come.
fn upload(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(&good_but(":method", "POST")))
}

fn with(fields: &[(&'static str, &'static str)]) -> Vec<Vec<u8>> {
    vec![frame(HEADERS, WHOLE, 1, &block(fields))]
}

/// A request with this behind its fields, as it is.
fn packed(more: &[u8]) -> Vec<Vec<u8>> {
    vec![frame(HEADERS, WHOLE, 1, &[&block(&GOOD), more].concat())]
}

pub fn settings(id: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &setting(id, value))
}

fn ping(flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    frame(PING, flags, stream, payload)
}

fn window(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &by.to_be_bytes())
}

fn reset(stream: u32, why: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &why.to_be_bytes())
}

/// Depends on this stream.
fn depends(on: u32) -> Vec<u8> {
    [&on.to_be_bytes()[..], &[15]].concat()
}

const NOTHING: &[u8] = &[];

/// Every case.
pub fn all() -> Vec<Case> {
    let parts = [frames(), heads(), settings_and_windows(), states(), fields(), compression()];
    parts.into_iter().flatten().collect()
}

fn frames() -> Vec<Case> {
    let large = vec![0; 16_385];
    let upload_of = |payload: &[u8]| [upload(1), frame(DATA, END_STREAM, 1, payload)];
    vec![
        say("4.1", "a frame of an unknown kind", Ignore, &[frame(0x16, 0, 0, b"12345678")]),
        say("4.1", "flags that mean nothing", Ignore, &[ping(0x16, 0, b"abcdefgh")]),
        say("4.1", "the reserved bit", Ignore, &[ping(0, 1 << 31, b"abcdefgh")]),
        say("4.2", "as large a frame as may be", Answer, &upload_of(&large[1..])),
        say("4.2", "a larger one with data", Reset(FRAME_SIZE, FRAME_SIZE), &upload_of(&large)),
        say("4.2", "a larger one with a head", End(FRAME_SIZE), &[frame(HEADERS, WHOLE, 1, &large)]),
        say("4.2", "a larger one with settings", End(FRAME_SIZE), &[frame(SETTINGS, 0, 0, &vec![0; 16_386])]),
        say("4.2", "a larger one of an unknown kind", End(FRAME_SIZE), &[frame(0x16, 0, 0, &large)]),
        say("4.3", "priority within a head", End(PROTOCOL), &[head(END_STREAM, 1), frame(PRIORITY, 0, 1, &depends(0))]),
        say("4.3", "another head within a head", End(PROTOCOL), &[head(END_STREAM, 1), head(WHOLE, 3)]),
        say("4.3", "data within a head", End(PROTOCOL), &[head(0, 1), frame(DATA, END_STREAM, 1, b"x")]),
        say("4.3", "a window within a head", End(PROTOCOL), &[head(0, 1), window(0, 1)]),
        say("4.3", "a ping within a head", End(PROTOCOL), &[head(0, 1), ping(0, 0, b"abcdefgh")]),
        say(
            "4.3",
            "the rest of another head",
            End(PROTOCOL),
            &[head(0, 1), frame(CONTINUATION, END_HEADERS, 3, NOTHING)],
        ),
        say("5.5", "an unknown kind within a head", End(PROTOCOL), &[head(0, 1), frame(0x16, 0, 0, b"x")]),
    ]
}

fn heads() -> Vec<Case> {
    vec![
        say("6.1", "data for the connection", End(PROTOCOL), &[frame(DATA, END_STREAM, 0, b"x")]),
        say(
            "6.1",
            "more padding than data",
            End(PROTOCOL),
            &[upload(1), frame(DATA, END_STREAM | PADDED, 1, &[6, 0, 0, 0, 0])],
        ),
        say(
            "6.1",
            "padding without its length",
            EndWith(PROTOCOL, FRAME_SIZE),
            &[upload(1), frame(DATA, END_STREAM | PADDED, 1, NOTHING)],
        ),
        say(
            "6.1",
            "padding as it should be",
            Answer,
            &[upload(1), frame(DATA, END_STREAM | PADDED, 1, &[2, b'x', 0, 0])],
        ),
        say("6.2", "a head for the connection", End(PROTOCOL), &[head(WHOLE, 0)]),
        say(
            "6.2",
            "a head with more padding than head",
            End(PROTOCOL),
            &[frame(HEADERS, WHOLE | PADDED, 1, &[200, 0, 0])],
        ),
        say(
            "6.2",
            "a head with padding",
            Answer,
            &[frame(HEADERS, WHOLE | PADDED, 1, &[&[2], &block(&GOOD)[..], &[0, 0]].concat())],
        ),
        say(
            "6.2",
            "a head with priority",
            Answer,
            &[frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[depends(0), block(&GOOD)].concat())],
        ),
        say("6.3", "priority of the connection", End(PROTOCOL), &[frame(PRIORITY, 0, 0, &depends(1))]),
        say("6.3", "priority of another length", Instead(FRAME_SIZE), &[upload(1), frame(PRIORITY, 0, 1, &[0; 4])]),
        say("6.4", "the connection taken back", End(PROTOCOL), &[reset(0, 8)]),
        say("6.4", "of another length", Instead(FRAME_SIZE), &[upload(1), frame(RST_STREAM, 0, 1, &[0; 3])]),
    ]
}

fn settings_and_windows() -> Vec<Case> {
    vec![
        say(
            "6.5",
            "settings agreed to with something in it",
            Instead(FRAME_SIZE),
            &[frame(SETTINGS, ACK, 0, &setting(1, 0))],
        ),
        say("6.5", "settings of a stream", End(PROTOCOL), &[frame(SETTINGS, 0, 1, &setting(3, 100))]),
        say("6.5", "half a setting", Instead(FRAME_SIZE), &[frame(SETTINGS, 0, 0, &[0, 3, 0])]),
        say("6.5.2", "neither push nor no push", End(PROTOCOL), &[settings(2, 2)]),
        say("6.5.2", "too large a window", Instead(FLOW_CONTROL), &[settings(4, 1 << 31)]),
        say("6.5.2", "too small frames", End(PROTOCOL), &[settings(5, 16_383)]),
        say("6.5.2", "too large frames", End(PROTOCOL), &[settings(5, 1 << 24)]),
        say("6.5.2", "an unknown setting", Ignore, &[settings(0xFF, 1)]),
        say(
            "6.5.3",
            "the last of several counts",
            Data(1),
            &[frame(SETTINGS, 0, 0, &[setting(4, 100), setting(4, 1)].concat()), request(1)],
        ),
        say("6.7", "an answer to no ping", Ignore, &[ping(ACK, 0, b"abcdefgh")]),
        say("6.7", "a ping of a stream", End(PROTOCOL), &[ping(0, 1, b"abcdefgh")]),
        say("6.7", "a ping of another length", Instead(FRAME_SIZE), &[ping(0, 0, b"abcdef")]),
        say("6.8", "a farewell of a stream", End(PROTOCOL), &[frame(GOAWAY, 0, 1, &[0; 8])]),
        say("6.8", "half a farewell", Instead(FRAME_SIZE), &[frame(GOAWAY, 0, 0, &[0; 7])]),
        say("6.8", "a farewell for an unknown reason", Close, &[frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xFF])]),
        say("6.9", "the connection's window by nothing", End(PROTOCOL), &[window(0, 0)]),
        say("6.9", "a stream's window by nothing", Reset(PROTOCOL, PROTOCOL), &[upload(1), window(1, 0)]),
        say("6.9", "a window of another length", Instead(FRAME_SIZE), &[frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1])]),
        say(
            "6.9.1",
            "the connection's window too large",
            End(FLOW_CONTROL),
            &[window(0, (1 << 31) - 1), window(0, (1 << 31) - 1)],
        ),
        say(
            "6.9.1",
            "a stream's window too large",
            Reset(FLOW_CONTROL, FLOW_CONTROL),
            &[upload(1), window(1, (1 << 31) - 1), window(1, (1 << 31) - 1)],
        ),
        say("6.9.1", "a window of one", Data(1), &[settings(4, 1), request(1)]),
        say("6.9.2", "a window of nothing", Data(0), &[settings(4, 0), request(1)]),
        say("6.9.2", "a window that opens later", Answer, &[settings(4, 0), request(1), settings(4, 100)]),
        say(
            "6.9.2",
            "windows that were given away already",
            End(FLOW_CONTROL),
            &[upload(1), window(1, (1 << 31) - 1 - 65_535), settings(4, 65_536)],
        ),
        say(
            "6.10",
            "a head in three pieces",
            Answer,
            &[
                frame(HEADERS, END_STREAM, 1, &block(&GOOD)[..9]),
                frame(CONTINUATION, 0, 1, &block(&GOOD)[9..20]),
                frame(CONTINUATION, END_HEADERS, 1, &block(&GOOD)[20..]),
            ],
        ),
        say(
            "6.10",
            "more of a head that was whole",
            EndWith(PROTOCOL, STREAM_CLOSED),
            &[upload(1), frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]))],
        ),
        say(
            "6.10",
            "more of a head of the connection",
            End(PROTOCOL),
            &[head(END_STREAM, 1), frame(CONTINUATION, END_HEADERS, 0, NOTHING)],
        ),
        say(
            "6.10",
            "more of a head after data",
            EndWith(PROTOCOL, STREAM_CLOSED),
            &[upload(1), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, NOTHING)],
        ),
        say("7", "taken back for an unknown reason", Ignore, &[upload(1), reset(1, 0xFF)]),
        say(
            "8.4",
            "a promise by a visitor",
            End(PROTOCOL),
            &[frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], &block(&GOOD)[..]].concat())],
        ),
    ]
}

fn states() -> Vec<Case> {
    let data = |stream| frame(DATA, END_STREAM, stream, b"x");
    let more = |stream| frame(CONTINUATION, END_HEADERS, stream, NOTHING);
    let closed = Reset(STREAM_CLOSED, STREAM_CLOSED);
    let crowd: Vec<_> = (0..6).map(|number| upload(number * 2 + 1)).collect();
    vec![
        say("5.1", "data before anything", End(PROTOCOL), &[data(1)]),
        say("5.1", "taken back before anything", End(PROTOCOL), &[reset(1, 8)]),
        say("5.1", "a window before anything", End(PROTOCOL), &[window(1, 100)]),
        say("5.1", "more of a head before anything", End(PROTOCOL), &[more(1)]),
        say("5.1", "priority before anything", Ignore, &[frame(PRIORITY, 0, 1, &depends(0))]),
        say("5.1", "data behind the end", Instead(STREAM_CLOSED), &[request(1), data(1)]),
        say("5.1", "a head behind the end", Instead(STREAM_CLOSED), &[request(1), request(1)]),
        say("5.1", "more of a head behind the end", EndWith(PROTOCOL, STREAM_CLOSED), &[request(1), more(1)]),
        say("5.1", "a window behind the end", Answer, &[request(1), window(1, 10)]),
        say("5.1", "priority behind the end", Answer, &[request(1), frame(PRIORITY, 0, 1, &depends(0))]),
        say("5.1", "data after it was taken back", closed, &[upload(1), reset(1, 8), data(1)]),
        say("5.1", "a head after it was taken back", Instead(STREAM_CLOSED), &[upload(1), reset(1, 8), request(1)]),
        say(
            "5.1",
            "more of a head after it was taken back",
            EndWith(PROTOCOL, STREAM_CLOSED),
            &[upload(1), reset(1, 8), more(1)],
        ),
        say(
            "5.1",
            "priority after it was taken back",
            Ignore,
            &[upload(1), reset(1, 8), frame(PRIORITY, 0, 1, &depends(0))],
        ),
        after_answer("5.1", "data after the answer", closed, &[data(1)]),
        after_answer("5.1", "a head after the answer", EndWith(PROTOCOL, STREAM_CLOSED), &[request(1)]),
        after_answer("5.1", "more of a head after the answer", EndWith(PROTOCOL, STREAM_CLOSED), &[more(1)]),
        after_answer("5.1", "priority after the answer", Ignore, &[frame(PRIORITY, 0, 1, &depends(0))]),
        after_answer("5.1", "a window after the answer", Ignore, &[window(1, 10)]),
        after_answer("5.1", "taken back after the answer", Ignore, &[reset(1, 8)]),
        say("5.1.1", "a number that is the server's", End(PROTOCOL), &[request(2)]),
        say("5.1.1", "a number below the last one", EndWith(PROTOCOL, STREAM_CLOSED), &[upload(5), request(3)]),
        say("5.1.2", "more at once than is allowed", Reset(REFUSED, PROTOCOL), &crowd),
    ]
}

fn fields() -> Vec<Case> {
    let post = |length: &'static str| {
        let mut fields = good_but(":method", "POST");
        fields.push(("content-length", length));
        frame(HEADERS, END_HEADERS, 1, &block(&fields))
    };
    let trailers = |flags, fields: &[(&str, &str)]| {
        [upload(1), frame(DATA, 0, 1, b"x"), frame(HEADERS, END_HEADERS | flags, 1, &block(fields))]
    };
    let mut cases = vec![
        say("8.1", "trailers that are not the end", Refuse, &trailers(0, &[("x", "y")])),
        say("8.1", "trailers", Answer, &trailers(END_STREAM, &[("x", "y")])),
        // The RFC wants it refused. h2 takes it, and nothing comes of it: no trailers are ever passed on.
        say("8.1", "trailers with a method", Answer, &trailers(END_STREAM, &[(":method", "GET")])),
        say("8.1", "trailers in capitals", Refuse, &trailers(END_STREAM, &[("X", "y")])),
        say("8.1.1", "less than it says", Refuse, &[post("2"), frame(DATA, END_STREAM, 1, b"x")]),
        say("8.1.1", "more than it says", Refuse, &[post("1"), frame(DATA, END_STREAM, 1, b"xx")]),
        say(
            "8.1.1",
            "more than it says, in two",
            Refuse,
            &[post("1"), frame(DATA, 0, 1, b"x"), frame(DATA, END_STREAM, 1, b"x")],
        ),
        say("8.1.1", "nothing where it says something", Refuse, &with(&good_and(&[("content-length", "1")]))),
        say(
            "8.1.1",
            "as much as it says",
            Answer,
            &[post("2"), frame(DATA, 0, 1, b"x"), frame(DATA, END_STREAM, 1, b"x")],
        ),
        say("8.2.2", "trailers are welcome", Answer, &with(&good_and(&[("te", "trailers")]))),
        say("8.5", "a tunnel", Refuse, &with(&[(":method", "CONNECT"), (":authority", "a.apps.test:443")])),
        say("8.5", "a tunnel with a path", Refuse, &with(&good_but(":method", "CONNECT"))),
    ];
    for (section, what, field) in [
        ("8.2", "capitals", ("X-Y", "1")),
        ("8.2.1", "a name with a space", ("x y", "1")),
        ("8.2.1", "a name with a colon", ("x:y", "1")),
        ("8.2.1", "no name", ("", "1")),
        ("8.2.1", "a line's end", ("x", "a\nb")),
        ("8.2.1", "a carriage's return", ("x", "a\rb")),
        ("8.2.1", "a zero", ("x", "a\0b")),
        ("8.2.2", "connection", ("connection", "keep-alive")),
        ("8.2.2", "keep-alive", ("keep-alive", "1")),
        ("8.2.2", "proxy-connection", ("proxy-connection", "keep-alive")),
        ("8.2.2", "transfer-encoding", ("transfer-encoding", "chunked")),
        ("8.2.2", "upgrade", ("upgrade", "h2c")),
        ("8.2.2", "te of something else", ("te", "gzip")),
        ("8.3", "an unknown one with a colon", (":x", "1")),
        ("8.3", "one of an answer's", (":status", "200")),
        ("8.3.1", "two methods", (":method", "GET")),
        ("8.3.1", "two schemes", (":scheme", "https")),
        ("8.3.1", "two paths", (":path", "/")),
        ("8.3.1", "two authorities", (":authority", "a.apps.test")),
    ] {
        cases.push(say(section, what, Refuse, &with(&good_and(&[field]))));
        let behind = [&[field], &GOOD[..]].concat();
        cases.push(say(section, what, Refuse, &with(&behind)));
    }
    cases.push(say(
        "8.3",
        "a path behind the others",
        Refuse,
        &with(&[&good_without(":path")[..], &[("x", "y"), (":path", "/")][..]].concat()),
    ));
    cases.push(say("8.3.1", "an empty path", Refuse, &with(&good_but(":path", ""))));
    for name in [":method", ":scheme", ":path"] {
        cases.push(say("8.3.1", name, Refuse, &with(&good_without(name))));
    }
    cases
}

/// RFC 7541.
fn compression() -> Vec<Case> {
    let bad = Instead(COMPRESSION);
    let named = |value: &[u8]| packed(&[&[0, 1, b'x'], value].concat());
    let twice = |more: &[u8]| {
        // Kept in the table by the first request, and the newest there: number 62.
        let first = [&block(&GOOD), &[0x40, 1, b'x', 1, b'y'][..]].concat();
        let second = [&block(&GOOD), more].concat();
        [frame(HEADERS, WHOLE, 1, &first), frame(HEADERS, WHOLE, 3, &second)]
    };
    vec![
        say("hpack 2.3.3", "a number that is nobody's", bad, &packed(&[0xC6])),
        say("hpack 2.3.3", "a name that is nobody's", bad, &packed(&[0x0F, 0x7F, 1, b'y'])),
        say("hpack 2.3.3", "one that was kept", Answer, &twice(&[0xBE])),
        say("hpack 2.3.3", "one beyond those that were kept", bad, &twice(&[0xBF])),
        say("hpack 4.2", "another size behind the fields", bad, &packed(&[0x20])),
        say(
            "hpack 4.2",
            "another size before the fields",
            Answer,
            &[frame(HEADERS, WHOLE, 1, &[&[0x20], &block(&GOOD)[..]].concat())],
        ),
        say("hpack 5.1", "a number without an end", bad, &packed(&[0xFF, 0x80, 0x80])),
        say(
            "hpack 5.1",
            "a number larger than any",
            bad,
            &packed(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        ),
        say("hpack 5.2", "a text that is cut", bad, &named(&[9, b'y'])),
        // `a` is 00011, so this is it with the padding that it has to have.
        say("hpack 5.2", "packed as it should be", Answer, &named(&[0x81, 0x1F])),
        say("hpack 5.2", "padding of a byte", bad, &named(&[0x82, 0x1F, 0xFF])),
        say("hpack 5.2", "padding with something else", bad, &named(&[0x81, 0x18])),
        say("hpack 5.2", "the end as a letter", bad, &named(&[0x84, 0xFF, 0xFF, 0xFF, 0xFF])),
        say("hpack 6.1", "the number nought", bad, &packed(&[0x80])),
        say("hpack 6.2", "one that must never be kept", Answer, &packed(&[0x10, 1, b'x', 1, b'y'])),
        say(
            "hpack 6.3",
            "more room than was given",
            bad,
            &[frame(HEADERS, WHOLE, 1, &[&[0x3F, 0xE2, 0x1F], &block(&GOOD)[..]].concat())],
        ),
    ]
}
