// As much of a websocket client as it takes to listen to Odoo's bus.

import { request } from "node:http";
import { randomBytes } from "node:crypto";

const TEXT = 1;

// A text frame, masked as clients must.
function frame(text) {
  const data = Buffer.from(text), mask = randomBytes(4);
  if (data.length > 125) throw new Error("longer than this client can say");
  const masked = data.map((byte, place) => byte ^ mask[place % 4]);
  return Buffer.concat([Buffer.from([0x80 | TEXT, 0x80 | data.length]), mask, masked]);
}

// The frames in `bytes`, and what is left of it.
function frames(bytes) {
  const found = [];
  for (;;) {
    if (bytes.length < 2) return [found, bytes];
    let length = bytes[1] & 0x7f, start = 2;
    if (length === 126) {
      if (bytes.length < 4) return [found, bytes];
      [length, start] = [bytes.readUInt16BE(2), 4];
    }
    if (bytes.length < start + length) return [found, bytes];
    if ((bytes[0] & 0x0f) === TEXT) found.push(bytes.subarray(start, start + length).toString());
    bytes = bytes.subarray(start + length);
  }
}

// Subscribes to a channel; `next()` gives the type of the next message.
export function listen(url, channel) {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/websocket`, {
      headers: { Connection: "Upgrade", Upgrade: "websocket", Origin: url, "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64") },
    });
    asked.on("error", reject);
    asked.on("response", (answer) => reject(new Error(`no websocket: ${answer.statusCode}`)));
    asked.on("upgrade", (_, socket, first) => {
      let rest = first;
      const heard = [], waiting = [];
      const hear = (bytes) => {
        const [texts, left] = frames(Buffer.concat([rest, bytes]));
        rest = left;
        for (const { message } of texts.flatMap((text) => JSON.parse(text))) {
          const next = waiting.shift();
          if (next) next(message.type);
          else heard.push(message.type);
        }
      };
      socket.on("data", hear);
      socket.write(frame(JSON.stringify({ event_name: "subscribe", data: { channels: [channel], last: 0 } })));
      resolve({
        next: () => (heard.length ? Promise.resolve(heard.shift()) : new Promise((found, fail) => {
          const late = setTimeout(() => fail(new Error("nothing came over the bus in 10 s")), 10_000);
          waiting.push((type) => (clearTimeout(late), found(type)));
        })),
        close: () => socket.destroy(),
      });
    });
    asked.end();
  });
}
