"""A scripted milter: it says what a test wants it to say, in each phase, right
or wrong.

    with Milter(path) as m:
        m.say["M"] = [reject]
        m.end = [add_header("X-A", "b"), CONTINUE]

The protocol is that of sendmail 8.14 (include/libmilter/mfdef.h)."""

import contextlib
import os
import socket
import struct
import threading

VERSION = 6
ACTIONS = 0x1FF
NO = dict(connect=1, helo=2, mail=4, rcpt=8, body=0x10, headers=0x20, eoh=0x40,
          unknown=0x100, data=0x200)
NR = dict(header=0x80, connect=0x1000, helo=0x2000, mail=0x4000, rcpt=0x8000,
          data=0x10000, unknown=0x20000, eoh=0x40000, body=0x80000)
SKIP, REJECTED, LEADING_SPACE = 0x400, 0x800, 0x100000
MDS_256K, MDS_1M = 0x10000000, 0x20000000
NAMES = {"O": "options", "C": "connect", "H": "helo", "M": "mail", "R": "rcpt",
         "T": "data", "L": "header", "N": "eoh", "B": "body", "E": "end",
         "A": "abort", "Q": "quit", "K": "quit-nc", "D": "macro",
         "U": "unknown"}


def packet(code, data=b""):
    return struct.pack(">I", len(data) + 1) + code.encode() + data


CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, PROGRESS, SKIP_REST = (
    packet(c) for c in "cartdps")


def add_header(name, value):
    return packet("h", f"{name}\0{value}\0".encode())


def insert_header(index, name, value):
    return packet("i", struct.pack(">I", index) + f"{name}\0{value}\0".encode())


def change_header(index, name, value):
    return packet("m", struct.pack(">I", index) + f"{name}\0{value}\0".encode())


def replace_body(octets):
    return packet("b", octets)


def add_recipient(address, args=None):
    """With args: by SMFIR_ADDRCPT_PAR, as libmilter's smfi_addrcpt_par()."""
    if args is None:
        return packet("+", address.encode() + b"\0")
    return packet("2", f"{address}\0{args}\0".encode())


def remove_recipient(address):
    return packet("-", address.encode() + b"\0")


def change_from(address, args=None):
    more = b"" if args is None else args.encode() + b"\0"
    return packet("e", address.encode() + b"\0" + more)


def quarantine(reason):
    return packet("q", reason.encode() + b"\0")


def reply(text):
    return packet("y", text.encode() + b"\0")


class Hang(Exception):
    """Said instead of an answer: nothing, until the peer goes away."""


HANG, CLOSE = object(), object()


class Milter:
    def __init__(self, path=None, actions=ACTIONS, steps=0, macros=b"",
                 backlog=256, version=VERSION):
        self.path = path and str(path)
        self.backlog, self.version = backlog, version
        self.actions, self.steps, self.macros = actions, steps, macros
        # Instead of CONTINUE, by the letter of the command: a list of octets,
        # HANG or CLOSE; or a function of (milter, connection, data) -> list.
        self.say = {}
        self.events = []		# (connection, name, data)
        self.connections = 0
        self.open = set()
        self.changed = threading.Condition()
        self.stopping = False
        self.start()

    def start(self):
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.socket = self.path
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.socket = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.listener.listen(self.backlog)
        self.stopping = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for c in list(self.open):
            with contextlib.suppress(OSError):
                c.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def block(self, name="one", more=""):
        return f"milter {name} {{\n\tsocket = {self.socket}\n{more}}}\n"

    # -- what it heard

    def heard(self, name):
        with self.changed:
            return [data for _, n, data in self.events if n == name]

    def names(self):
        with self.changed:
            return [n for _, n, _ in self.events if n != "macro"]

    def wait(self, test, patience=30):
        with self.changed:
            assert self.changed.wait_for(test, patience), self.events[-20:]

    def macros_at(self, code):
        """The last macros that came before a command."""
        found = {}
        for data in self.heard("macro"):
            if data[:1] == code.encode():
                words = data[1:].split(b"\0")[:-1]
                found = dict(zip(words[::2], words[1::2]))
        return {k.decode(): v.decode() for k, v in found.items()}

    # -- the dialogue

    def _accept(self):
        while not self.stopping:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.connections += 1
                n = self.connections
            self.open.add(c)
            threading.Thread(target=self._serve, args=(c, n),
                             daemon=True).start()

    def _read(self, c, n):
        octets = b""
        while len(octets) < n:
            more = c.recv(n - len(octets))
            if not more:
                raise EOFError
            octets += more
        return octets

    def _note(self, n, name, data):
        with self.changed:
            self.events.append((n, name, data))
            self.changed.notify_all()

    def _serve(self, c, n):
        try:
            while True:
                length, = struct.unpack(">I", self._read(c, 4))
                octets = self._read(c, length)
                code, data = chr(octets[0]), octets[1:]
                self._note(n, NAMES.get(code, code), data)
                if code == "Q":
                    break
                for item in self._answers(c, code, data):
                    if item is HANG:
                        while c.recv(65536):
                            pass
                        raise EOFError
                    if item is CLOSE:
                        raise EOFError
                    c.sendall(item)
        except (OSError, EOFError):
            pass
        finally:
            self._note(n, "closed", b"")
            self.open.discard(c)
            c.close()

    def _answers(self, c, code, data):
        if code in self.say:
            say = self.say[code]
            return say(self, c, data) if callable(say) else say
        if code == "O":
            return [packet("O", struct.pack(">III", self.version, self.actions,
                                            self.steps) + self.macros)]
        if code in "DAK" or self._silent(code):
            return []
        return [CONTINUE]

    def _silent(self, code):
        bits = {"L": NR["header"], "C": NR["connect"], "H": NR["helo"],
                "M": NR["mail"], "R": NR["rcpt"], "T": NR["data"],
                "N": NR["eoh"], "B": NR["body"], "U": NR["unknown"]}
        return self.steps & bits.get(code, 0)
