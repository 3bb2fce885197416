"""imapd-session alone, in its real sandbox, and a client that reads exactly
what RFC 3501 section 9 says a response is."""

import os
import re
import socket
import struct
import time

from alone import program as alone
from alone.program import Program, UID, octets


def record(session=0xabc, tag=b"t0", user=b"bob"):
    return (struct.pack("<BQBH", 2, session, 1, 1234) +
            bytes([127, 0, 0, 1]) + bytes(12) + octets(tag) + octets(user) +
            b"\0")


class Reply(list):
    """Untagged responses, literals joined in; status is OK, NO or BAD."""

    def __init__(self, lines, status, text):
        super().__init__(lines)
        self.status, self.text = status, text

    def of(self, word):
        """Untagged responses with this word behind the star or number."""
        return [r for r in self
                if re.match(rb"\* (\d+ )?" + word.encode() + rb"\b", r)]


class Session(Program):
    def __init__(self, folder, settings="", user=b"bob"):
        super().__init__("imapd-session", folder, tree=folder / "home")
        self.settings(settings)
        try:
            self.commit()
        except AssertionError:
            self.__exit__(None)
            raise
        self.sock, theirs = socket.socketpair()
        fd = os.memfd_create("handoff", os.MFD_ALLOW_SEALING)
        os.write(fd, record(user=user))
        self.supervisor.send(alone.SESSION_GIVE, 0, b"", [theirs.fileno(), fd])
        os.close(fd)
        theirs.close()
        self.sock.settimeout(30)
        self.file = self.sock.makefile("rb")
        self.tags = 0
        self.greeting = self.response()

    def close(self):
        if self.file.closed:
            return
        self.file.close()
        self.sock.close()
        self.__exit__(None)

    def response(self):
        """One response line with the literals in it."""
        whole = b""
        while True:
            line = self.file.readline()
            assert line.endswith(b"\r\n") or line == b"", line
            whole += line
            m = re.search(rb"\{(\d+)\}\r\n$", line)
            if m is None:
                return whole
            n = int(m[1])
            data = self.file.read(n)
            assert len(data) == n
            whole += data

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def ask(self, command, *literals):
        """A command; "{}" in it stands for the next literal."""
        self.tags += 1
        tag = f"t{self.tags}"
        if isinstance(command, str):
            command = command.encode()
        parts = command.split(b"{}")
        assert len(parts) == len(literals) + 1
        self.send(tag.encode() + b" " + parts[0])
        lines = []
        for literal, rest in zip(literals, parts[1:]):
            self.send(b"{%d}\r\n" % len(literal))
            got = self.response()
            if not got.startswith(b"+"):
                return self.finish(tag, lines, got)
            self.send(literal + rest)
        self.send(b"\r\n")
        return self.finish(tag, lines, self.response())

    def finish(self, tag, lines, got):
        while not got.startswith(tag.encode() + b" "):
            assert got != b"", f"closed; {lines}\n{self.log()}"
            lines.append(got)
            got = self.response()
        status, _, text = got[len(tag) + 1:].partition(b" ")
        return Reply(lines, status.decode(), text.decode().strip())

    def ok(self, command, *literals):
        r = self.ask(command, *literals)
        assert r.status == "OK", (command, r.text)
        return r

    def append(self, message, mailbox="INBOX", flags=""):
        return self.ok(f"APPEND {mailbox} {flags}{{}}",
                       message.replace(b"\n", b"\r\n"))

    def literal(self, command, name):
        """The octets that FETCH gives for one item of one message."""
        r = self.ok(command)
        assert len(r.of("FETCH")) == 1, r
        m = re.search(re.escape(name.encode()) +
                      rb" (NIL|\"[^\"]*\"|\{(\d+)\}\r\n)", r.of("FETCH")[0])
        assert m, r
        if m[2] is None:
            return None if m[1] == b"NIL" else m[1][1:-1]
        return r.of("FETCH")[0][m.end():m.end() + int(m[2])]


def wait_for(what, patience=20):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if (r := what()):
            return r
        time.sleep(0.05)
    raise AssertionError("did not happen")


# ---- the grammar of a parenthesised response, as Python values

TOKEN = re.compile(rb' *(?:(\()|(\))|"((?:[^"\\]|\\.)*)"|\{(\d+)\}\r\n'
                   rb'|(BODY\[[^\]]*\](?:<\d+>)?|[^ ()"{}\r\n]+))')


def parse(data):
    """Lists of octets, None for NIL, int for numbers."""
    stack, at, end = [[]], 0, len(data.rstrip())
    while at < end:
        m = TOKEN.match(data, at)
        assert m, data[at:at + 60]
        at = m.end()
        if m[1]:
            stack.append([])
        elif m[2]:
            done = stack.pop()
            stack[-1].append(done)
        elif m[3] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m[3]))
        elif m[4]:
            stack[-1].append(data[at:at + int(m[4])])
            at += int(m[4])
        else:
            word = m[5]
            stack[-1].append(None if word == b"NIL" else
                             int(word) if word.isdigit() else word)
    assert len(stack) == 1
    return stack[0]


def fetched(response):
    """{item: value} of one FETCH response."""
    inner = parse(response[response.index(b"FETCH ") + 6:])[0]
    return {k.decode(): v for k, v in zip(inner[::2], inner[1::2])}
