"""The injection socket: programs of this host, whom the kernel vouches for."""

import os
import re


def test_completed(new_world):
    """Date, From and Message-ID are added where they are missing."""
    w = new_world(inject=True)
    with w.connect() as c:
        c.expect("MAIL FROM:<root>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.expect("DATA", 354)
        c.expect("Subject: x\r\n\r\nbody\r\n.", 250)
    [m] = w.messages()
    assert m.envelope["from"] == "root@mail.hamburger.edu"
    assert m.envelope["client"] == f"uid={os.getuid()}"
    assert m.envelope["listener"] == "inject"
    assert int(m.envelope["flags"]) & 2
    assert re.fullmatch(
        rb"Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\r\n"
        rb"From: <root@mail\.hamburger\.edu>\r\n"
        rb"Message-ID: <[0-9a-f]+\.[0-9a-f]+@mail\.hamburger\.edu>\r\n"
        rb"Subject: x\r\n\r\nbody\r\n", m.body), m.body
    assert m.content.startswith(b"Received: from localhost (uid=0)\r\n")


def test_complete_stays(new_world):
    w = new_world(inject=True)
    text = (b"Date: now\r\nSubject: x\r\n\tfolded\r\nFROM: me\r\n"
            b"Message-Id: <1@x>\r\n\r\nDate: body\r\n")
    with w.connect() as c:
        c.expect("HELO", 250)
        assert c.deliver(text)[0] == 250
        # Every octet in a segment of its own comes to the same.
        c.mail()
        for octet in text + b".\r\n":
            c.send(bytes([octet]))
        assert c.reply()[0] == 250
    one, two = w.messages()
    assert one.body == two.body == text


def test_text_without_header(new_world):
    w = new_world(inject=True)
    with w.connect() as c:
        assert c.deliver("Just text\r\nDate: no\r\n", "")[0] == 250
    [m] = w.messages()
    header, body = m.body.split(b"\r\n\r\n", 1)
    assert body == b"Just text\r\nDate: no\r\n"
    assert b"From: <MAILER-DAEMON@mail.hamburger.edu>" in header


def test_header_beyond_what_we_hold(new_world):
    """256 KiB of header section are completed; more is refused."""
    w = new_world(inject=True)
    with w.connect() as c:
        assert c.deliver(3000 * ("X-Filler: " + 88 * "x" + "\r\n") +
                         "\r\nbody\r\n") == (
            552, "5.3.4 Header section too long")
    for lines in 600, 700:
        text = lines * ("X-Filler: " + 88 * "x" + "\r\n") + "\r\nbody\r\n"
        with w.connect() as c:
            assert c.deliver(text)[0] == 250
    for m in w.messages():
        assert m.body.endswith(b"\r\nbody\r\n")
        assert m.body.count(b"X-Filler") in (600, 700)
        assert m.body.count(b"\nMessage-ID: ") == 1


def test_unqualified_recipients(new_world):
    w = new_world(inject=True)
    with w.connect() as c:
        c.expect("MAIL FROM:<>", 250)
        # Of another domain: whoever is on this host may send there.
        c.expect("RCPT TO:<bob>", 250, "2.1.5")
        c.expect("RCPT TO:bob@hamburger.edu", 250)
        c.expect("DATA", 354)
        c.send("a\r\n.\r\n")
        assert c.reply()[0] == 250
    [m] = w.messages()
    assert m.to == ["bob@mail.hamburger.edu", "bob@hamburger.edu"]
