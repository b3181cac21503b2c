"""HTTP as bytes on a socket: what the requests library would tidy up before the server sees it."""

import socket


class Reply:
    def __init__(self, data):
        head, self.separator, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
        self.lines = lines[1:]

    def header(self, name):
        found = [line.split(":", 1)[1].strip() for line in self.lines if line.lower().startswith(name.lower() + ":")]
        return found[0] if found else None


def read_all(s):
    data = b""
    try:
        while chunk := s.recv(65536):
            data += chunk
    except (ConnectionError, TimeoutError):
        pass
    return data


def read_reply(s):
    """One reply on a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = s.recv(65536)
        if not chunk:
            return Reply(data)
        data += chunk
    reply = Reply(data)
    length = int(reply.header("Content-Length") or 0)
    while len(reply.body) < length:
        chunk = s.recv(65536)
        if not chunk:
            break
        reply.body += chunk
    return reply


def exchange(addr, request, timeout=20):
    """Send bytes, read until the server closes or says nothing more: the request should ask for `Connection: close`."""
    with socket.create_connection(addr, timeout=timeout) as s:
        s.sendall(request)
        return Reply(read_all(s))


def request(method, path, headers=(), body=None):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost", "Connection: close", *headers]
    if body is not None:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
