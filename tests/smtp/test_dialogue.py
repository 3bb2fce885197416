"""What a client hears: RFC 5321, RFC 1870, RFC 2034, RFC 2920, RFC 6152."""

import email.utils
import re
import time

import pytest

from .world import SITE


def test_textbook(world):
    """The dialogue that every networking course shows, code by code."""
    with world.connect() as c:
        for line, code in [("HELO crepes.fr", 250),
                           ("MAIL FROM: <alice@crepes.fr>", 250),
                           ("RCPT TO: <bob@hamburger.edu>", 250),
                           ("DATA", 354),
                           ("Do you like ketchup?\r\nHow about pickles?\r\n.",
                            250),
                           ("QUIT", 221)]:
            c.expect(line, code)
        assert c.ended()
    [m] = world.messages()
    assert m.envelope["from"] == "alice@crepes.fr"
    assert m.envelope["helo"] == "crepes.fr"
    assert m.envelope["protocol"] == "SMTP"
    assert m.to == ["bob@hamburger.edu"]
    # It has no header section, and must not get one by accident.
    assert m.body == b"\r\nDo you like ketchup?\r\nHow about pickles?\r\n"
    [line] = world.logged("event=message-accepted")
    assert f"queue={m.id}" in line and "size=42" in line


def test_greeting_and_ehlo(world):
    with world.connect(greeting=False) as c:
        assert c.line() == f"220 {SITE} ESMTP"
        code, text = c.ask("EHLO [192.0.2.1]")
        first, *extensions = text.split("\n")
        assert code == 250 and first == SITE
        assert sorted(extensions) == [
            "8BITMIME", "BINARYMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES",
            "LIMITS RCPTMAX=1000", "PIPELINING", "SIZE 36700160",
            "SMTPUTF8"]
        assert c.ask("HELO crepes.fr") == (250, SITE)


def test_received(world):
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.deliver("Subject: one\r\n\r\nx\r\n")
        c.deliver("Subject: two\r\n\r\nx\r\n",
                  to=["bob@hamburger.edu", "alice@hamburger.edu"])
    one, two = world.messages()
    field = re.match(
        rb"Received: from crepes\.fr \(\[127\.0\.0\.1\]\)\r\n"
        rb"\tby mail\.hamburger\.edu with ESMTP id ([0-9a-f]{12})\r\n"
        rb"\tfor <bob@hamburger\.edu>;\r\n\t([^\r]*)\r\nSubject: one\r\n",
        one.content)
    assert field and field[1].decode() == one.id
    when = email.utils.parsedate_to_datetime(field[2].decode())
    assert abs(when.timestamp() - time.time()) < 60
    # Several recipients are not told about each other.
    assert b"for <" not in two.content
    assert two.to == ["bob@hamburger.edu", "alice@hamburger.edu"]


@pytest.mark.parametrize("path, to", [
    ("<bob@hamburger.edu>", "bob@hamburger.edu"),
    ("<bob@HAMBURGER.Edu>", "bob@hamburger.edu"),
    ("  <bob@hamburger.edu>  ", "bob@hamburger.edu"),
    ("<\"bob\"@hamburger.edu>", "bob@hamburger.edu"),
    ("<\"b\\ob\"@hamburger.edu>", "bob@hamburger.edu"),
    ("<@relay.example,@other.example:bob@hamburger.edu>",
     "bob@hamburger.edu"),
    ("<postmaster>", "postmaster"),
    ("<PostMaster>", "PostMaster"),
    ("<Postmaster@hamburger.edu>", "Postmaster@hamburger.edu"),
])
def test_forward_paths(tireless, path, to):
    tireless.forget_messages()
    with tireless.connect() as c:
        c.expect("HELO x", 250)
        c.expect("MAIL FROM:<>", 250)
        c.expect(f"rcpt to:{path}", 250, "2.1.5")
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)
    [m] = tireless.messages()
    assert m.to == [to] and m.envelope["from"] == ""


@pytest.mark.parametrize("path, code, enhanced", [
    # RFC 5321 section 3.6.2 and 7.1: no open relay under any spelling
    ("<bob@example.net>", 550, "5.7.1"),
    ("<bob@[192.0.2.1]>", 550, "5.7.1"),
    ("<bob@[IPv6:2001:db8::1]>", 550, "5.7.1"),
    ("<@hamburger.edu:bob@example.net>", 550, "5.7.1"),
    ("<bob%example.net@hamburger.edu>", 550, "5.7.1"),
    ("<example.net!bob@hamburger.edu>", 550, "5.7.1"),
    ("<\"bob@example.net\"@hamburger.edu>", 550, "5.7.1"),
    ("<\"bob@example.net\"@[127.0.0.1]>", 550, "5.7.1"),
    ("<bob%example.net@[127.0.0.1]>", 550, "5.7.1"),
    ("<@hamburger.edu:bob%example.net@hamburger.edu>", 550, "5.7.1"),
    ("<bob@hamburger.edu@example.net>", 501, "5.1.3"),
    ("<bob@hamburger.edu%example.net>", 501, "5.1.3"),
    ("<bob@hamburger.edu.>", 501, "5.1.3"),
    # nobody, not now, not an address
    ("<nobody@hamburger.edu>", 550, "5.1.1"),
    ("<BOB@hamburger.edu>", 550, "5.1.1"),
    ("<\"\"@hamburger.edu>", 550, "5.1.1"),
    ("<temp@hamburger.edu>", 451, "4.3.0"),
    ("<>", 501, "5.1.3"),
    ("<bob>", 501, "5.1.3"),
    ("bob@hamburger.edu", 501, "5.1.3"),
    ("<bob@hamburger.edu", 501, "5.1.3"),
    ("<bob@hamburger.edu>x", 501, "5.5.4"),
    ("<bob@hamburger.edu> NOTIFY=NEVER,DELAY", 501, "5.5.4"),
    ("<bob@hamburger.edu> NOTIFY=NEVER NOTIFY=NEVER", 501, "5.5.4"),
    ("<bob@hamburger.edu> NOTIFY", 501, "5.5.4"),
    ("<bob@hamburger.edu> ORCPT=bob@hamburger.edu", 501, "5.5.4"),
    ("<bob@hamburger.edu> ORCPT=rfc822;bob+4", 501, "5.5.4"),
    ("<bob@hamburger.edu> ORCPT=rfc822;a+0D+0Ab", 501, "5.5.4"),
    ("<bob@hamburger.edu> ORCPT=rfc822;a ORCPT=rfc822;a", 501, "5.5.4"),
    ("<bob@hamburger.edu> RET=FULL", 555, "5.5.4"),
    ("<bob@hamburger.edu> =", 501, "5.5.4"),
    ("<b\xf6b@hamburger.edu>", 553, "5.6.7"),
    ("<" + 65 * "b" + "@hamburger.edu>", 501, "5.1.3"),
    ("<b@" + 300 * "h" + ".edu>", 501, "5.1.3"),
    ("", 501, "5.1.3"),
])
def test_refused_recipients(tireless, path, code, enhanced):
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 250)
        c.expect(f"RCPT TO:{path}", code, enhanced)
        c.expect("DATA", 554, "5.5.1")
    assert tireless.logged("event=refused", "what=recipient",
                         f"code={code}", f"status={enhanced}")


@pytest.mark.parametrize("args, code, enhanced", [
    ("FROM:<>", 250, "2.1.0"),
    ("from: <a@b>", 250, "2.1.0"),
    ("FROM:<a@b> SIZE=1000 BODY=7BIT", 250, "2.1.0"),
    ("FROM:<a@b> BODY=8bitmime", 250, "2.1.0"),
    ("FROM:<@x:a@b>", 250, "2.1.0"),
    ("FROM:<a@b> SIZE=36700161", 552, "5.3.4"),
    ("FROM:<a@b> SIZE=99999999999999999999", 552, "5.3.4"),
    ("FROM:<a@b> SIZE=x", 501, "5.5.4"),
    ("FROM:<a@b> SMTPUTF8", 250, "2.1.0"),
    ("FROM:<a@b> SMTPUTF8=yes", 501, "5.5.4"),
    ("FROM:<a@b> SMTPUTF8 SMTPUTF8", 501, "5.5.4"),
    ("FROM:<a@b> AUTH=<>", 555, "5.5.4"),
    ("FROM:a@b", 501, "5.1.7"),
    ("FROM:<a>", 501, "5.1.7"),
    ("FROM:<postmaster>", 501, "5.1.7"),
    ("FROM <a@b>", 501, "5.5.4"),
    ("TO:<a@b>", 501, "5.5.4"),
    ("", 501, "5.5.4"),
    ("FROM:<\xe9@b>", 550, "5.6.7"),
    ("FROM:<\xe9@b> SMTPUTF8", 501, "5.1.7"),
    ("FROM:<\xc3\xa9@b>", 550, "5.6.7"),
    ("FROM:<a@\xc3\xa9.b>", 550, "5.6.7"),
    ("FROM:<\xc3\xa9@b> SMTPUTF8", 250, "2.1.0"),
])
def test_mail(tireless, args, code, enhanced):
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect(f"MAIL {args}", code, enhanced)


def test_bare_paths_by_a_setting(new_world):
    w = new_world("bare_paths = yes\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM: a@b SIZE=1", 250)
        c.expect("RCPT TO: bob@hamburger.edu", 250)
        c.expect("RCPT TO: bob@hamburger.edu>", 501)


@pytest.mark.parametrize("args, code", [
    ("crepes.fr", 250), ("[192.0.2.1]", 250), ("[IPv6:::1]", 250),
    ("under_score.example", 250), ("two words", 250), ("192.0.2.1", 250),
    ("", 501), ("a@b", 501), ("(x)", 501), ("\xe9", 501), ("a" * 256, 501),
])
def test_helo(tireless, args, code):
    for verb in "HELO", "EHLO":
        with tireless.connect() as c:
            c.expect(f"{verb} {args}", code)
            c.expect("MAIL FROM:<>", 250 if code == 250 else 503)


def test_strict_helo_by_a_setting(new_world):
    w = new_world("strict_helo = yes\n")
    with w.connect() as c:
        for args, code in [("under_score.example", 501), ("two words", 501),
                           ("-x", 501), ("crepes.fr", 250),
                           ("[192.0.2.1]", 250)]:
            c.expect(f"HELO {args}", code)


@pytest.mark.parametrize("line, code, enhanced", [
    ("VRFY bob", 252, "2.5.2"), ("VRFY", 501, "5.5.4"),
    ("EXPN list", 502, "5.5.1"), ("HELP", 214, "2.0.0"),
    ("HELP MAIL", 214, "2.0.0"), ("NOOP anything", 250, "2.0.0"),
    ("RSET x", 501, "5.5.4"), ("DATA x", 501, "5.5.4"),
    ("QUIT x", 501, "5.5.4"), ("STARTTLS", 502, "5.5.1"),
    ("AUTH PLAIN", 502, "5.5.1"), 
    ("TURN", 502, "5.5.1"), ("XYZZY", 500, "5.5.1"), ("", 500, "5.5.2"),
    (" NOOP", 500, "5.5.2"), ("NOOP\t", 500, "5.5.2"),
    ("N\x00OP", 500, "5.5.2"), ("\xff\xfe", 500, "5.5.2"),
    ("RCPT TO:<bob@hamburger.edu>", 503, "5.5.1"), ("DATA", 503, "5.5.1"),
])
def test_other_commands(tireless, line, code, enhanced):
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect(line, code, enhanced)
        c.expect("NOOP", 250)


def test_pipelining(world):
    """One segment, everything in it, replies in order (RFC 2920)."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<a@b>\r\nRCPT TO:<slow@hamburger.edu>\r\n"
               "RCPT TO:<nobody@hamburger.edu>\r\nRCPT TO:bad\r\n"
               "RCPT TO:<bob@hamburger.edu>\r\nDATA\r\nA: b\r\n\r\n..\r\n.\r\n"
               "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<slow@hamburger.edu>\r\n"
               "RSET\r\nQUIT\r\n")
        assert [c.reply()[0] for _ in range(12)] == [
            250, 250, 550, 501, 250, 354, 250, 250, 250, 250, 250, 221]
        assert c.ended()
    [m] = world.messages()
    assert m.to == ["slow@hamburger.edu", "bob@hamburger.edu"]
    assert m.body == b"A: b\r\n\r\n.\r\n"


def test_recipients_are_looked_up_at_once(world):
    """Sixty that take 50 ms each do not take three seconds."""
    n = 60
    with world.connect() as c:
        c.expect("EHLO x", 250)
        began = time.monotonic()
        c.send("MAIL FROM:<>\r\n"
               + n * "RCPT TO:<slow@hamburger.edu>\r\n" + "RSET\r\n")
        assert [c.reply()[0] for _ in range(n + 2)] == (n + 2) * [250]
        assert time.monotonic() - began < 1.5


def test_many_messages_in_one_session(world):
    world.order("forget")
    with world.connect() as c:
        c.expect("EHLO x", 250)
        one = ("MAIL FROM:<a@b>\r\nRCPT TO:<bob@hamburger.edu>\r\nDATA\r\n"
               "S: x\r\n\r\nhello\r\n.\r\n")
        c.send(200 * one)
        codes = [c.reply()[0] for _ in range(800)]
        assert codes == 200 * [250, 250, 354, 250]


def test_content_is_kept(world):
    """Dots, empty lines, NUL, 8-bit, no header, nothing at all."""
    texts = [b"A: b\r\n\r\n.\r\n..\r\n...x\r\n", b"\r\n\r\n\r\n",
             b"A: b\r\n\r\n\x00\x01\x7f\x80\xff\r\n",
             b"A: " + 900 * b"x" + b"\r\n\tfolded\r\n", b"A: b\r\n"]
    with world.connect() as c:
        c.expect("EHLO x", 250)
        for text in texts:
            assert c.deliver(text)[0] == 250
        assert c.deliver(b"")[0] == 250
    kept = [m.body for m in world.messages()]
    assert kept == texts + [b""]
    flags = [int(m.envelope["flags"]) & 1 for m in world.messages()]
    assert flags == [0, 0, 1, 0, 0, 0]


def test_8bit(new_world):
    w = new_world("undeclared_8bit = refuse\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        text = "Subject: caf\xe9\r\n\r\n\xe9\r\n"
        code, reply = c.deliver(text)
        assert code == 554 and reply.startswith("5.6.1 ")
        assert c.deliver(text, params=" BODY=8BITMIME")[0] == 250
        assert c.deliver("Subject: x\r\n", params=" BODY=7BIT")[0] == 250
    assert [int(m.envelope["flags"]) & 1 for m in w.messages()] == [1, 0]


def test_large_content_in_parts(world):
    """Past 256 KiB the content goes in several sealed pieces."""
    line = bytes(range(33, 127)) + b"\r\n"
    for size in [256 * 1024 - 300, 256 * 1024, 256 * 1024 + 1, 3000000]:
        text = b"A: b\r\n\r\n" + line * (size // len(line))
        text += (size - len(text)) * b"x" if len(text) < size else b""
        text += b"\r\n"
        world.forget_messages()
        with world.connect() as c:
            c.expect("EHLO x", 250)
            assert c.deliver(text)[0] == 250
        [m] = world.messages()
        assert m.body == text


def test_many_recipients(new_world):
    """An envelope beyond 32 KiB travels in a memfd of its own."""
    w = new_world("max_recipients = 2000\n")
    to = [f"u{n}@hamburger.edu" for n in range(2000)]
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<a@b>\r\n"
               + "".join(f"RCPT TO:<{a}>\r\n" for a in to)
               + "RCPT TO:<bob@hamburger.edu>\r\n")
        codes = [c.reply()[0] for _ in range(2002)]
        assert codes == 2001 * [250] + [452]
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)
    [m] = w.messages()
    assert m.to == to


def test_http_is_sent_away(world):
    with world.connect() as c:
        c.send("POST / HTTP/1.1\r\nHost: mail\r\nUser-Agent: x\r\n\r\n"
               "MAIL FROM:<a@b>\r\n")
        codes = [c.reply()[0] for _ in range(4)]
        assert codes == [500, 500, 554, None]


def test_message_without_from_or_date_is_left_alone(world):
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.deliver("Subject: x\r\n\r\ny\r\n")
    [m] = world.messages()
    assert m.body == b"Subject: x\r\n\r\ny\r\n"


@pytest.mark.parametrize("n, code", [(50, 250), (51, 554)])
def test_loop(tireless, n, code):
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        got, text = c.deliver(n * "Received: from a by b; now\r\n"
                              + "\r\nReceived: in the body\r\n")
        assert got == code
        assert code == 250 or text.startswith("5.4.6 ")
        # And the session is as it was after HELO.
        assert c.deliver("x: y\r\n")[0] == 250
