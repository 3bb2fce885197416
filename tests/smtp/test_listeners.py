"""A listener whose block is taken out of the settings while smtpd runs."""

import smtplib
import socket

import pytest

from support.instance import DOMAIN

MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


def test_nobody_comes_in_by_a_listener_without_settings(new_instance):
    """What its block said of TLS and milters would be forgotten: until the
    stage begins anew there is no greeting, and the log says why; a session
    that was there before goes on asking for TLS."""
    i = new_instance().start()
    with i.smtp() as before:
        text = (i.conf / "smtpd.conf").read_text()
        assert "listener smtp {" in text
        i.write("smtpd.conf", text.replace("listener smtp {",
                                           "listener other {"))
        i.command("reload", "smtpd", check=True)
        i.await_log(1, event="listener-without-settings", listener="smtp")
        with socket.create_connection(("127.0.0.1", i.smtp_port), 5) as s:
            s.settimeout(1)
            with pytest.raises(TimeoutError):
                s.recv(100)
        with pytest.raises(smtplib.SMTPResponseException) as e:
            before.sendmail("a@example.net", [f"alice@{DOMAIN}"], MESSAGE)
        assert e.value.smtp_code == 530
    i.command("restart", "smtpd", check=True)
    with i.smtp() as c:
        c.sendmail("a@example.net", [f"alice@{DOMAIN}"], MESSAGE)
    i.await_mail("alice", 1)


def test_a_restart_is_over_when_the_stage_listens_again(new_instance):
    """`bulkhead restart` comes back when the new process has its sockets:
    whoever connects after it is never refused, also while a session of the
    old process had to be ended first."""
    i = new_instance().start()
    for _ in range(5):
        session = i.smtp()
        old = i.pids("smtpd")
        i.command("restart", "smtpd", check=True)
        assert i.pids("smtpd") != old
        socket.create_connection(("127.0.0.1", i.smtp_port), 5).close()
        session.close()
