"""One real smtpd in its sandbox, with a harness for all of its siblings
(tests/smtp/harness/main.c says what they do)."""

import os
import re
import select
import socket
import subprocess
import time
from pathlib import Path

BUILD = Path(os.environ.get("BULKHEAD_BUILD")
             or Path(__file__).resolve().parents[2] / "build" / "gcc")
SANITIZED = bool(os.environ.get("BULKHEAD_SANITIZE"))
PATIENCE = 60 if SANITIZED else 20
SITE = "mail.hamburger.edu"


class Message:
    def __init__(self, path):
        self.id = path.stem
        self.content = path.read_bytes()
        pairs = [line.split("=", 1) for line in
                 path.with_suffix(".env").read_text().splitlines()]
        self.envelope = dict(pairs)
        self.fields = [(k, v) for k, v in pairs]
        self.to = [v for k, v in pairs if k == "to"]

    @property
    def body(self):
        """What the client sent: all behind the Received field."""
        field = re.match(rb"Received: .*\r\n(?:[ \t].*\r\n)*", self.content)
        return self.content[field.end():]


class World:
    def __init__(self, folder, settings="", inject=False, lmtp=False,
                 descriptors=None, late_queue=False):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        # The door that the harness opens: without its block nobody comes in.
        self.block = ("listener lmtp {\n\tservice = lmtp\n"
                      "\taddress = 127.0.0.1:24\n}\n") if lmtp else ""
        self.settings(settings)
        args = [BUILD / "bin" / "tests-smtp-harness",
                BUILD / "bin" / "smtpd", self.folder,
                "inject" if inject else "lmtp" if lmtp else "smtp"]
        if descriptors or late_queue:
            args.append(str(descriptors or 0))
        if late_queue:
            args.append("late")
        self.process = subprocess.Popen(
            args, bufsize=0, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.said = b""
        kind, where = self._line().split()
        self.address = where if kind == "socket" else (
            "127.0.0.1", int(where))
        self.pid = int(self._line().split()[1])
        assert self._line() == "ready", self.log()
        if not late_queue:
            assert self.logged("event=listening")

    def settings(self, text):
        (self.folder / "smtpd.conf").write_text(text + self.block)

    def _line(self):
        while b"\n" not in self.said:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        PATIENCE)
            assert ready, "the harness says nothing: " + self.log()
            more = self.process.stdout.read(4096)
            assert more, "the harness has gone: " + self.log()
            self.said += more
        line, self.said = self.said.split(b"\n", 1)
        return line.decode()

    def order(self, text, answer="ok"):
        self.process.stdin.write(text.encode() + b"\n")
        assert self._line() == answer, self.log()

    def close(self):
        """Stop it as supervisor would; its exit status has to be 0."""
        if self.process.poll() is None:
            self.order("stop")
            assert self._line() == "exit 0", self.log()
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(PATIENCE) == 0
        assert "ERROR:" not in self.log()

    def log(self):
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def logged(self, *words, times=1):
        """Wait for so many lines with all of these words."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = [line for line in self.log().splitlines()
                     if all(w in line for w in words)]
            if len(lines) >= times:
                return lines
            assert time.monotonic() < end, (words, self.log())
            time.sleep(0.01)

    def messages(self):
        return [Message(p) for p in sorted(self.folder.glob("*.eml"))]

    def forget_messages(self):
        for path in self.folder.glob("*.e*"):
            path.unlink()

    def memory(self):
        """Private octets of the daemon."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return sum(int(n) for n in re.findall(
            r"^Private_\w+:\s+(\d+) kB", text, re.M)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connect(self, greeting=True, timeout=None):
        return Client(self.address, greeting, timeout or PATIENCE)


class Client:
    def __init__(self, address, greeting=True, timeout=PATIENCE):
        family = (socket.AF_UNIX if isinstance(address, str)
                  else socket.AF_INET)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        if greeting:
            assert self.reply()[0] == 220

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        self.socket.sendall(data)

    def line(self):
        """One line without its end; None at the end of the connection."""
        while b"\r\n" not in self.pending:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert self.pending == b""
                return None
            self.pending += more
        line, self.pending = self.pending.split(b"\r\n", 1)
        assert len(line) <= 510
        return line.decode("ascii")

    def reply(self):
        """(code, text) of one reply, all its lines; (None, "") at the end."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                assert not lines
                return None, ""
            lines.append(line)
            assert re.match(r"[2-5][0-5]\d[ -]", line), line
            if line[3] == " ":
                assert len({x[:3] for x in lines}) == 1
                return int(line[:3]), "\n".join(x[4:] for x in lines)

    def ask(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def expect(self, command, code, enhanced=None):
        got, text = self.ask(command)
        assert got == code, (command, got, text)
        if enhanced:
            assert text.startswith(enhanced + " "), (command, text)
        return text

    def start(self, sender="alice@crepes.fr", to=("bob@hamburger.edu",)):
        """EHLO to DATA."""
        self.expect("EHLO crepes.fr", 250)
        self.mail(sender, to)

    def mail(self, sender="alice@crepes.fr", to=("bob@hamburger.edu",),
             params=""):
        self.expect(f"MAIL FROM:<{sender}>{params}", 250)
        for address in to:
            self.expect(f"RCPT TO:<{address}>", 250)
        self.expect("DATA", 354)

    def deliver(self, content, sender="alice@crepes.fr",
                to=("bob@hamburger.edu",), params=""):
        """One message whose lines have CRLF already; dots are stuffed here."""
        self.mail(sender, to, params)
        if isinstance(content, str):
            content = content.encode("latin-1")
        content = re.sub(rb"^\.", b"..", content, flags=re.M)
        self.send(content + b".\r\n")
        return self.reply()

    def ended(self):
        """Nothing more comes but the end of the connection."""
        return self.line() is None
