"""RFC 2920 section 3.1: what may come in one group, and what has to be its
last command; and what is for those who said EHLO."""

import pytest

HELLO = "EHLO crepes.fr\r\n"
MAIL = "MAIL FROM:<alice@crepes.fr>\r\n"
RCPT = "RCPT TO:<bob@hamburger.edu>\r\n"


def codes(c):
    found = []
    while (code := c.reply()[0]) is not None:
        found.append(code)
    return found


@pytest.mark.parametrize("command", [
    "EHLO x", "HELO x", "NOOP", "VRFY bob", "EXPN all", "HELP", "TURN",
    "ETRN x", "AUTH PLAIN x"])
def test_last_in_a_group(world, command):
    """With input behind it, it is not done, nor is what comes behind."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send(f"{command}\r\n{MAIL}{RCPT}")
        assert codes(c) == [554]
    assert world.logged("event=refused", "reason=EARLY_COMMANDS")
    with world.connect() as c:
        c.expect("EHLO x", 250)
        assert c.ask(command)[0] != 554
        c.expect("MAIL FROM:<>", 503 if command == "EHLO" else 250)


def test_what_may_be_piped(world):
    """MAIL, RCPT and RSET anywhere, DATA at the end, BDAT with its octets
    (RFC 3030 section 4.2), and all of it again behind the message."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send(f"RSET\r\n{MAIL}{RCPT}RSET\r\n{MAIL}{RCPT}DATA\r\n")
        assert [c.reply()[0] for _ in range(7)] == 6 * [250] + [354]
        c.send(f"x: y\r\n.\r\n{MAIL}{RCPT}BDAT 6\r\nx: y\r\n"
               f"BDAT 0 LAST\r\n{MAIL}QUIT\r\n")
        assert codes(c) == 6 * [250] + [221]
    assert len(world.messages()) == 2


def test_a_message_behind_data_is_its_message(world):
    """Without waiting for 354: it is data all the same, and nothing else."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send(f"{MAIL}{RCPT}DATA\r\nx: y\r\n\r\n{MAIL}{RCPT}.\r\nQUIT\r\n")
        assert codes(c) == [250, 250, 354, 250, 221]
    m, = world.messages()
    assert m.body == f"x: y\r\n\r\n{MAIL}{RCPT}".encode()


@pytest.mark.parametrize("before, code", [
    ("", 503), (MAIL, 554), (MAIL + "RCPT TO:<nobody@hamburger.edu>\r\n", 554),
])
def test_a_message_behind_data_that_is_refused(world, before, code):
    """What was meant for data is no command: no second message comes of it."""
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send(f"{before}DATA\r\nx: y\r\n\r\nRSET\r\n{MAIL}{RCPT}DATA\r\n"
               "smuggled\r\n.\r\nQUIT\r\n")
        assert codes(c)[-2:] == [code, 554]
    assert not world.messages()


def test_data_alone_is_refused_and_the_session_goes_on(world):
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<>\r\nRCPT TO:<nobody@hamburger.edu>\r\nDATA\r\n")
        assert [c.reply()[0] for _ in range(3)] == [250, 550, 554]
        c.expect("RSET", 250)


@pytest.mark.parametrize("start", ["", "HELO x\r\n"])
def test_no_group_before_ehlo(world, start):
    """PIPELINING was not offered, or not heard of."""
    with world.connect() as c:
        if start:
            c.expect("HELO x", 250)
        c.send(MAIL + RCPT)
        assert codes(c) == [554]


def test_accepted_by_a_setting(new_world):
    w = new_world("early_commands = accept\n")
    with w.connect() as c:
        c.send(f"{HELLO}NOOP\r\n{MAIL}{RCPT}DATA\r\nx: y\r\n.\r\nQUIT\r\n")
        assert codes(c) == [250, 250, 250, 250, 354, 250, 221]
    assert len(w.messages()) == 1


def test_a_program_of_this_host_writes_all_at_once(new_world):
    w = new_world(inject=True)
    with w.connect() as c:
        c.send(f"{HELLO}{MAIL}{RCPT}DATA\r\nx: y\r\n\r\n.\r\nQUIT\r\n")
        assert codes(c) == [250, 250, 250, 354, 250, 221]


@pytest.mark.parametrize("parameter", [
    "SIZE=10", "BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=x", "X=y"])
def test_no_parameter_behind_helo(world, parameter):
    """RFC 5321 section 2.2.1: who said HELO has no extension."""
    with world.connect() as c:
        c.expect("HELO x", 250)
        c.expect(f"MAIL FROM:<a@b> {parameter}", 555, "5.5.4")
        c.expect("MAIL FROM:<a@b>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu> NOTIFY=NEVER", 555, "5.5.4")
        c.expect("RCPT TO:<bob@hamburger.edu>", 250)
        # Nor has it chunks; their octets are no commands.
        c.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        assert c.reply()[0] == 503
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<a@b> SIZE=10", 250)
