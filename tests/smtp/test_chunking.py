"""CHUNKING (RFC 3030): BDAT in every division, with every mistake; and never
are octets of a chunk taken for commands."""

import itertools
import socket
import time

import pytest

BODY = (b"Subject: x\r\n\r\n.\r\n..two\r\nFrom here\r\n.\r\nQUIT\r\n")
SMUGGLE = (b"\r\n.\r\nRSET\r\nMAIL FROM:<evil@crepes.fr>\r\n"
           b"RCPT TO:<alice@hamburger.edu>\r\nDATA\r\n")


def begin(c, to=("bob@hamburger.edu",)):
    c.expect("EHLO crepes.fr", 250)
    c.expect("MAIL FROM:<alice@crepes.fr>", 250)
    for address in to:
        c.expect(f"RCPT TO:<{address}>", 250)


def chunk(data, last=False):
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


def test_announced(world):
    with world.connect() as c:
        assert "CHUNKING" in c.expect("EHLO x", 250).split("\n")


def test_dots_mean_nothing(world):
    with world.connect() as c:
        begin(c)
        c.send(chunk(BODY, last=True))
        assert c.reply()[0] == 250
        c.expect("QUIT", 221)
    [m] = world.messages()
    assert m.body == BODY
    assert m.content.startswith(b"Received: from crepes.fr (")


def test_every_division_into_three(tireless):
    tireless.forget_messages()
    n = 0
    with tireless.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        for a, b in itertools.combinations(range(0, len(BODY) + 1, 2), 2):
            c.send(b"MAIL FROM:<alice@crepes.fr>\r\n"
                   b"RCPT TO:<bob@hamburger.edu>\r\n" + chunk(BODY[:a])
                   + chunk(BODY[a:b]) + chunk(BODY[b:], last=True))
            assert [c.reply()[0] for _ in range(5)] == [250] * 5
            n += 1
    messages = tireless.messages()
    assert len(messages) == n
    assert {m.body for m in messages} == {BODY}


def test_octet_by_octet(tireless):
    tireless.forget_messages()
    with tireless.connect() as c:
        begin(c)
        for octet in chunk(BODY[:9]) + chunk(BODY[9:]) + chunk(b"", True):
            c.send(bytes([octet]))
            time.sleep(0.0005)
        assert [c.reply()[0] for _ in range(3)] == [250] * 3
    assert [m.body for m in tireless.messages()] == [BODY]


def test_cut_after_every_octet(tireless):
    tireless.forget_messages()
    text = (b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bob@hamburger.edu>\r\n"
            + chunk(b"A: b\r\n\r\n") + chunk(b"x\r\n", True) + b"QUIT\r\n")
    whole = text.index(b"x\r\nQUIT") + 3
    accepted = 0
    before = tireless.descriptors()
    for cut in range(len(text) + 1):
        with tireless.connect(greeting=False) as c:
            c.send(text[:cut])
            c.socket.shutdown(socket.SHUT_WR)
            while c.line() is not None:
                pass
        accepted += cut >= whole
    end = time.monotonic() + 10
    while tireless.descriptors() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert tireless.descriptors() <= before
    assert len(tireless.messages()) == accepted


# ---- BODY=BINARYMIME ----

BINARYMIME = 1 << 5		# ENVELOPE_BINARYMIME
HEAD = b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n"


def begin_binary(c):
    assert "BINARYMIME" in c.expect("EHLO crepes.fr", 250).splitlines()
    c.expect("MAIL FROM:<alice@crepes.fr> BODY=BINARYMIME", 250)
    c.expect("RCPT TO:<bob@hamburger.edu>", 250)


@pytest.mark.parametrize("body", [
    b"", b"\n", b"\r", b"a\nb\rc", b"\r\n.\r\nQUIT\r\n", bytes(range(256)) * 40,
    b"\0" * 70000, b"x" * 300000], ids=range(8))
def test_binary_content_is_kept_octet_for_octet(world, body):
    """RFC 3030 section 3: no line end is added, no line is too long."""
    with world.connect() as c:
        begin_binary(c)
        c.send(chunk(HEAD + body[:7]) + chunk(body[7:], True))
        assert [c.reply()[0] for _ in range(2)] == [250, 250]
    m, = world.messages()
    assert m.body == HEAD + body
    assert int(m.envelope["flags"]) & BINARYMIME


def test_binary_content_never_by_data(world):
    with world.connect() as c:
        begin_binary(c)
        c.expect("DATA", 503, "5.5.1")
        # The transaction goes on, as it has to.
        c.send(chunk(HEAD + b"\n", True))
        assert c.reply()[0] == 250
        # Behind its end nothing of it is left.
        c.start()
        c.send(b"x: y\r\n\r\na\nb\r\n.\r\n")
        assert c.reply()[0] == 554
    m, = world.messages()
    assert m.body == HEAD + b"\n"


@pytest.mark.parametrize("head", [
    b"A: b\nC: d\r\n\r\n", b"A: b\r\rC: d\r\n\r\n", b"\n", b"A: b\r\n\nx\r\n\r\n",
    b"A: b\r"])
def test_a_header_section_is_lines(world, head):
    """In one piece or in two: nobody may find another field in it."""
    for cut in range(1, len(head) + 1):
        with world.connect() as c:
            begin_binary(c)
            c.send(chunk(head[:cut]) + chunk(head[cut:] + b"x", True))
            assert 554 in (c.reply()[0], c.reply()[0])
    assert not world.messages()


def test_binary_without_a_body_gets_its_last_line_end(world):
    with world.connect() as c:
        begin_binary(c)
        c.send(chunk(b"A: b", True))
        assert c.reply()[0] == 250
    assert world.messages()[0].body == b"A: b\r\n"


def test_bare_line_ends_only_where_they_were_declared(world):
    with world.connect() as c:
        for body in "", " BODY=8BITMIME", " BODY=7BIT":
            c.expect("EHLO x", 250)
            c.expect(f"MAIL FROM:<a@b>{body}", 250)
            c.expect("RCPT TO:<bob@hamburger.edu>", 250)
            c.send(chunk(HEAD + b"a\nb", True))
            assert c.reply()[0] == 554
    assert not world.messages()


def test_one_without_its_last_line_end_gets_it(world):
    with world.connect() as c:
        begin(c)
        c.send(chunk(b"A: b\r\n\r\nx", True))
        assert c.reply()[0] == 250
    assert world.messages()[0].body == b"A: b\r\n\r\nx\r\n"


def test_empty(world):
    with world.connect() as c:
        begin(c)
        c.send(chunk(b"") + chunk(b"", True))
        assert [c.reply()[0] for _ in range(2)] == [250, 250]
    assert len(world.messages()) == 1


def test_large_in_many_chunks(world):
    body = b"A: b\r\n\r\n" + b"".join(b"%076d\r\n" % n for n in range(20000))
    with world.connect() as c:
        begin(c)
        for at in range(0, len(body), 100_001):
            c.send(chunk(body[at:at + 100_001]))
            assert c.reply()[0] == 250
        c.expect("BDAT 0 LAST", 250)
    assert world.messages()[0].body == body


def test_large_in_one(world):
    body = b"A: b\r\n\r\n" + b"".join(b"%076d\r\n" % n for n in range(20000))
    with world.connect() as c:
        begin(c)
        c.send(chunk(body, True))
        assert c.reply()[0] == 250
    assert world.messages()[0].body == body


@pytest.mark.parametrize("before,code,enhanced", [
    ((), 503, "5.5.1"),
    (("EHLO x",), 503, "5.5.1"),
    (("EHLO x", "MAIL FROM:<a@b>"), 554, "5.5.1"),
    (("EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<nobody@hamburger.edu>"), 554,
     "5.5.1"),
])
def test_out_of_sequence_is_read_and_discarded(tireless, before, code,
                                               enhanced):
    tireless.forget_messages()
    with tireless.connect() as c:
        for command in before:
            c.ask(command)
        c.send(chunk(SMUGGLE) + chunk(b"", True) + b"NOOP\r\n")
        for _ in range(2):
            got, text = c.reply()
            assert (got, text[:5]) == (code, enhanced)
        assert c.reply()[0] == 250
        c.expect("RSET", 250)
    assert not tireless.messages()


@pytest.mark.parametrize("command", [
    "BDAT", "BDAT x", "BDAT -1", "BDAT 5 FIRST", "BDAT 5 LAST x",
    "BDAT 99999999999999999999", "BDAT 0x5", "BDAT +5", "BDAT 5LAST",
    "BDAT LAST"])
def test_a_size_that_nobody_understands_ends_the_session(tireless, command):
    """What follows might be data: none of it may be a command."""
    tireless.forget_messages()
    with tireless.connect() as c:
        begin(c)
        c.send(command.encode() + b"\r\n" + SMUGGLE)
        code, text = c.reply()
        assert (code, text[:5]) == (501, "5.5.4")
        assert c.ended()
    assert not tireless.messages()


def test_data_and_bdat_do_not_mix(world):
    with world.connect() as c:
        begin(c)
        c.send(chunk(b"A: b\r\n"))
        assert c.reply()[0] == 250
        for command in ("DATA", "MAIL FROM:<a@b>",
                        "RCPT TO:<alice@hamburger.edu>"):
            c.expect(command, 503, "5.5.1")
        c.expect("NOOP", 250)
        c.send(chunk(b"\r\nx\r\n", True))
        assert c.reply()[0] == 250
        # Behind the last there is no more.
        c.send(chunk(SMUGGLE, True))
        assert c.reply()[0] == 503
    [m] = world.messages()
    assert m.body == b"A: b\r\n\r\nx\r\n" and m.to == ["bob@hamburger.edu"]


@pytest.mark.parametrize("reset", ["RSET", "EHLO again"])
def test_reset_in_between_clears_all(world, reset):
    with world.connect() as c:
        begin(c)
        c.send(chunk(b"A: lost\r\n"))
        assert c.reply()[0] == 250
        c.expect(reset, 250)
        c.send(chunk(SMUGGLE, True))
        assert c.reply()[0] == 503
        c.expect("MAIL FROM:<alice@crepes.fr>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.send(chunk(BODY, True))
        assert c.reply()[0] == 250
    [m] = world.messages()
    assert m.body == BODY


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n",
                                  b"\n", b"x\r"])
def test_bare_line_ends_are_refused(tireless, data):
    tireless.forget_messages()
    for cut in range(len(data) + 1):
        with tireless.connect() as c:
            begin(c)
            c.send(chunk(data[:cut]) + chunk(data[cut:], True) + b"NOOP\r\n")
            got = [c.reply() for _ in range(3)]
            codes = [g[0] for g in got]
            # At the first chunk where it shows, or at the end.
            assert codes in ([250, 554, 250], [554, 503, 250]), (cut, got)
            assert not c.expect("RSET", 250).startswith("5")
    assert not tireless.messages()


def test_what_is_refused_on_the_way_takes_the_rest_with_it(new_world):
    w = new_world("max_message_size = 64K\n")
    with w.connect() as c:
        begin(c)
        line = b"x" * 70 + b"\r\n"
        c.send(chunk(line * 500) * 2 + chunk(line * 500) + chunk(line, True)
               + b"NOOP\r\n")
        got = [c.reply()[0] for _ in range(5)]
        assert got == [250, 552, 503, 503, 250]
    assert not w.messages()


def test_queue_refuses_and_goes_away(world):
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.expect("MAIL FROM:<policy@crepes.fr>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.send(chunk(BODY, True))
        assert c.reply()[0] == 554
        c.expect("MAIL FROM:<alice@crepes.fr>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.send(chunk(BODY))
        assert c.reply()[0] == 250
        world.order("close queue")
        world.logged("sibling-gone")
        c.send(chunk(b"", True))
        assert c.reply()[0] == 451
        c.expect("NOOP", 250)


def test_nothing_again_and_again_ends(new_world):
    w = new_world("max_idle_commands = 20\n")
    with w.connect() as c:
        begin(c)
        c.send(b"BDAT 0\r\n" * 30)
        codes = []
        while (r := c.reply())[0] is not None:
            codes.append(r[0])
        assert codes[-1] == 421 and codes.count(250) <= 20


def test_a_chunk_that_stalls(new_world):
    w = new_world("data_block_timeout = 1s\n")
    with w.connect() as c:
        begin(c)
        c.send(b"BDAT 100 LAST\r\nabc")
        assert c.reply()[0] == 421
        assert c.ended()
    assert not w.messages()


def test_injected_message_is_completed(new_world):
    w = new_world(inject=True)
    with w.connect() as c:
        c.expect("MAIL FROM:<alice>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        c.send(chunk(b"Subject: x\r") + chunk(b"\n\r") + chunk(b"\nx", True))
        assert [c.reply()[0] for _ in range(3)] == [250] * 3
    [m] = w.messages()
    assert b"\r\nMessage-ID: <" in m.content
    assert m.content.endswith(b"\r\nSubject: x\r\n\r\nx\r\n")
