"""Connections that are kept for the next client (QUIT_NC), and packets larger
than 64 KiB (SMFIP_MDS)."""

import smtplib

import pytest

from support.instance import DOMAIN
from support.milter import (ACCEPT, CONTINUE, DISCARD, MDS_1M, MDS_256K, NR,
                            REJECT, Milter, add_header, packet, replace_body)

from .world import block, instance

BOB = f"bob@{DOMAIN}"
MESSAGE = "From: a@example.net\r\nSubject: x\r\n\r\nbody\r\n"
KEEP = "\tkeep_connections = 2\n"


def kept(folder, m, more=KEEP, **kw):
    return instance(folder, {}, names="one", conf=m.block("one", more), **kw)


def ends(m, n=1):
    """That many sessions have left the milter."""
    m.wait(lambda: sum(e in ("quit", "quit-nc")
                       for _, e, _ in m.events) >= n)


def mail(i, n=1, name="client.example.net"):
    for _ in range(n):
        with i.smtp() as c:
            c.ehlo(name)
            c.sendmail("a@example.net", [BOB], MESSAGE)


def test_one_connection_for_many_clients(tmp_path):
    """Each client is told anew, on the connection of the one before it; options
    are agreed upon once."""
    with Milter(tmp_path / "s", macros=b"\0\0\0\2mail_addr\0") as m, \
            kept(tmp_path / "i", m) as i:
        m.say["E"] = [add_header("X-A", "b"), CONTINUE]
        i.start()
        for n in range(3):
            mail(i, name=f"client{n}.example.net")
            ends(m, n + 1)
        i.await_mail("bob", 3)
        assert all(b"X-A: b" in t for t in i.messages("bob"))
        assert m.connections == 1
        names = [n for n in m.names() if n != "header"]
        one = ["connect", "helo", "mail", "rcpt", "data", "eoh", "body", "end",
               "quit-nc"]
        assert names == ["options"] + 3 * one
        assert m.heard("helo") == [b"client%d.example.net\0" % n
                                   for n in range(3)]
        # And the macros that it asked for are those that it gets.
        assert m.macros_at("M") == {"{mail_addr}": "a@example.net"}


def test_a_message_that_was_broken_off(tmp_path):
    """A client that leaves within a message: libmilter takes no QUIT_NC there,
    so that the connection ends."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        i.start()
        c = i.smtp()
        c.ehlo()
        assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
        assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        c.close()
        ends(m)
        assert m.names()[:7] == ["options", "connect", "helo", "mail", "rcpt",
                                 "abort", "quit"]
        # And one that begins another message, and leaves then.
        with i.smtp() as c:
            c.sendmail("a@example.net", [BOB], MESSAGE)
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
        ends(m, 2)
        mail(i)
        assert m.connections == 3


def test_so_many_and_no_more(tmp_path):
    """Three sessions at once, of which two connections are kept."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        i.start()
        clients = [i.smtp() for _ in range(3)]
        for c in clients:
            c.sendmail("a@example.net", [BOB], MESSAGE)
        for c in clients:
            c.quit()
        ends(m, 3)
        assert sorted(n for n in m.names() if n.startswith("quit")) == [
            "quit", "quit-nc", "quit-nc"]
        assert m.connections == 3


@pytest.mark.parametrize("letter,say", [
    (letter, say) for letter in "CMTE" for say in (ACCEPT, REJECT, DISCARD)
    if (letter, say) != ("C", DISCARD)])
def test_any_other_answer_ends_it(tmp_path, letter, say):
    """libmilter takes QUIT_NC behind CONTINUE alone."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        m.say[letter] = [say]
        i.start()
        try:
            mail(i)
        except smtplib.SMTPException:
            assert say is REJECT
        ends(m)
        assert m.names()[-1] in ("quit", "closed")
        assert "quit-nc" not in m.names()


@pytest.mark.parametrize("version,more", [(4, KEEP), (6, "")])
def test_not_kept(tmp_path, version, more):
    """A milter of a version that does not know it; and nobody's without the
    operator's word."""
    with Milter(tmp_path / "s", version=version) as m, \
            kept(tmp_path / "i", m, more) as i:
        i.start()
        for n in (1, 2):
            mail(i)
            ends(m, n)
        assert m.connections == 2 and "quit-nc" not in m.names()


def test_a_milter_that_was_started_anew(tmp_path):
    """What was kept has ended: that costs no message, and is no failure."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        i.start()
        mail(i)
        ends(m)
        m.stop()
        m.wait(lambda: not m.open)
        m.start()
        mail(i)
        assert m.connections == 2
        # Or at the first that it hears.
        ends(m, 2)
        m.say["C"] = lambda m, c, data: c.shutdown(2) or [] \
            if m.connections == 2 else [CONTINUE]
        mail(i)
        assert m.connections == 3
        assert not i.log(event="milter-failed")


def test_one_that_answers_nothing_before_a_recipient(tmp_path):
    """It is not kept: the end of its connection would be seen too late to begin
    anew, and count as a failure."""
    steps = NR["connect"] | NR["helo"] | NR["mail"]
    with Milter(tmp_path / "s", steps=steps) as m, \
            kept(tmp_path / "i", m) as i:
        i.start()
        mail(i, 2)
        ends(m, 2)
        assert m.connections == 2 and m.names().count("quit") == 2


def test_one_that_speaks_between_clients(tmp_path):
    """It is closed, and what it said is no answer to anything."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        m.say["K"] = [packet("r")]
        i.start()
        mail(i)
        i.await_log(event="milter-failed", at="between clients")
        m.wait(lambda: not m.open)
        mail(i)
        i.await_mail("bob", 2)
        assert m.connections == 2


def test_a_reload_ends_them(tmp_path):
    """The block may say something else now."""
    with Milter(tmp_path / "s") as m, kept(tmp_path / "i", m) as i:
        i.start()
        mail(i)
        ends(m)
        i.write("smtpd.conf", block(i, "one"))
        assert i.command("reload").returncode == 0
        m.wait(lambda: not m.open)
        assert "quit" in m.names()
        mail(i)
        assert m.connections == 2


# ---- larger packets ----

BIG = ("z" * 70 + "\r\n") * 10000		# 720,000 octets


@pytest.mark.parametrize("offered,chosen,pieces", [
    ("64K", 0, 11), ("256K", 0, 11), ("256K", MDS_256K, 3), ("1M", MDS_1M, 1),
    ("1M", MDS_256K, 3), ("1M", MDS_256K | MDS_1M, 3)])
def test_packets_as_large_as_agreed(tmp_path, offered, chosen, pieces):
    with Milter(tmp_path / "s", steps=chosen) as m, kept(
            tmp_path / "i", m, f"\tpacket_size = {offered}\n") as i:
        i.start()
        i.send("a@example.net", [BOB], f"Subject: x\r\n\r\n{BIG}")
        body = m.heard("body")
        assert b"".join(body) == BIG.encode()
        assert len(body) == pieces
        assert not i.log(event="milter-failed")


@pytest.mark.parametrize("chosen,most", [(0, 65535), (MDS_256K, 262143),
                                         (MDS_1M, 1048575)])
def test_what_comes_back_is_as_large(tmp_path, chosen, most):
    """A piece of body of the most, and one octet more, which is refused."""
    with Milter(tmp_path / "s", steps=chosen) as m, kept(
            tmp_path / "i", m, "\tpacket_size = 1M\n") as i:
        text = (b"y" * 63 + b"\n") * (1 << 14)
        m.say["E"] = [replace_body(text[-most:]), CONTINUE]
        i.start()
        i.send("a@example.net", [BOB], MESSAGE)
        m.say["E"] = [replace_body(text[-most - 1:]), CONTINUE]
        with i.smtp() as c:
            c.ehlo()
            c.mail("a@example.net")
            c.rcpt(BOB)
            assert c.data(MESSAGE)[0] == 451
        i.await_mail("bob", 1)
        got = i.messages("bob")[0].replace(b"\r\n", b"\n")
        assert got.endswith(b"\n\n" + text[-most:])
        assert i.log(event="milter-failed",
                     reason="a packet without a length that can be")


def test_a_size_that_was_not_offered(tmp_path):
    with Milter(tmp_path / "s", steps=MDS_1M) as m, kept(
            tmp_path / "i", m, "\tpacket_size = 256K\n") as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<>")[0] == 451
        assert i.log(event="milter-failed",
                     reason="its options are none that were offered")
