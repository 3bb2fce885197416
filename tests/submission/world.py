"""An instance with a listener for submission, and a client that sees every
line of the dialogue."""

import base64
import re
import socket

from support import scram
from support.instance import DOMAIN, PATIENCE, Instance
from support.slots import Slot

BODY = b"From: a\r\nSubject: s\r\n\r\nhello\r\n"


def b64(octets):
    if isinstance(octets, str):
        octets = octets.encode()
    return base64.b64encode(octets).decode()


def plain(name, password, authzid=""):
    return b64(f"{authzid}\0{name}\0{password}")


class Submission(Instance):
    """files, settings as Instance's; listener: more lines of the block.
    verifiers: each user can log in by SCRAM, too."""

    def __init__(self, folder, smtpd="", listener="", settings="",
                 verifiers=True, **more):
        slot = Slot()
        self.submission_port = slot.port(3)
        self.verifiers = verifiers
        files = {"smtpd.conf":
                 f"{smtpd}\nlistener submission {{\n\tservice = submission\n"
                 f"\taddress = 127.0.0.1:{self.submission_port}\n"
                 f"{listener}}}\n",
                 "authd.conf": "failure_delay = 0s\n", **more}
        super().__init__(folder, files=files, settings=settings, slot=slot)

    def add_user(self, name, password=None, domain=DOMAIN):
        number = super().add_user(name, password, domain)
        if self.verifiers:
            path = self.conf / "passwords"
            text = path.read_text()
            assert text.endswith(" -\n")
            path.write_text(text[:-2] + scram.verifier(
                password or f"{name}-secret") + "\n")
        return number

    def client(self, ehlo=True, port=None):
        return Client(port or self.submission_port, ehlo)


class Client:
    def __init__(self, port, ehlo=True):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")
        assert self.reply()[0] == 220
        if ehlo:
            self.keywords = self.ask("EHLO client.example.net")[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes)
                            else data.encode())

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return None, ""
            assert line.endswith(b"\r\n") and len(line) <= 4200
            text = line.decode().rstrip("\r\n")
            assert re.match(r"[2-5][0-5]\d[ -]", text), text
            lines.append(text[4:])
            if text[3] == " ":
                return int(text[:3]), "\n".join(lines)

    def ask(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def expect(self, command, code, enhanced=""):
        got = self.ask(command)
        assert got[0] == code and got[1].startswith(enhanced), (command, got)
        return got[1]

    def challenge(self, command):
        return base64.b64decode(self.expect(command, 334), validate=True)

    def mechanisms(self):
        for line in self.keywords.split("\n"):
            if line.startswith("AUTH "):
                return line.split()[1:]
        return []

    def login(self, name="alice", password=None):
        self.expect("AUTH PLAIN " + plain(
            f"{name}@{DOMAIN}", password or f"{name}-secret"), 235, "2.7.0")
        return self

    def scram(self, name, password, initial=True, **options):
        """To the last reply; False where the exchange ended before."""
        c = scram.Client(name, password, **options)
        if initial:
            got = self.ask("AUTH SCRAM-SHA-256 " + b64(c.first()))
        else:
            assert self.challenge("AUTH SCRAM-SHA-256") == b""
            got = self.ask(b64(c.first()))
        if got[0] != 334:
            return got
        got = self.ask(b64(c.final(base64.b64decode(got[1]))))
        if got[0] != 334:
            return got
        return self.ask(b64(c.verify(base64.b64decode(got[1]))))

    def transaction(self, sender, to, content=BODY):
        """The replies to MAIL, each RCPT, and the message."""
        replies = [self.ask(f"MAIL FROM:<{sender}>")]
        if replies[0][0] != 250:
            return replies
        replies += [self.ask(f"RCPT TO:<{r}>") for r in to]
        if all(code != 250 for code, _ in replies[1:]):
            self.expect("RSET", 250)
            return replies
        self.expect("DATA", 354)
        self.send(content + b".\r\n")
        return [*replies, self.reply()]
