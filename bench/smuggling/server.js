// The same program as in servers.py, on Node: node server.js PORT FILE
"use strict";
const fs = require("fs");
const [port, file] = process.argv.slice(2);
require("http")
  .createServer((request, response) => {
    const path = request.url.split("?")[0];
    fs.appendFileSync(file, `${path}\n`);
    const answer = () => response.writeHead(200, { "Content-Length": Buffer.byteLength(path) }).end(path);
    if (/[13579]$/.test(path)) return answer();
    request.resume().on("end", answer);
  })
  .listen(Number(port), "127.0.0.1");
