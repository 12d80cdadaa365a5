//! What applications on a platform do beside serving pages: WebSockets, and pods that keep their name
//! and their volume.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use edk_testkit::{Signal, TestEnv, wait_until};

use crate::world;

/// Echoes the text frames of a WebSocket (RFC 6455) until one side closes.
const ECHO: &str = r#""""Echoes the frames of WebSockets, and answers probes."""

import base64
import hashlib
import socketserver

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        head = {}
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            head[name.lower()] = value.strip()
        if head.get(b"upgrade", b"").lower() != b"websocket":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            return
        key = hashlib.sha1(head[b"sec-websocket-key"] + MAGIC).digest()
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n")
        while len(start := self.rfile.read(2)) == 2:
            size = start[1] & 0x7F
            mask, data = self.rfile.read(4), self.rfile.read(size)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            self.wfile.write(bytes([start[0], size]) + text)
            if start[0] & 0x0F == 8:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


Server(("0.0.0.0", 8080), Handler).serve_forever()
"#;

/// Tells its pod, and how often it was started on its volume; ends when it is told to.
const KEEP: &str = r#""""Counts its starts on a volume."""

import http.server
import os

with open("/data/starts", "a") as starts:
    starts.write("x")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/end"):
            os._exit(3)
        text = f"{os.environ['POD']} {os.path.getsize('/data/starts')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


http.server.ThreadingHTTPServer(("0.0.0.0", 9000), Handler).serve_forever()
"#;

const STATEFUL: &str = r#"apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: keep
  namespace: {{ .Values.global.services_namespace }}
  labels: {app.kubernetes.io/name: keep}
spec:
  serviceName: keep
  replicas: 1
  selector: {matchLabels: {app.kubernetes.io/name: keep}}
  template:
    metadata: {labels: {app.kubernetes.io/name: keep}}
    spec:
      containers:
        - name: keep
          image: "{{ .Values.global.registry_url }}/hello:{{ .Chart.Version }}"
          imagePullPolicy: IfNotPresent
          command: [python3, -u, /app/keep.py]
          env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          ports: [{containerPort: 9000}]
          readinessProbe: {tcpSocket: {port: 9000}}
          volumeMounts: [{name: data, mountPath: /data}]
      imagePullSecrets: [{name: registry-secret}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: keep, namespace: "{{ .Values.global.services_namespace }}"}
spec: {selector: {app.kubernetes.io/name: keep}, ports: [{port: 9000}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: keep, namespace: "{{ .Values.global.services_namespace }}"}
spec:
  rules:
    - http:
        paths:
          - path: /keep
            pathType: Prefix
            backend: {service: {name: keep, port: {number: 9000}}}
"#;

/// The application of the template, with another program and a StatefulSet beside it.
fn application(env: &TestEnv) {
    env.edk(&["new", "application", "hello", "--yes", "--set", "name=hello"]).exits(0);
    let write = |file: &str, text: &str| fs::write(env.path("hello").join(file), text).unwrap();
    write("docker/files/server.py", ECHO);
    write("docker/files/keep.py", KEEP);
    write("hello-chart/templates/keep.yaml", STATEFUL);
    let dockerfile = fs::read_to_string(env.path("hello/docker/Dockerfile")).unwrap();
    write(
        "docker/Dockerfile",
        &dockerfile.replace("files/server.py /app/server.py", "files/ /app/"),
    );
}

fn page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Whoever ends in the middle of it is told by what is missing.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())
}

/// A frame as a client sends it: masked (RFC 6455, section 5.3).
fn frame(opcode: u8, data: &[u8]) -> Vec<u8> {
    let mask = [7, 11, 13, 17];
    let masked = data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    let size = u8::try_from(data.len()).unwrap();
    [0x80 | opcode, 0x80 | size].into_iter().chain(mask).chain(masked).collect()
}

#[test]
fn websockets_pass_and_a_stateful_pod_keeps_its_name_and_its_volume() {
    let env = TestEnv::with_images_of(&world::base().env);
    application(&env);
    let mut server = env.start(&["sandbox", "serve", "--port", "0"]);
    let address = server.address();
    let done = env.result(&["deploy", "hello"]);
    assert_eq!(done["pods"]["keep-0"], "running", "{done}");

    // The key and its answer are those of RFC 6455, section 1.3.
    let mut socket = TcpStream::connect(&address).unwrap();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13";
    let ask = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket";
    write!(socket, "GET /hello/socket HTTP/1.1\r\n{ask}\r\n{key}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    for text in ["one", "another after it"] {
        socket.write_all(&frame(1, text.as_bytes())).unwrap();
        let mut echo = vec![0; 2 + text.len()];
        socket.read_exact(&mut echo).unwrap();
        assert_eq!(echo[0], 0x81);
        assert_eq!(&echo[2..], text.as_bytes());
    }
    socket.write_all(&frame(8, &[0x03, 0xe8])).unwrap();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0x88, 2, 0x03, 0xe8], "closed by both, and then by the proxy");

    wait_until("its first start", 30, || page(&address, "/keep/") == "keep-0 1");
    page(&address, "/keep/end");
    wait_until("its second start", 30, || page(&address, "/keep/") == "keep-0 2");
    env.edk(&["uninstall", "hello"]).exits(0);
    assert_eq!(page(&address, "/keep/"), "404 page not found");
    server.signal(Signal::SIGTERM);
    server.finish();
}
