// SPDX-License-Identifier: MIT
// Asks an HTTP/2 server at URL on CONNECTIONS kept connections, STREAMS requests at a time on each, every other one slow
// (/slow?ms=100), until TERM. A connection on which GOAWAY came gets no new request; another one takes its place. Says
// `running` at the first answer, `first ANSWER` for each one that is new, and in the end how many requests were answered,
// how many are to be asked again elsewhere because of a GOAWAY, how many connections were told (GOAWAY) and untold before
// they ended, each kind of failure, and `failures N`. Exits with 0 if there was none.
'use strict';

const http2 = require('http2');

const [url, connections, streams] = process.argv.slice(2);
const counts = { ok: 0, again: 0, told: 0, untold: 0 };
const failures = {};
const answers = new Set();
let isOver = false;
let open = 0;

function fail(kind) {
    failures[kind] = (failures[kind] || 0) + 1;
}

function note(answer) {
    const who = answer.trim();
    if (counts.ok++ === 0) console.log('running');
    if (answers.has(who)) return;
    answers.add(who);
    console.log(`first ${who}`);
}

// Requests go on until the server says GOAWAY, or the end.
function keepAsking(session, isSlow) {
    if (isOver || session.isTold || session.closed || session.destroyed) {
        finish(session);
        return;
    }
    let request;
    try {
        request = session.request({ ':path': isSlow ? '/slow?ms=100' : '/ping' });
    } catch {
        finish(session); // never sent
        return;
    }
    let status = 0;
    let body = '';
    let error = '';
    session.asked++;
    request.setEncoding('utf8');
    request.on('response', (headers) => { status = headers[':status']; });
    request.on('data', (data) => { body += data; });
    request.on('error', (reason) => { error = reason.code || reason.message; });
    request.on('close', () => {
        session.asked--;
        // Not sent, or not looked at by the server (RFC 9113 §8.7): what node's library has queued when GOAWAY comes.
        if (request.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM && !status && session.isTold) counts.again++;
        else if (error) fail(`${error} ${request.rstCode}`);
        else if (request.rstCode) fail(`reset ${request.rstCode}`);
        else if (status !== 200) fail(`status ${status}`);
        else if (!/^pong .*\n$/.test(body)) fail('short');
        else note(body);
        keepAsking(session, !isSlow);
    });
    request.end();
}

function finish(session) {
    if (session.asked === 0 && !session.closed) session.close();
}

function connect() {
    const session = http2.connect(url, { rejectUnauthorized: false });
    session.asked = 0;
    open++;
    session.on('goaway', (code) => {
        if (code !== 0) fail(`goaway ${code}`);
        session.isTold = true;
    });
    session.on('error', (reason) => fail(`session ${reason.code || reason.message}`));
    session.on('close', () => {
        open--;
        if (!isOver) counts[session.isTold ? 'told' : 'untold']++;
        if (!isOver) connect();
        else if (open === 0) end();
    });
    for (let i = 0; i < Number(streams); i++) keepAsking(session, i % 2 === 1);
}

function end() {
    let total = 0;
    for (const [kind, count] of Object.entries(counts)) console.log(`${kind} ${count}`);
    for (const [kind, count] of Object.entries(failures)) {
        console.log(`failed ${count} ${kind}`);
        total += count;
    }
    console.log(`failures ${total}`);
    process.exit(total ? 1 : 0);
}

process.on('SIGTERM', () => { isOver = true; });
for (let i = 0; i < Number(connections); i++) connect();
