<?php
// SPDX-License-Identifier: MIT
// PHP polls the listener, and then calls accept(), which blocks; it warns where that fails.
// Usage: php_accepts.php PORT, with the version in the file `version`.
$listener = stream_socket_server("tcp://127.0.0.1:$argv[1]", $errno, $error);
$pid = getmypid();
$version = trim(file_get_contents("version"));
while (true) {
    $connection = stream_socket_accept($listener, 3600);
    if ($connection === false) {
        fwrite(STDERR, "accept: failed\n");
        exit(1);
    }
    stream_set_timeout($connection, 10);
    while (($line = fgets($connection)) !== false && trim($line) !== "");
    $body = "pong $version $pid\n";
    fwrite($connection, "HTTP/1.1 200 OK\r\nContent-Length: " . strlen($body) . "\r\nConnection: close\r\n"
        . "X-Pid: $pid\r\nX-Version: $version\r\n\r\n$body");
    fclose($connection);
}
