// SPDX-License-Identifier: MIT
// The answers of python_long.py, by node. Usage: node node_long.js PORT, with the version in the file
// `version` of the working directory. /events is chunked here. Connections rest as long as they like.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const version = fs.readFileSync('version', 'utf8').trim();
const identity = {'X-Version': version, 'X-Pid': process.pid};

const answer = (response, body) => {
    response.writeHead(200, {'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body), ...identity});
    response.end(body);
};
const answerPong = (response) => answer(response, `pong ${version} ${process.pid}\n`);

const routes = {
    '/slow': (request, response, query) => setTimeout(() => answerPong(response), Number(query.get('ms'))),
    '/blob': (request, response) => {
        response.writeHead(200, {'Content-Length': fs.statSync('blob').size, ...identity});
        if (request.method === 'HEAD')
            response.end();
        else
            fs.createReadStream('blob').pipe(response);
    },
    // With head=N the answer's head is longer by N bytes.
    '/chunks': (request, response, query) => {
        let number = 0;
        response.writeHead(200, {'X-Filler': 'f'.repeat(Number(query.get('head'))), ...identity});
        response.flushHeaders();
        const timer = setInterval(() => {
            response.write(`chunk ${number++}\n`);
            if (number < Number(query.get('n')))
                return;
            clearInterval(timer);
            response.end();
        }, Number(query.get('ms')));
    },
    // A chunk, and one that is written in two halves, M ms apart, of which the first ends as if it were the last
    // chunk; then the end of all, in halves as well.
    '/rows': (request, response, query) => {
        const row = 'r'.repeat(1000) + ',10\r\n\r\n';
        const pieces = [`3ef\r\n${row}\r\n7de\r\n${row}`, `${row}\r\n`, '0\r\n', '\r\n'];
        response.writeHead(200, {'Transfer-Encoding': 'chunked', ...identity});
        response.flushHeaders();
        const timer = setInterval(() => {
            request.socket.write(pieces.shift());
            if (pieces.length === 0)
                clearInterval(timer);
        }, Number(query.get('ms')));
    },
    // The file `blob` in two halves, M ms apart.
    '/halves': (request, response, query) => {
        const bytes = fs.readFileSync('blob');
        response.writeHead(200, {'Content-Length': bytes.length, ...identity});
        response.write(bytes.subarray(0, bytes.length / 3));
        setTimeout(() => response.end(bytes.subarray(bytes.length / 3)), Number(query.get('ms')));
    },
    '/echo': (request, response) => {
        const parts = [];
        request.on('data', (data) => parts.push(data));
        request.on('end', () => answer(response, Buffer.concat(parts)));
    },
    // Answered before the body is read; what is left of that is thrown away.
    '/early': (request, response) => {
        answerPong(response);
        request.resume();
    },
    '/events': (request, response, query) => {
        response.writeHead(200, {'Content-Type': 'text/event-stream', ...identity});
        response.write('data: tick\n\n');
        const timer = setInterval(() => response.write('data: tick\n\n'), Number(query.get('ms')));
        response.on('close', () => clearInterval(timer));
    },
    '/unmodified': (request, response) => {
        response.writeHead(304, identity);
        response.end();
    },
    '/upload': (request, response) => {
        const hash = crypto.createHash('sha256');
        let length = 0;
        request.on('data', (data) => {
            length += data.length;
            hash.update(data);
        });
        request.on('end', () => answer(response, `${length} ${hash.digest('hex')}\n`));
    },
};

const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const route = routes[url.pathname];
    if (route)
        route(request, response, url.searchParams);
    else
        answerPong(response);
});
server.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n' +
        `X-Version: ${version}\r\nX-Pid: ${process.pid}\r\n\r\n`);
    socket.on('data', (data) => socket.write(data));
    socket.on('end', () => socket.end());
});
server.keepAliveTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1');
