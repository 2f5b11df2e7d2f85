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
    response.writeHead(200, {'Content-Type': 'text/plain', ...identity});
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
    '/chunks': (request, response, query) => {
        let number = 0;
        response.writeHead(200, identity);
        response.flushHeaders();
        const timer = setInterval(() => {
            response.write(`chunk ${number++}\n`);
            if (number < Number(query.get('n')))
                return;
            clearInterval(timer);
            response.end();
        }, Number(query.get('ms')));
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
