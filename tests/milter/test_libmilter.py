"""Unknown commands and the library that most milters are made with: after one
it takes less than before, and passes over the rest without an answer."""

import ctypes
import sys
from pathlib import Path

import pytest

from support.instance import DOMAIN

from .test_real import Child
from .world import instance

BOB = f"bob@{DOMAIN}"
MESSAGE = "From: a@example.net\r\nSubject: x\r\n\r\nbody\r\n"
FILTER = Path(__file__).parent / "libmilter_filter.py"
CONTINUE, REJECT, DISCARD, ACCEPT, TEMPFAIL = range(5)
CODES = {CONTINUE: 500, REJECT: 550, DISCARD: 500, ACCEPT: 500, TEMPFAIL: 451}


def has_library():
    try:
        ctypes.CDLL("libmilter.so.1.0.1")
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_library(),
                                reason="libmilter is not installed")


@pytest.mark.parametrize("data", [[], ["data"]], ids=["no data", "data"])
@pytest.mark.parametrize("says", CODES)
@pytest.mark.parametrize("where", [None, "mail", "rcpt"])
def test_unknown_commands(tmp_path, where, says, data):
    """Whatever a client types in between, the milter is heard; and one that
    accepts has had its say, at once."""
    # Without a callback for DATA it is not told of any.
    code = CODES[says] if data else 500
    conf = (f"milter one {{\n\tsocket = {tmp_path}/sock\n"
            "\ton_failure = accept\n\tcontent_timeout = 1m\n"
            "\tcommand_timeout = 1m\n}\n")
    with Child(tmp_path, tmp_path / "sock", sys.executable, FILTER,
               tmp_path / "sock", str(says), *data), \
            instance(tmp_path / "i", {}, names="one", conf=conf) as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
            if where == "mail":
                assert c.docmd("FOO")[0] == code
            assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
            if where == "rcpt":
                assert c.docmd("FOO")[0] == code
            accepted = where and says == ACCEPT and data
            assert c.data(MESSAGE)[0] == (250 if accepted else 550)
        assert not i.log(event="milter-failed")
