/* SPDX-License-Identifier: MIT */

import java.io.File;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A server that opens its port when the file `gate` is in the working directory. The debugger's or JMX's port is
 * the virtual machine's, which opens it before. Usage: java JavaLate PORT, with the version in the file `version`.
 */
public class JavaLate {
    static void answer(Socket client, String version) throws Exception {
        try (client) {
            InputStream in = client.getInputStream();
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = in.read();
                if (next < 0)
                    return;
                head.append((char)next);
            }
            long pid = ProcessHandle.current().pid();
            String body = "pong " + version + " " + pid + "\n";
            client.getOutputStream().write(("HTTP/1.1 200 OK\r\nX-Version: " + version + "\r\nX-Pid: " + pid
                    + "\r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n" + body).getBytes());
        }
    }

    public static void main(String[] arguments) throws Exception {
        String version = Files.readString(Path.of("version")).trim();
        while (!new File("gate").exists())
            Thread.sleep(5);
        ServerSocket listener =
                new ServerSocket(Integer.parseInt(arguments[0]), 128, InetAddress.getByName("127.0.0.1"));
        while (true) {
            Socket client = listener.accept();
            new Thread(() -> {
                try {
                    answer(client, version);
                } catch (Exception e) {
                    /* the client has gone */
                }
            }).start();
        }
    }
}
