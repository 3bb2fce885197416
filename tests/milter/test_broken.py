"""Milters that are down, slow, wrong or hostile: what milterd.conf says about
it is what happens, and nobody else notices."""

import contextlib
import smtplib
import struct
import threading
import time

import pytest

from support.instance import DOMAIN
from support.milter import (CLOSE, CONTINUE, DISCARD, HANG, PROGRESS,
                            SKIP_REST, Milter, add_header, add_recipient,
                            change_from, packet, replace_body)

from .world import instance

BOB = f"bob@{DOMAIN}"
MESSAGE = "From: a@example.net\r\nSubject: x\r\n\r\nbody\r\n"
QUICK = ("\tconnect_timeout = 2s\n\tcommand_timeout = 2s\n"
         "\tcontent_timeout = 2s\n")


def step(c, message=MESSAGE):
    """The code that ends a transaction, and where."""
    c.ehlo_or_helo_if_needed()
    for name, command in (("mail", "MAIL FROM:<a@example.net>"),
                          ("rcpt", f"RCPT TO:<{BOB}>"), ("data", "DATA")):
        code = c.docmd(command)[0]
        if code >= 400:
            c.rset()
            return code, name
    c.send(message + ".\r\n")
    return c.getreply()[0], "end"


PHASES = {"C": "mail", "H": "mail", "M": "mail", "R": "rcpt", "T": "data",
          "L": "end", "N": "end", "B": "end", "E": "end", "O": "mail"}
FAILURES = [("tempfail", 451), ("reject", 550), ("accept", 250)]


@pytest.mark.parametrize("effect,code", FAILURES)
def test_nobody_listens(tmp_path, effect, code):
    with instance(tmp_path / "i", {}, names="one", conf="milter one {\n"
                  f"\tsocket = {tmp_path}/none\n\ton_failure = {effect}\n}}\n"
                  ) as i:
        i.start()
        with i.smtp() as c:
            assert step(c)[0] == code
            assert step(c)[0] == code
        line = i.log(event="milter-failed")[0]
        assert line["effect"] == effect and line["milter"] == "one"
        assert line["error"]
        assert len(i.maildir("bob")) <= 2
        if effect == "accept":
            i.await_mail("bob", 2)
        # It comes back, and nobody has to be told.
        with Milter(tmp_path / "none") as m:
            with i.smtp() as c:
                assert step(c) == (250, "end")
            assert "end" in m.names()


@pytest.mark.parametrize("effect,code", FAILURES)
@pytest.mark.parametrize("letter", PHASES)
@pytest.mark.parametrize("how", ["drop", "stall"])
def test_gone_in_every_phase(tmp_path, letter, effect, code, how):
    """It drops the connection, or never answers, in each phase; it has asked
    for changes already, which are forgotten."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {}, names="one", conf=m.block(
                "one", f"\ton_failure = {effect}\n{QUICK}")) as i:
        m.say[letter] = ([add_header("X-A", "b")] if letter == "E" else []) + [
            CLOSE if how == "drop" else HANG]
        i.start()
        with i.smtp() as c:
            got = step(c)
            assert got == (code, PHASES[letter] if code != 250 else "end")
            del m.say[letter]
            assert step(c) == (250, "end")
        found = i.await_mail("bob", 2 if code == 250 else 1)
        assert all(b"X-A" not in f.read_bytes() for f in found)
        assert i.log(event="milter-failed", milter="one", effect=effect)


WRONG = {
    "no length": b"\0\0\0\0",
    "endless length": b"\xff\xff\xff\xffc",
    "ten megabytes": struct.pack(">I", 10 << 20) + b"c" + b"x" * (10 << 20),
    "unknown code": packet("!"),
    "our own command": packet("D", b"x"),
    "data behind nothing": packet("c", b"more"),
    "SKIP of the end": SKIP_REST,
    "unterminated": packet("y", b"550 5.7.1 no end"),
    "two ends": packet("y", b"550 5.7.1 x\0\0"),
    "a reply of success": packet("y", b"250 fine\0"),
    "a reply that is none": packet("y", b"hello\0"),
    "codes that disagree": packet("y", b"550 4.7.1 x\0"),
    "a reply in two codes": packet("y", b"550-a\r\n551 b\0"),
    "a field without a name": packet("h", b"\0b\0"),
    "a field without a value": packet("h", b"a\0"),
    "a name with a line end": packet("h", b"a\r\nX: y\0b\0"),
    "an index cut off": packet("i", b"\0\0"),
    "not an address": packet("+", b"<a@b> <c@d>\0"),
    "an address with a line end": packet("+", b"<a@b.example>\r\nX\0"),
    "parameters of no recipient": add_recipient("<a@b.example>", "RET=HDRS"),
    "parameters of no MAIL": change_from("<a@b.example>", "NOTIFY=NEVER"),
    "a parameter twice": add_recipient("<a@b.example>",
                                       "NOTIFY=NEVER NOTIFY=DELAY"),
    "a value that is none": change_from("<a@b.example>", "RET=ALL"),
    "a line end in a parameter": change_from("<a@b.example>",
                                             "ENVID=a\r\nRCPT"),
    "endless parameters": add_recipient(
        "<a@b.example>", "ORCPT=rfc822;" + "x" * 5000),
    "an endless address": packet("+", b"a" * 5000 + b"@b.example\0"),
    "a bare CR": replace_body(b"a\rb"),
    "too many changes": add_header("X", "y") * 1001,
    "too much of a change": add_header("X", "y" * 60000) * 10,
    "too many recipients": b"".join(
        add_recipient(f"<{'x' * 50}{n}@b.example>") for n in range(600)),
    "options once more": packet("O", struct.pack(">III", 6, 0, 0)),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One instance for all that can be wrong."""
    folder = tmp_path_factory.mktemp("broken")
    with Milter(folder / "s") as m, instance(
            folder / "i", {}, names="one",
            conf=m.block("one", QUICK)) as i:
        i.start()
        yield i, m


@pytest.mark.parametrize("what", WRONG)
def test_wrong_at_the_end(world, what):
    """Each is told from what is right, the message gets 451, and milterd goes
    on with the next."""
    i, m = world
    before = len(i.log(event="milter-failed"))
    pids = i.pids("milterd")
    m.say["E"] = [WRONG[what], CONTINUE]
    with i.smtp() as c:
        assert step(c) == (451, "end"), what
        m.say.clear()
        assert step(c) == (250, "end")
    assert len(i.await_log(before + 1, event="milter-failed")) == before + 1
    assert i.pids("milterd") == pids


@pytest.mark.parametrize("what", ["no length", "endless length",
                                  "ten megabytes", "unknown code",
                                  "unterminated", "data behind nothing"])
@pytest.mark.parametrize("letter", "OCMRTLNB")
def test_wrong_in_every_phase(world, letter, what):
    i, m = world
    m.say[letter] = [WRONG[what]]
    with i.smtp() as c:
        assert step(c) == (451, PHASES[letter])
        m.say.clear()
        assert step(c) == (250, "end")


OPTIONS = {
    "an old version": struct.pack(">III", 1, 0, 0),
    "a version to come": struct.pack(">III", 7, 0, 0),
    "actions not offered": struct.pack(">III", 6, 0x200, 0),
    "steps not offered": struct.pack(">III", 6, 0, 0x80000000),
    "cut off": struct.pack(">II", 6, 0),
    "macros without a word": struct.pack(">III", 6, 0, 0) + b"\0\0\0\1i\0",
    "macros of no stage": struct.pack(">III", 6, 0x100, 0) + b"\0\0\0\11i\0",
    "macros without end": struct.pack(">III", 6, 0x100, 0) + b"\0\0\0\1i",
}


@pytest.mark.parametrize("letter", "CH")
def test_discard_before_there_is_a_message(world, letter):
    """DISCARD is said of a message, and no client is one."""
    i, m = world
    before = len(i.log(event="milter-failed"))
    m.say[letter] = [DISCARD]
    with i.smtp() as c:
        assert step(c) == (451, "mail")
        m.say.clear()
        assert step(c) == (250, "end")
    line = i.await_log(before + 1, event="milter-failed")[before]
    assert line["reason"] == "DISCARD where it may not be"


@pytest.mark.parametrize("what", OPTIONS)
def test_wrong_options(world, what):
    i, m = world
    m.say["O"] = [packet("O", OPTIONS[what])]
    with i.smtp() as c:
        assert step(c) == (451, "mail")
        m.say.clear()
        assert step(c) == (250, "end")


def test_a_change_that_was_not_agreed_upon(tmp_path):
    with Milter(tmp_path / "s", actions=0) as m, instance(
            tmp_path / "i", {"one": m}) as i:
        m.say["E"] = [add_header("X", "y"), CONTINUE]
        i.start()
        with i.smtp() as c:
            assert step(c) == (451, "end")
        m.say["B"] = [add_header("X", "y"), CONTINUE]
        m.actions = 0x1FF
        with i.smtp() as c:		# and not before the end
            assert step(c) == (451, "end")


def test_unasked(world):
    """What comes without a question is no answer to the next one."""
    i, m = world
    m.say["M"] = [CONTINUE + packet("r")]
    with i.smtp() as c:
        assert step(c) == (451, "rcpt")
        m.say.clear()
        assert step(c) == (250, "end")


def test_endless_progress(tmp_path):
    """A milter that says for ever that it is at work: smtpd has patience of
    its own, and the next message is looked at anew."""
    stop = threading.Event()

    def busy(m, c, data):
        while not stop.is_set():
            yield PROGRESS
            time.sleep(0.05)

    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}, smtpd="milter_timeout = 2s\n") as i:
        m.say["E"] = busy
        i.start()
        with i.smtp() as c:
            assert step(c) == (451, "end")
            m.say.clear()
            assert step(c) == (250, "end")
        stop.set()


def test_endless_answers(tmp_path):
    """Packets without end, each of them right."""
    def busy(m, c, data):
        while True:
            yield PROGRESS * 1000

    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}) as i:
        m.say["E"] = busy
        i.start()
        with i.smtp() as c:
            assert step(c) == (451, "end")
        i.await_log(event="milter-failed", reason="endless answers")


def test_a_body_without_end(tmp_path):
    def busy(m, c, data):
        while True:
            yield replace_body(b"x" * 60000 + b"\r\n")

    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {}, names="one",
            conf="max_body = 1M\n" + m.block()) as i:
        m.say["E"] = busy
        i.start()
        with i.smtp() as c:
            assert step(c) == (451, "end")


def test_a_stalled_one_delays_nobody_else(tmp_path):
    """While one milter hangs at one listener, mail without milters and mail of
    another milter goes on."""
    from .world import block
    with Milter(tmp_path / "a") as a, Milter(tmp_path / "b") as b:
        i = instance(tmp_path / "i", {"a": a, "b": b}, names="a")
        port = i.slot.port(5)
        i.write("smtpd.conf", block(i, "a") +
                f"listener other {{\n\taddress = 127.0.0.1:{port}\n"
                "\tmilters = b\n}\n")
        a.say["M"] = [HANG]
        with i:
            i.start()
            stuck = [i.smtp() for _ in range(30)]
            for c in stuck:
                c.ehlo()
                c.send("MAIL FROM:<>\r\n")
            a.wait(lambda: sum(n == "mail" for _, n, _ in a.events) == 30)
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as c:
                for _ in range(20):
                    c.sendmail("a@example.net", [BOB], MESSAGE)
            i.await_mail("bob", 20)
            for c in stuck:
                c.close()


def test_a_recipient_that_is_not_waited_for(tmp_path):
    """smtpd's patience ends before milterd's, at a RCPT: that message is not
    taken without its verdict, and other sessions go on."""
    alice = f"alice@{DOMAIN}"
    with Milter(tmp_path / "s") as m:
        m.say["R"] = lambda m, c, data: [HANG if b"bob" in data else CONTINUE]
        with instance(tmp_path / "i", {"one": m}, users=["alice", "bob"],
                      smtpd="milter_timeout = 2s\n") as i:
            i.start()
            with i.smtp() as c, i.smtp() as other:
                for who, to, code in ((other, alice, 250), (c, BOB, 451),
                                      (c, alice, 250)):
                    if to == BOB or who is other:
                        who.ehlo()
                        assert who.mail("a@example.net")[0] == 250
                    assert who.rcpt(to)[0] == code
                for who, code in ((c, 451), (other, 250)):
                    assert who.docmd("DATA")[0] == 354
                    who.send(MESSAGE + ".\r\n")
                    assert who.getreply()[0] == code
                # The next one has its milter again.
                c.sendmail("a@example.net", [alice], MESSAGE)
            i.await_mail("alice", 2)
            assert not i.log(event="channel-refused")


def test_a_client_that_leaves_meanwhile(tmp_path):
    """Cut at every command while the milter is silent: its connection ends
    with the session's, which is with its next answer or its time at the
    latest."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {}, names="one", conf=m.block(
                "one", QUICK.replace("2s", "1s"))) as i:
        i.start()
        lines = [b"MAIL FROM:<>\r\n",
                 f"RCPT TO:<{BOB}>\r\n".encode(), b"DATA\r\n",
                 MESSAGE.encode(), b".\r\n"]
        for letter in "CMRTLBE":
            m.say = {letter: [HANG]}
            c = i.smtp()
            c.docmd("EHLO x")
            for line in lines:
                c.send(line)
            m.wait(lambda: m.open)
            c.close()
            m.wait(lambda: not m.open)
        m.say = {}
        with i.smtp() as c:
            assert step(c) == (250, "end")


class Later:
    """It answers when it is told to."""

    def __init__(self, m):
        self.go = threading.Event()
        m.say["E"] = self

    def __call__(self, m, c, data):
        self.go.wait(30)
        return [CONTINUE]


def begin(c, m, message):
    """A message whose verdict is waited for."""
    c.ehlo()
    for line in ("MAIL FROM:<>", f"RCPT TO:<{BOB}>", "DATA"):
        c.docmd(line)
    c.send(message + ".\r\n")
    m.wait(lambda: any(n == "end" for _, n, _ in m.events))


def test_limits_of_memory(tmp_path):
    """What is kept for milters is bounded; the message after that is taken
    again."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}, smtpd="milter_memory = 1M\n") as i:
        later = Later(m)
        i.start()
        big = "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 10000
        with i.smtp() as first, i.smtp() as second:
            begin(first, m, big)
            assert step(second, big) == (452, "end")
            later.go.set()
            assert first.getreply()[0] == 250
            assert step(second, big) == (250, "end")


def test_one_client_has_its_share(tmp_path):
    """A quarter of that memory, or twice the largest message and 1M: the rest
    is for others, who come from elsewhere."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m},
            smtpd="milter_memory = 8M\nmax_message_size = 1M\n") as i:
        later = Later(m)
        i.start()
        big = "Subject: x\r\n\r\n" + ("y" * 70 + "\r\n") * 12000
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(i.smtp()) for _ in range(4)]
            for n, c in enumerate(clients[:3]):
                begin(c, m, big)
                m.wait(lambda: m.names().count("end") == n + 1)
            # 2.5 MB are kept: with one more, it would be over 3 MB.
            assert step(clients[3], big) == (452, "end")
            with smtplib.SMTP("127.0.0.1", i.smtp_port, "client", 30,
                              ("127.0.1.9", 0)) as other:
                begin(other, m, big)
                m.wait(lambda: m.names().count("end") == 4)
                later.go.set()
                assert other.getreply()[0] == 250
            for c in clients[:3]:
                assert c.getreply()[0] == 250
            assert step(clients[3], big) == (250, "end")


def test_reviews_are_counted(tmp_path):
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {}, names="one",
            conf="max_reviews = 1\n" + m.block()) as i:
        later = Later(m)
        i.start()
        with i.smtp() as first, i.smtp() as second:
            begin(first, m, MESSAGE)
            assert step(second) == (451, "end")
            later.go.set()
            assert first.getreply()[0] == 250
            assert step(second) == (250, "end")


def test_header_bombs(world):
    """A header section that is too long to be shown, or has too many fields,
    is refused before any milter sees it."""
    i, m = world
    with i.smtp() as c:
        assert step(c, "X: " + "y" * 60 + "\r\n" +
                    ("\t" + "z" * 90 + "\r\n") * 4000 + "\r\n") == (552, "end")
        assert step(c, "X: y\r\n" * 10001 + "\r\n") == (552, "end")
        assert step(c, "X: y\r\n" * 300 + "\r\n") == (250, "end")
