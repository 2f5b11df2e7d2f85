// SPDX-License-Identifier: MIT
// One connection to an HTTP/2 server at URL, on which PATH is asked, and says what becomes of it:
// `asked` when the request is under way, `complete` or `cut ...`, `told` or `untold` when the connection ends, and `over`.
// With MORE `ping` it pings meanwhile, with `mux` it asks /ping, until the answer is there; with `stay` it keeps the
// connection until the server ends it.
'use strict';

const http2 = require('http2');

const [url, path, more] = process.argv.slice(2);
const session = http2.connect(url, { rejectUnauthorized: false });
let isTold = false;
let isOver = false;

function ask(where, after) {
    const request = session.request({ ':path': where });
    let body = '';
    let error = '';
    request.setEncoding('utf8');
    request.on('response', () => { if (where === path) console.log('asked'); });
    request.on('data', (data) => { body += data; });
    request.on('error', (reason) => { error = reason.code || reason.message; });
    request.on('close', () => after(error || (request.rstCode ? `reset ${request.rstCode}` : ''), body));
    request.end();
}

function disturb() {
    if (isOver || session.destroyed || isTold) return;
    if (more === 'ping') session.ping(() => setTimeout(disturb, 50));
    if (more === 'mux') ask('/ping', () => setTimeout(disturb, 50));
}

session.on('goaway', () => { isTold = true; });
session.on('error', (reason) => console.log(`error ${reason.code || reason.message}`));
session.on('close', () => {
    console.log(isTold ? 'told' : 'untold');
    console.log('over');
});
ask(path, (error, body) => {
    isOver = true;
    console.log(!error && /^pong .*\n$|event 2\n$/.test(body) ? 'complete' : `cut ${error} ${JSON.stringify(body)}`);
    if (more !== 'stay') session.close();
});
disturb();
