// SPDX-License-Identifier: MIT
// An HTTP/2 server on PORT, in the clear, or over TLS with CERTIFICATE and KEY. /ping answers `pong PID` at once, /slow?ms=N
// after N ms, and /events?ms=N sends two events, N ms apart.
'use strict';

const fs = require('fs');
const http2 = require('http2');

const [port, certificate, key] = process.argv.slice(2);
const server = certificate
    ? http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
    : http2.createServer();

server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
    const [path, query] = headers[':path'].split('?');
    const ms = Number(new URLSearchParams(query).get('ms') || 0);
    const answer = `pong ${process.pid}\n`;
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    if (path === '/events') {
        setTimeout(() => stream.write('event 1\n'), ms);
        setTimeout(() => stream.end('event 2\n'), 2 * ms);
    } else if (ms) {
        setTimeout(() => stream.end(answer), ms);
    } else {
        stream.end(answer);
    }
});
server.listen(Number(port), '127.0.0.1');
