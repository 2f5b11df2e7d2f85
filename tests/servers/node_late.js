// SPDX-License-Identifier: MIT
// A node server with a metrics port, which answers at once, and a port that it opens when the file `gate` is in the
// working directory. Usage: node node_late.js PORT METRICS, with the version in the file `version`.
'use strict';
const fs = require('fs');
const http = require('http');

const version = fs.readFileSync('version', 'utf8').trim();
const serve = (port) => http.createServer((request, response) => {
    response.writeHead(200, {'X-Version': version, 'X-Pid': process.pid});
    response.end(`pong ${version} ${process.pid}\n`);
}).listen(port, '127.0.0.1');

if (process.argv[3])
    serve(Number(process.argv[3]));
const timer = setInterval(() => {
    if (!fs.existsSync('gate'))
        return;
    clearInterval(timer);
    serve(Number(process.argv[2]));
}, 5);
