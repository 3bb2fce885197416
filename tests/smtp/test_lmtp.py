"""LMTP (RFC 2033): one reply for each recipient, whatever becomes of the
message; its own verbs and no others; and nothing is relayed."""

import socket
import time

import pytest

BODY = b"Subject: x\r\n\r\nhello\r\n"
KEYWORDS = {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN"}


@pytest.fixture
def lmtp(new_world):
    return new_world(lmtp=True)


def begin(c, to, sender="alice@crepes.fr"):
    c.expect("LHLO front.crepes.fr", 250)
    c.expect(f"MAIL FROM:<{sender}>", 250)
    return [c.ask(f"RCPT TO:<{a}>")[0] for a in to]


def replies(c, n):
    return [c.reply() for _ in range(n)]


def test_lhlo_and_no_other_greeting(lmtp):
    with lmtp.connect(greeting=False) as c:
        assert c.reply() == (220, "mail.hamburger.edu LMTP")
        # RFC 2033 section 4.1
        c.expect("EHLO x", 500, "5.5.1")
        c.expect("HELO x", 500, "5.5.1")
        c.expect("MAIL FROM:<a@crepes.fr>", 503, "5.5.1")
        lines = c.expect("LHLO x", 250).split("\n")
        assert lines[0] == "mail.hamburger.edu"
        assert KEYWORDS <= set(lines)
        assert any(l.startswith("SIZE ") for l in lines)
        assert not any(l.startswith(("AUTH", "STARTTLS", "ETRN"))
                       for l in lines)
        c.expect("AUTH PLAIN AGEAYg==", 502)
        c.expect("STARTTLS", 502)
        c.expect("TURN", 502)
        assert "LHLO" in c.expect("HELP", 214)
        c.expect("QUIT", 221)


def test_lhlo_is_unknown_elsewhere(world):
    with world.connect() as c:
        c.expect("LHLO x", 500, "5.5.1")


def test_one_reply_for_each_accepted_recipient(lmtp):
    to = ["bob@hamburger.edu", "nobody@hamburger.edu", "u1@hamburger.edu",
          "x@elsewhere.example", "bob@hamburger.edu"]
    with lmtp.connect() as c:
        assert begin(c, to) == [250, 550, 250, 550, 250]
        c.expect("DATA", 354)
        c.send(BODY + b".\r\n")
        got = replies(c, 3)
        # Section 4.2: in their order, and for one named twice, twice.
        for (code, text), address in zip(got, [to[0], to[2], to[4]]):
            assert code == 250 and text.startswith("2.0.0 Queued as ")
            assert text.endswith(f" for <{address}>")
        c.expect("NOOP", 250)
    [m] = lmtp.messages()
    assert m.envelope["protocol"] == "LMTP"
    assert m.to == [to[0], to[2], to[4]]
    assert m.body == BODY
    assert b"with LMTP id" in m.content and b"from front.crepes.fr (uid=" \
        in m.content.replace(b"\r\n\t", b" ")


def test_unknown_and_foreign_have_their_codes(lmtp):
    with lmtp.connect() as c:
        c.expect("LHLO x", 250)
        c.expect("MAIL FROM:<a@crepes.fr>", 250)
        c.expect("RCPT TO:<nobody@hamburger.edu>", 550, "5.1.1")
        c.expect("RCPT TO:<x@elsewhere.example>", 550, "5.7.1")
        c.expect("RCPT TO:<temp@hamburger.edu>", 451, "4.3.0")
        # Section 4.2: 503, where SMTP says 554.
        c.expect("DATA", 503, "5.5.1")
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)


@pytest.mark.parametrize("sender, code", [
    ("full@crepes.fr", 452), ("policy@crepes.fr", 554)])
def test_a_refusal_is_told_for_each(lmtp, sender, code):
    to = [f"u{i}@hamburger.edu" for i in range(5)]
    with lmtp.connect() as c:
        assert begin(c, to, sender) == [250] * 5
        c.expect("DATA", 354)
        c.send(BODY + b".\r\n")
        got = replies(c, 5)
        assert [g[0] for g in got] == [code] * 5
        assert [g[1].rsplit(" ", 1)[1] for g in got] == [
            f"<{a}>" for a in to]
        # The session goes on as if nothing had been.
        assert begin(c, to[:1]) == [250]
        c.expect("DATA", 354)
        c.send(BODY + b".\r\n")
        assert c.reply()[0] == 250
    # One refusal, and one error of the client, not five.
    assert len([l for l in lmtp.log().splitlines()
                if "event=refused" in l and "what=message" in l]) == 1


def test_a_fault_of_the_content_is_told_for_each(lmtp):
    with lmtp.connect() as c:
        assert begin(c, ["bob@hamburger.edu", "alice@hamburger.edu"]) == [
            250, 250]
        c.expect("DATA", 354)
        c.send(b"Subject: x\r\n\r\nbare\nfeed\r\n.\r\n")
        assert [g[0] for g in replies(c, 2)] == [554, 554]
        c.expect("NOOP", 250)
    assert not lmtp.messages()


def test_the_queue_goes_away(lmtp):
    with lmtp.connect() as c:
        assert begin(c, ["bob@hamburger.edu", "alice@hamburger.edu"]) == [
            250, 250]
        c.expect("DATA", 354)
        lmtp.order("close queue")
        assert lmtp.logged("event=sibling-gone")
        c.send(BODY + b".\r\n")
        got = replies(c, 2)
        assert [g[0] for g in got] == [451, 451]
        c.expect("NOOP", 250)
        c.expect("MAIL FROM:<a@crepes.fr>", 451)
    assert not lmtp.messages()


def test_chunks(lmtp):
    to = ["bob@hamburger.edu", "alice@hamburger.edu"]
    with lmtp.connect() as c:
        assert begin(c, to) == [250, 250]
        # Section 4.3: one reply for a chunk, and as for DATA for the last.
        c.send(b"BDAT %d\r\n" % len(BODY) + BODY)
        assert c.reply()[0] == 250
        c.send(b"BDAT 4 LAST\r\nend\n")
        assert [g[0] for g in replies(c, 2)] == [554, 554]
        assert begin(c, to) == [250, 250]
        c.send(b"BDAT %d\r\n" % len(BODY) + BODY)
        assert c.reply()[0] == 250
        c.send(b"BDAT 0 LAST\r\n")
        assert [g[0] for g in replies(c, 2)] == [250, 250]
        c.send(b"BDAT 3 LAST\r\nabc")
        c.expect("NOOP", 250) if c.reply()[0] == 503 else pytest.fail()
        # Without a recipient there is one reply, and it is 503.
        c.expect("MAIL FROM:<a@crepes.fr>", 250)
        c.send(b"BDAT 3 LAST\r\nabc")
        assert c.reply()[0] == 503
        c.expect("NOOP", 250)
    assert len(lmtp.messages()) == 1


def test_a_first_chunk_that_is_wrong_has_one_reply(lmtp):
    with lmtp.connect() as c:
        assert begin(c, ["bob@hamburger.edu", "alice@hamburger.edu"]) == [
            250, 250]
        c.send(b"BDAT 4\r\na\nb\n")
        assert c.reply()[0] == 554
        c.send(b"BDAT 2 LAST\r\nxy")
        assert c.reply()[0] == 503
        c.expect("NOOP", 250)


def test_last_chunk_without_a_queue(new_world):
    w = new_world(lmtp=True, late_queue=True)
    # It does not listen before the queue is there, or for five seconds.
    assert w.logged("event=listening")
    with w.connect() as c:
        c.expect("LHLO x", 250)
        c.expect("MAIL FROM:<a@crepes.fr>", 451, "4.3.0")
        c.send(b"BDAT 3 LAST\r\nabc")
        assert c.reply()[0] == 503


def test_pipelined_whole(lmtp):
    """Everything in one write; the replies come in order."""
    with lmtp.connect() as c:
        c.expect("LHLO x", 250)
        c.send(b"MAIL FROM:<a@crepes.fr>\r\n"
               b"RCPT TO:<bob@hamburger.edu>\r\nRCPT TO:<no@hamburger.edu>\r\n"
               b"RCPT TO:<alice@hamburger.edu>\r\nDATA\r\n" + BODY +
               b".\r\nRSET\r\nQUIT\r\n")
        assert [g[0] for g in replies(c, 8)] == [
            250, 250, 550, 250, 354, 250, 250, 250]
        assert c.reply()[0] == 221
        assert c.ended()


def test_more_replies_than_the_output_takes(new_world):
    """A client that does not read meanwhile gets them all, later."""
    n = 5000
    w = new_world("max_recipients = 5000\n", lmtp=True)
    with w.connect() as c:
        c.expect("LHLO x", 250)
        c.expect("MAIL FROM:<a@crepes.fr>", 250)
        for first in range(0, n, 500):
            c.send("".join(f"RCPT TO:<u{i}@hamburger.edu>\r\n"
                           for i in range(first, first + 500)))
            assert [g[0] for g in replies(c, 500)] == [250] * 500
        c.expect("RCPT TO:<bob@hamburger.edu>", 452, "4.5.3")
        c.expect("DATA", 354)
        c.send(BODY + b".\r\nNOOP\r\n")
        w.logged("event=message-accepted")
        time.sleep(0.2)
        got = replies(c, n)
        assert {g[0] for g in got} == {250}
        assert [g[1].rsplit(" ", 1)[1] for g in got] == [
            f"<u{i}@hamburger.edu>" for i in range(n)]
        assert c.reply()[0] == 250	# NOOP
    [m] = w.messages()
    assert len(m.to) == n


def test_gone_while_the_replies_wait(new_world):
    """Who never reads them loses only the session."""
    n = 8000
    w = new_world("max_recipients = 8000\nreply_timeout = 1s\n", lmtp=True)
    c = w.connect()
    c.expect("LHLO x", 250)
    c.expect("MAIL FROM:<a@crepes.fr>", 250)
    for first in range(0, n, 500):
        c.send("".join(f"RCPT TO:<u{i}@hamburger.edu>\r\n"
                       for i in range(first, first + 500)))
        assert [g[0] for g in replies(c, 500)] == [250] * 500
    c.expect("DATA", 354)
    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    c.send(BODY + b".\r\n")
    assert w.logged("event=session-end")
    c.socket.close()
    assert len(w.messages()) == 1	# it is ours, whoever knows
    with w.connect() as c:
        c.expect("LHLO x", 250)


@pytest.mark.parametrize("so_far", [
    b"", b"LHLO x", b"MAIL FROM:<a@crepes.fr>\r\n",
    b"MAIL FROM:<a@crepes.fr>\r\nRCPT TO:<bob@hamburger.edu>\r\n"
    b"DATA\r\nSubject: half\r\n",
    b"MAIL FROM:<a@crepes.fr>\r\nRCPT TO:<bob@hamburger.edu>\r\n"
    b"BDAT 100\r\nhalf"])
def test_cut_off(lmtp, so_far):
    with lmtp.connect() as c:
        if so_far.startswith(b"MAIL"):
            c.expect("LHLO x", 250)
        c.send(so_far)
    assert lmtp.logged("event=session-end")
    assert not lmtp.messages()
    with lmtp.connect() as c:
        assert begin(c, ["bob@hamburger.edu"]) == [250]


def test_reset_while_the_queue_thinks(lmtp):
    lmtp.order("hold")
    c = lmtp.connect()
    assert begin(c, ["bob@hamburger.edu", "alice@hamburger.edu"]) == [250, 250]
    c.expect("DATA", 354)
    c.send(BODY + b".\r\n")
    deadline = time.monotonic() + 20
    while not lmtp.messages():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    c.socket.close()
    lmtp.order("release")
    with lmtp.connect() as c:
        assert begin(c, ["bob@hamburger.edu"]) == [250]
