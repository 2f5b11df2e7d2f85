// SPDX-License-Identifier: MIT
// A node server that runs $CHILD_COMMAND by way of what node offers: GET /child?via=NAME.
// Usage: node node_children.js PORT, with the version in the file `version` of the working directory.
'use strict';
const childProcess = require('child_process');
const fs = require('fs');
const http = require('http');

const version = fs.readFileSync('version', 'utf8').trim();
const command = process.env.CHILD_COMMAND;

function spawnChild(done) {
    const child = childProcess.spawn('/bin/sh', ['-c', command], {stdio: ['ignore', 'pipe', 'inherit']});
    let output = '';
    child.stdout.on('data', (data) => { output += data; });
    child.on('close', () => done(output));
}

const ways = {
    spawn: spawnChild,
    exec: (done) => childProcess.exec(command, (error, output) => done(output)),
    sync: (done) => done(childProcess.execSync(command)),
};

const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const answer = (body) => {
        response.writeHead(200, {'X-Version': version, 'X-Pid': process.pid});
        response.end(body);
    };
    if (url.pathname === '/child')
        ways[url.searchParams.get('via')](answer);
    else
        answer('pong\n');
});
server.listen(Number(process.argv[2]), '127.0.0.1');
