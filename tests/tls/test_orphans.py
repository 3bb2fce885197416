"""A listener of a gate whose block is taken out of the settings while the gate
runs; smtpd has the same rule (tests/smtp/test_listeners.py)."""

import socket

import pytest

GREETINGS = {"pop3d": b"+OK", "imapd": b"* OK"}


@pytest.mark.parametrize("stage", ["pop3d", "imapd"])
def test_nobody_comes_in_by_a_listener_without_settings(new_instance, stage):
    """What its block said of TLS and accounts would be forgotten: until the
    stage begins anew there is no greeting, and the log says why."""
    i = new_instance().start()
    port = i.pop_port if stage == "pop3d" else i.imap_port
    name = stage[:-1]
    with socket.create_connection(("127.0.0.1", port), 30) as before:
        assert before.recv(400).startswith(GREETINGS[stage])
        text = (i.conf / f"{stage}.conf").read_text()
        assert f"listener {name} {{" in text
        i.write(f"{stage}.conf", text.replace(f"listener {name} {{",
                                              "listener other {"))
        i.command("reload", stage, check=True)
        i.await_log(1, event="listener-without-settings", listener=name)
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(1)
            with pytest.raises(TimeoutError):
                s.recv(100)
        # Who was there before is served as before.
        before.settimeout(30)
        before.sendall(b"CAPA\r\n" if stage == "pop3d" else
                       b"a CAPABILITY\r\n")
        assert before.recv(400)[:1] in b"+*"
    i.command("restart", stage, check=True)
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        assert s.recv(400).startswith(GREETINGS[stage])
