"""Every limit at its value and one beyond; slow, silent, flooding and early
clients; full and stopping."""

import socket
import time

import pytest

from .world import SANITIZED


def test_message_size(new_world):
    w = new_world("max_message_size = 64K\n")
    line = 98 * b"x" + b"\r\n"
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<> SIZE=65536", 250)
        c.expect("RSET", 250)
        c.expect("MAIL FROM:<> SIZE=65537", 552, "5.3.4")
        exact = b"a: b\r\n\r\n" + 655 * line + 26 * b"y" + b"\r\n"
        assert len(exact) == 65536
        assert c.deliver(exact)[0] == 250
        code, text = c.deliver(b"x" + exact)
        assert code == 552 and text.startswith("5.3.4 ")
        # Far more than that is read, thrown away, and refused once.
        code, text = c.deliver(100 * exact)
        assert code == 552
        c.expect("NOOP", 250)
    assert len(w.messages()) == 1


def test_command_line(new_world):
    w = new_world("max_command_line = 512\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("NOOP " + (510 - 5) * "x", 250)
        c.expect("NOOP " + (511 - 5) * "x", 500, "5.5.2")
        c.expect("NOOP " + 100000 * "x", 500, "5.5.2")
        c.expect("NOOP", 250)
        # The end of the long line may come cut in two.
        c.send("NOOP " + 600 * "x" + "\r")
        time.sleep(0.05)
        c.send("\n")
        assert c.reply()[0] == 500
        c.expect("NOOP", 250)


def test_text_line(new_world):
    w = new_world("max_text_line = 1000\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        assert c.deliver(b"a: b\r\n\r\n" + 998 * b"x" + b"\r\n")[0] == 250
        code, text = c.deliver(b"a: b\r\n\r\n" + 999 * b"x" + b"\r\n")
        assert code == 554 and text.startswith("5.6.0 ")


def test_recipients(new_world):
    w = new_world("max_recipients = 100\nmax_errors = 1000\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<>", 250)
        for n in range(50):
            c.expect(f"RCPT TO:<nobody{n}@hamburger.edu>", 550)
        for n in range(100):
            c.expect(f"RCPT TO:<u{n}@hamburger.edu>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 452, "4.5.3")
        c.expect("DATA", 354)
        c.expect("x: y\r\n.", 250)
    assert len(w.messages()[0].to) == 100


def test_errors(new_world):
    w = new_world("max_errors = 5\n")
    with w.connect() as c:
        for _ in range(5):
            c.expect("WHAT", 500)
        assert c.reply()[0] == 421
        assert c.ended()
    assert w.logged("reason=ERRORS")
    # Pipelined recipients end in the same way, and no later.
    with w.connect() as c:
        c.expect("EHLO x", 250)
        c.send("MAIL FROM:<>\r\n"
               + 50 * "RCPT TO:<nobody@hamburger.edu>\r\n")
        codes = []
        while (code := c.reply()[0]) is not None:
            codes.append(code)
        assert codes == [250] + 5 * [550] + [421]


def test_idle_commands(new_world):
    w = new_world("max_idle_commands = 10\n")
    with w.connect() as c:
        for _ in range(10):
            c.expect("NOOP", 250)
        c.expect("NOOP", 421, "4.7.0")
        assert c.ended()


def test_silent(new_world):
    w = new_world("command_timeout = 1s\n")
    with w.connect() as c:
        began = time.monotonic()
        code, text = c.reply()
        assert code == 421 and text.startswith("4.4.2 ")
        assert 0.9 < time.monotonic() - began < 5
        assert c.ended()
    assert w.logged("reason=TIMEOUT")


def test_dribble_does_not_buy_time(new_world):
    """One octet at a time is no command."""
    w = new_world("command_timeout = 1s\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        began = time.monotonic()
        c.socket.settimeout(0.1)
        got = b""
        while time.monotonic() - began < 5 and not got:
            c.send("N")
            try:
                got = c.socket.recv(100)
            except TimeoutError:
                pass
        assert got.startswith(b"421 ")
        assert time.monotonic() - began < 4


def test_silent_in_data(new_world):
    w = new_world("data_block_timeout = 1s\n")
    with w.connect() as c:
        c.start()
        c.send("Subject: x\r\n")
        assert c.reply()[0] == 421
    assert w.messages() == []


def test_slow_in_data(new_world):
    w = new_world("min_rate = 1000\nmin_rate_grace = 1s\n")
    with w.connect() as c:
        c.start()
        began = time.monotonic()
        c.socket.settimeout(0.05)
        got = b""
        while time.monotonic() - began < 10 and not got:
            c.send("x\r\n")
            try:
                got = c.socket.recv(100)
            except TimeoutError:
                pass
        assert got.startswith(b"421 4.4.2 Too slow")
    with w.connect() as c:
        c.start()
        for _ in range(15):		# slow, but not that slow
            c.send(200 * "x" + "\r\n")
            time.sleep(0.1)
        c.expect(".", 250)


@pytest.mark.parametrize("settings", [
    "data_timeout = 1s\n", "session_timeout = 1s\n"])
def test_long_in_data(new_world, settings):
    w = new_world(settings)
    with w.connect() as c:
        c.start()
        began = time.monotonic()
        c.socket.settimeout(0.05)
        got = b""
        while time.monotonic() - began < 10 and not got:
            c.send(200 * "x" + "\r\n")
            try:
                got = c.socket.recv(100)
            except TimeoutError:
                pass
        assert got.startswith(b"421 4.4.2 ")
        assert time.monotonic() - began < 5


def test_does_not_read(new_world):
    """A client that sends and never reads costs a bounded buffer, then its
    connection."""
    w = new_world("reply_timeout = 1s\nmax_idle_commands = 1000000\n")
    before = w.descriptors()
    with w.connect() as c:
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.socket.settimeout(0.5)
        memory = w.memory()
        try:
            for _ in range(3000):
                c.send(300 * "HELP\r\n")
        except (TimeoutError, ConnectionError):
            pass
        # A sanitizer keeps what was freed for a while.
        assert SANITIZED or w.memory() - memory < 1 << 20
        end = time.monotonic() + 10
        while w.descriptors() > before and time.monotonic() < end:
            time.sleep(0.05)
        assert w.descriptors() == before
    with w.connect() as c:
        c.expect("NOOP", 250)


def test_flood_of_commands(world):
    """Half a million NOOPs are an error of the client, not our problem."""
    with world.connect() as c:
        try:
            c.send(500000 * "NOOP\r\n")
        except ConnectionError:
            pass
    with world.connect() as c:
        c.expect("NOOP", 250)


def test_sessions(new_world):
    w = new_world("max_sessions = 3\n")
    clients = [w.connect() for _ in range(3)]
    with w.connect(greeting=False) as c:
        code, text = c.reply()
        assert code == 421 and text.startswith("4.3.2 ")
        assert c.ended()
    clients[0].expect("QUIT", 221)
    assert clients[0].ended()
    w.logged("event=session-end")
    with w.connect() as c:
        c.expect("NOOP", 250)
    for c in clients:
        c.socket.close()
    assert w.logged("what=connection", "reason=FULL")


def test_sessions_of_one_client(new_world):
    w = new_world("max_sessions_per_client = 2\nlimit_this_host = yes\n")
    clients = [w.connect() for _ in range(2)]
    with w.connect(greeting=False) as c:
        code, text = c.reply()
        assert code == 421 and text.startswith("4.7.0 ")
    for c in clients:
        c.socket.close()


def test_connections_a_minute(new_world):
    w = new_world("max_connections_per_minute = 5\nlimit_this_host = yes\n")
    for _ in range(5):
        with w.connect() as c:
            c.expect("QUIT", 221)
    with w.connect(greeting=False) as c:
        assert c.reply()[0] == 421
    assert w.logged("reason=CLIENT_RATE")


def test_errors_of_one_client(new_world):
    """Who tries out names is stopped, in however many sessions."""
    w = new_world("max_errors_per_minute = 12\nmax_errors = 5\n"
                  "limit_this_host = yes\nearly_commands = accept\n")
    codes = []
    for n in range(4):
        with w.connect(greeting=False) as c:
            c.send("HELO x\r\nMAIL FROM:<>\r\n" + "".join(
                f"RCPT TO:<n{n}{i}@hamburger.edu>\r\n" for i in range(9)))
            while (code := c.reply()[0]) is not None:
                codes.append(code)
    assert codes == [220, 250, 250] + 5 * [550] + [421] + \
        [220, 250, 250] + 5 * [550] + [421] + \
        [220, 250, 250] + 2 * [550] + [421] + [421]
    assert w.logged("what=connection", "reason=CLIENT_ERRORS")


def test_no_free_descriptors(new_world):
    """EMFILE: 421 for who cannot be served, and all is well afterwards."""
    world = new_world(descriptors=24)
    clients = [world.connect(greeting=False) for _ in range(24)]
    codes = [c.reply()[0] for c in clients]
    assert codes.count(220) >= 5 and codes.count(421) >= 5
    assert set(codes) == {220, 421}
    assert world.logged("event=cannot-accept")
    # A message now has no descriptor for its content: not lost, not a crash.
    served = clients[codes.index(220)]
    served.start()
    assert served.ask("x: y\r\n.")[0] == 452
    for c in clients:
        c.socket.close()
    time.sleep(0.3)
    with world.connect() as c:
        c.start()
        c.expect("x: y\r\n.", 250)
    assert len(world.messages()) == 1


def test_stop(new_world):
    """Who is between messages goes at once; a message under way may end."""
    w = new_world("stop_timeout = 10s\n")
    idle, busy = w.connect(), w.connect()
    busy.start()
    w.order("stop")
    code, text = idle.reply()
    assert code == 421 and text.startswith("4.3.2 ")
    assert idle.ended()
    busy.expect("x: y\r\n.", 250)
    assert busy.reply()[0] == 421
    assert busy.ended()
    assert w._line() == "exit 0"
    w.process.wait(10)
    assert len(w.messages()) == 1


def test_stop_does_not_wait_for_ever(new_world):
    w = new_world("stop_timeout = 1s\n")
    with w.connect() as c:
        c.start()
        w.order("stop")
        assert c.reply()[0] == 421
        assert w._line() == "exit 0"
    w.process.wait(10)


def test_reload(new_world):
    w = new_world("greeting = one\n")
    old = w.connect(greeting=False)
    assert old.line().endswith(" one")
    w.settings("greeting = two\nmax_message_size = 64K\n")
    w.order("commit", answer="ready")
    with w.connect(greeting=False) as c:
        assert c.line().endswith(" two")
        assert "SIZE 65536" in c.expect("EHLO x", 250)
    old.expect("NOOP", 250)
    w.settings("greeting = three\nmax_sesions = 7\n")
    w.order("commit", answer="refused")
    assert w.logged("event=bad-settings", "max_sessions")
    with w.connect(greeting=False) as c:
        assert c.line().endswith(" two")
    old.socket.close()


@pytest.mark.parametrize("settings, codes", [
    ("", [554, None]), ("early_talkers = accept\n", [220, 250])])
def test_early_talkers(new_world, settings, codes):
    w = new_world("greeting_delay = 1s\nlimit_this_host = yes\n" + settings)
    with w.connect() as c:		# a client with manners
        c.expect("HELO x", 250)
    with w.connect(greeting=False) as c:
        began = time.monotonic()
        c.send("HELO x\r\n")
        assert [c.reply()[0] for _ in range(2)] == codes
        assert codes[0] == 554 or time.monotonic() - began > 0.8
    assert w.logged("reason=EARLY_TALKER" if codes[0] == 554
                    else "event=early-talker")


def test_gone_before_the_greeting(new_world):
    w = new_world("greeting_delay = 1s\nlimit_this_host = yes\n")
    before = w.descriptors()
    for _ in range(20):
        w.connect(greeting=False).socket.close()
    w.logged("event=session-end", times=20)
    assert w.descriptors() == before
    time.sleep(1.2)
    with w.connect() as c:
        c.expect("NOOP", 250)


def test_what_limits_announces_is_what_holds(new_world):
    """RFC 9422: RCPTMAX is the number of recipients of one transaction."""
    w = new_world("max_recipients = 100\n")
    with w.connect() as c:
        assert "LIMITS RCPTMAX=100" in c.expect("EHLO x", 250).split("\n")
        c.expect("MAIL FROM:<alice@crepes.fr>", 250)
        for n in range(100):
            c.expect(f"RCPT TO:<u{n}@hamburger.edu>", 250)
        c.expect("RCPT TO:<bob@hamburger.edu>", 452, "4.5.3")
