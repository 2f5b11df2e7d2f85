// SPDX-License-Identifier: MIT
// A plain node server. Usage: node node_http.js PORT, with the version in the file `version` of the
// working directory. /slow?ms=N answers after N ms.
'use strict';
const fs = require('fs');
const http = require('http');

const version = fs.readFileSync('version', 'utf8').trim();

const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const answer = () => {
        response.writeHead(200, {
            'Content-Type': 'text/plain',
            'X-Version': version,
            'X-Pid': process.pid,
        });
        response.end(`pong ${version} ${process.pid}\n`);
    };
    if (url.pathname === '/slow')
        setTimeout(answer, Number(url.searchParams.get('ms') || 1000));
    else
        answer();
});
server.listen(Number(process.argv[2]), '127.0.0.1');
