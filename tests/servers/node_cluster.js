// SPDX-License-Identifier: MIT
// node's cluster module: the primary accepts, and passes each connection to one of two workers, which are programs
// executed anew. Usage: node node_cluster.js PORT [own], with the version in the file `version` of the working
// directory. /slow?ms=N answers after N ms. With `own` the primary has a stop of its own for SIGTERM.
'use strict';
const cluster = require('cluster');
const fs = require('fs');
const http = require('http');

const version = fs.readFileSync('version', 'utf8').trim();

function serve(request, response) {
    const url = new URL(request.url, 'http://localhost');
    const answer = () => {
        const body = `pong ${version} ${process.pid}\n`;
        response.writeHead(200, {
            'Content-Type': 'text/plain',
            'Content-Length': body.length,
            'X-Version': version,
            'X-Pid': process.pid,
        });
        response.end(body);
    };
    if (url.pathname === '/slow')
        setTimeout(answer, Number(url.searchParams.get('ms') || 1000));
    else
        answer();
}

if (cluster.isPrimary) {
    cluster.fork();
    cluster.fork();
    if (process.argv[3] === 'own')
        process.on('SIGTERM', () => cluster.disconnect(() => process.exit(0)));
} else {
    http.createServer({ keepAliveTimeout: 75000 }, serve).listen(Number(process.argv[2]), '127.0.0.1');
}
