"""One message or a refusal, never two messages: every sequence of CR, LF,
dot and a letter of length 4 around the end of data, at many segmentations;
and the spellings that worked against others."""

import itertools
import time

import pytest

END = b"\r\n.\r\n"
HIDDEN = (b"MAIL FROM:<evil@crepes.fr>\r\nRCPT TO:<alice@hamburger.edu>\r\n"
          b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n")


def definition(stream):
    """(octets up to the true end, whether they are lines)."""
    end = (b"\r\n" + stream).index(END) + len(END) - 2
    data = stream[:end]
    bare = (data.replace(b"\r\n", b"").count(b"\r")
            + data.replace(b"\r\n", b"").count(b"\n"))
    return end, bare == 0


def send(client, data, cuts):
    at = 0
    for cut in cuts:
        client.send(data[at:cut])
        at = cut
        time.sleep(0.0005)
    client.send(data[at:])


def check(tireless, middle, cuts=()):
    """A message whose data has middle before its end: how many come of it?"""
    data = b"a: b\r\n\r\nx" + middle + END + b"RSET\r\nQUIT\r\n"
    end, lines = definition(data)
    rest = data[end:]
    # What comes behind the true end are commands again.
    commands = [500 if c not in (b"RSET", b"QUIT") else
                {b"RSET": 250, b"QUIT": 221}[c]
                for c in rest.split(b"\r\n")[:-1]]
    with tireless.connect() as c:
        c.start("alice@crepes.fr")
        send(c, data, cuts)
        code, text = c.reply()
        assert code == (250 if lines else 554), (middle, code, text)
        assert lines or text.startswith("5.5.2 ")
        got = []
        while True:
            code, text = c.reply()
            if code is None:
                break
            got.append(code)
        if b"\n" not in rest.replace(b"\r\n", b"") and \
                b"\r" not in rest.replace(b"\r\n", b""):
            assert got == commands, (middle, rest, got)
        else:
            assert set(got) <= {250, 221, 500}
    return 1 if lines else 0


def test_every_sequence(tireless):
    tireless.forget_messages()
    want = sum(check(tireless, bytes(m))
               for m in itertools.product(b"\r\n.x", repeat=4))
    kept = tireless.messages()
    assert len(kept) == want
    assert all(b"RSET" not in m.content for m in kept)


@pytest.mark.slow
def test_every_sequence_at_every_cut(tireless):
    tireless.forget_messages()
    want = 0
    for m in itertools.product(b"\r\n.x", repeat=4):
        for cut in range(8, 8 + 5 + len(END)):
            want += check(tireless, bytes(m), [cut])
    assert len(tireless.messages()) == want


@pytest.mark.parametrize("trick", [
    # CVE-2023-51764, -51765, -51766 and their kin
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r",
    b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n\n.\r\n", b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n", b"\n.\n\n", b"\r\n.\n\r\n", b".\n", b"\r\n..\r\n",
    b"\r\n .\r\n", b"\r\n.\r\x00\n", b"\r\n.\r \n", b"\x85.\x85",
])
def test_tricks(tireless, trick):
    tireless.forget_messages()
    with tireless.connect() as c:
        c.start("alice@crepes.fr")
        c.send(b"Subject: outer\r\n\r\nx" + trick + HIDDEN)
        code, _ = c.reply()
        c.expect("QUIT", 221)
        assert c.ended()
    kept = tireless.messages()
    bare = b"\r" in trick.replace(b"\r\n", b"") or \
        b"\n" in trick.replace(b"\r\n", b"")
    if bare:
        assert code == 554 and kept == []
    else:
        assert code == 250 and len(kept) == 1
        assert b"smuggled" in kept[0].content	# as text, where it belongs
        assert kept[0].envelope["from"] == "alice@crepes.fr"


@pytest.mark.parametrize("command", [
    b"NOOP\nQUIT\r\n", b"NOOP\n", b"NOOP\rQUIT\r\n", b"NOOP\r\r\n", b"\n",
])
def test_bare_line_ends_in_commands(tireless, command):
    """Nothing behind them is obeyed, and the connection ends."""
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.send(command)
        code, text = c.reply()
        assert code == 500 and text.startswith("5.5.2 ")
        assert c.ended()
