"""A host that takes mail by SMTP or LMTP, or behaves as badly as a test wants.

    with Peer(port) as p:
        ...
        assert p.messages[0].content == ...

What it does at each step is in a dictionary: the step's name, and a reply
(str, without line end), several replies one for each time (list; the last
goes on), or a function of the Session, which may do anything and answers a
reply or None for nothing.  The steps: connect, greeting, ehlo, mail, rcpt,
data (the reply to DATA), content (before any of it is read), final, rset,
quit.
"""

import base64
import re
import socket
import threading
import time


class Closed(Exception):
    pass


class Message:
    def __init__(self, mail):
        self.mail = mail		# the MAIL command
        self.rcpt = []			# accepted RCPT commands
        self.content = b""		# dots undone


class Session:
    def __init__(self, peer, sock, number):
        self.peer, self.sock, self.number = peer, sock, number
        self.buf = b""
        self.lines = []			# commands as they came
        self.message = None
        self.count = {}
        self.secured = False

    # -- what behaviours use

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise Closed

    def say(self, reply):
        self.send(reply.encode() + b"\r\n")

    def close(self):
        raise Closed

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             b"\1\0\0\0\0\0\0\0")
        raise Closed

    def stall(self, seconds=600):
        self.peer.gone.wait(seconds)
        raise Closed

    def trickle(self, data, pause=0.2):
        """An octet now and then."""
        for i in range(len(data)):
            if self.peer.gone.wait(pause):
                raise Closed
            self.send(data[i:i + 1])

    # -- the dialogue

    def fill(self):
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            raise Closed
        if not data:
            raise Closed
        self.buf += data

    def line(self):
        while b"\n" not in self.buf:
            self.fill()
        line, self.buf = self.buf.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1]

    def octets(self, n):
        while len(self.buf) < n:
            self.fill()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def data(self):
        got = bytearray(b"\r\n" + self.buf)
        while (end := got.find(b"\r\n.\r\n", max(0, len(got) - 70000))) < 0:
            self.buf = b""
            self.fill()
            got += self.buf
        self.buf = bytes(got[end + 5:])
        text = bytes(got[:end + 2]).replace(b"\r\n..", b"\r\n.")
        return text[2:]

    def act(self, step, standard, before=None):
        """before: what to do before a reply of success is sent."""
        n = self.count[step] = self.count.get(step, 0) + 1
        what = self.peer.behaviour.get(step, standard)
        if isinstance(what, list):
            what = what[min(n, len(what)) - 1]
        if callable(what):
            what = what(self)
        if what is not None:
            if before is not None and what.startswith("2"):
                before()
            self.say(what)
            if what.startswith("421"):
                raise Closed
        return what or ""

    def run(self):
        self.act("connect", lambda s: None)
        if self.act("greeting", "220 peer ready")[:1] not in ("2", ""):
            return
        while True:
            line = self.line()
            self.lines.append(line.decode("utf-8", "replace"))
            verb = line.split(b" ")[0].upper().decode()
            getattr(self, "on_" + verb.lower(), self.unknown)(line)

    def unknown(self, line):
        self.say("502 5.5.1 what?")

    def on_ehlo(self, line):
        words = ["peer"] + list(self.peer.extensions)
        self.act("ehlo", "\r\n".join(
            f"250{' ' if i == len(words) - 1 else '-'}{w}"
            for i, w in enumerate(words)))

    on_lhlo = on_ehlo

    def on_helo(self, line):
        self.act("helo", "250 peer")

    def on_mail(self, line):
        if self.message is not None:
            self.say("503 5.5.1 nested MAIL")
            return
        if self.act("mail", "250 2.1.0 ok").startswith("2"):
            self.message = Message(line.decode("utf-8", "replace"))

    def on_rcpt(self, line):
        if self.message is None:
            self.say("503 5.5.1 no MAIL")
        elif self.act("rcpt", "250 2.1.5 ok").startswith("2"):
            self.message.rcpt.append(line.decode("utf-8", "replace"))

    def taken(self):
        """One reply, or with LMTP one for each recipient."""
        for _ in (self.message.rcpt if self.peer.lmtp else [0]):
            self.act("final", "250 2.0.0 taken",
                     lambda: self.peer.take(self.message))
        self.message = None

    def on_data(self, line):
        if self.message is None or not self.message.rcpt:
            self.say("503 5.5.1 no recipients")
        elif self.act("data", "354 go on").startswith("3"):
            self.act("content", lambda s: None)
            self.message.content = self.data()
            self.taken()

    def on_bdat(self, line):
        size, *last = re.fullmatch(rb"BDAT (\d+)( LAST)?", line).groups()
        self.act("content", lambda s: None)
        data = self.octets(int(size))
        if self.message is None or not self.message.rcpt:
            self.say("503 5.5.1 no recipients")
            return
        self.message.content += data
        if last[0]:
            self.taken()
        else:
            self.say("250 2.0.0 more")

    def on_starttls(self, line):
        """tls: an ssl.SSLContext of the test's."""
        reply = self.act("starttls", "220 2.0.0 go on")
        if reply.startswith("2"):
            try:
                self.sock = self.peer.tls.wrap_socket(self.sock,
                                                      server_side=True)
            except OSError:		# ssl's errors are ones
                raise Closed
            self.secured = True

    def on_auth(self, line):
        """PLAIN alone; what the client said is in peer.logins."""
        words = line.decode().split(" ")
        assert words[1] == "PLAIN", line
        self.peer.logins.append(base64.b64decode(words[2]).split(b"\0")[1:])
        self.act("auth", "235 2.7.0 welcome")

    def on_rset(self, line):
        self.message = None
        self.act("rset", "250 2.0.0 ok")

    def on_quit(self, line):
        self.act("quit", "221 2.0.0 bye")
        raise Closed


class Peer:
    def __init__(self, port=0, address="127.0.0.1", extensions=(),
                 lmtp=False, tls=None, **behaviour):
        self.extensions, self.lmtp = extensions, lmtp
        self.behaviour = behaviour
        self.tls, self.logins = tls, []
        self.messages, self.sessions = [], []
        self.lock = threading.Lock()
        self.gone = threading.Event()
        self.listening = socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind((address, port))
        self.listening.listen(512)
        self.port = self.listening.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while not self.gone.is_set():
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            with self.lock:
                s = Session(self, sock, len(self.sessions))
                self.sessions.append(s)
            t = threading.Thread(target=self._serve, args=[s], daemon=True)
            t.start()

    def _serve(self, s):
        try:
            s.run()
        except Closed:
            pass
        finally:
            s.sock.close()

    def take(self, message):
        with self.lock:
            self.messages.append(message)

    def await_messages(self, n, patience=30):
        until = time.monotonic() + patience
        while len(self.messages) < n:
            assert time.monotonic() < until, (
                f"{len(self.messages)} of {n} messages; "
                f"{[s.lines for s in self.sessions]}")
            time.sleep(0.01)
        return self.messages

    def await_quiet(self, patience=60):
        """All that came have gone."""
        until = time.monotonic() + patience
        while any(s.sock.fileno() != -1 for s in self.sessions):
            assert time.monotonic() < until, len(self.sessions)
            time.sleep(0.02)

    def await_mails(self, n, patience=30):
        """So many sessions came as far as a MAIL."""
        until = time.monotonic() + patience
        while sum(any(l.startswith("MAIL") for l in s.lines)
                  for s in self.sessions) < n:
            assert time.monotonic() < until, len(self.sessions)
            time.sleep(0.01)

    def lines(self):
        return [l for s in self.sessions for l in s.lines]

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.gone.set()
        # A thread in accept(2) keeps the socket; this wakes it up.
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for s in self.sessions:
            try:
                s.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
