"""Every triple of verbs in every state, against a model of RFC 5321
sections 4.1.1, 4.1.4 and 4.3.2: each reply, and the state afterwards."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

START, READY, MAIL, RCPT, CLOSED = range(5)
PREFIX = {
    START: [],
    READY: ["EHLO x"],
    MAIL: ["HELO x", "MAIL FROM:<a@b>"],
    RCPT: ["EHLO x", "MAIL FROM:<>", "RCPT TO:<bob@hamburger.edu>"],
}


def in_any(code, next_state=None):
    return {s: (code, s if next_state is None else next_state(s))
            for s in range(CLOSED)}


def hello(s):
    return READY


def reset(s):
    return s if s == START else READY


TOO_EARLY = {START: (503, START), READY: (503, READY)}
MODEL = {
    "HELO x": in_any(250, hello),
    "EHLO x": in_any(250, hello),
    "EHLO": in_any(501),
    "MAIL FROM:<a@b>": {START: (503, START), READY: (250, MAIL),
                        MAIL: (503, MAIL), RCPT: (503, RCPT)},
    "MAIL FROM:<a": {START: (503, START), READY: (501, READY),
                     MAIL: (503, MAIL), RCPT: (503, RCPT)},
    "RCPT TO:<bob@hamburger.edu>": {**TOO_EARLY, MAIL: (250, RCPT),
                                    RCPT: (250, RCPT)},
    "RCPT TO:<nobody@hamburger.edu>": {**TOO_EARLY, MAIL: (550, MAIL),
                                       RCPT: (550, RCPT)},
    "RCPT TO:<": {**TOO_EARLY, MAIL: (501, MAIL), RCPT: (501, RCPT)},
    # DATA that is accepted has its message behind it: see dialogue().
    "DATA": {**TOO_EARLY, MAIL: (554, MAIL), RCPT: (354, READY)},
    "RSET": in_any(250, reset),
    "NOOP": in_any(250),
    "VRFY bob": in_any(252),
    "EXPN all": in_any(502),
    "HELP": in_any(214),
    "STARTTLS": in_any(502),
    "TURN": in_any(502),
    # Not for the clients of this world (tests/relay/test_etrn.py has those).
    "ETRN b": {START: (503, START), READY: (459, READY), MAIL: (503, MAIL),
               RCPT: (503, RCPT)},
    # With its octets behind it, which are read whatever the reply.
    "BDAT 6 LAST": {START: (503, START), READY: (503, READY),
                    MAIL: (554, MAIL), RCPT: (250, READY)},
    "BDAT x": in_any(501, lambda s: CLOSED),
    "WHAT": in_any(500),
    "QUIT": in_any(221, lambda s: CLOSED),
}

# Which state is it?  Both answers together are different in each.
PROBE = {START: [503, 503], READY: [503, 250], MAIL: [554, 503],
         RCPT: [354, 250, 250]}


def dialogue(state, verbs):
    """What to send, and the replies that have to come."""
    # Behind HELO there are no extensions (RFC 5321 section 2.2.1).
    plain = state == MAIL
    out, codes = [], []
    for line in PREFIX[state]:
        out.append(line)
        codes.append(250)
    for line in verbs:
        out.append(line)
        if state == CLOSED:
            continue
        if line == "BDAT 6 LAST":
            out.append("x: y")
        if plain and line in ("BDAT 6 LAST", "ETRN b"):
            codes.append(503)
            continue
        plain = {"HELO x": True, "EHLO x": False}.get(line, plain)
        code, state = MODEL[line][state]
        codes.append(code)
        if code == 354:
            out.append("x: y\r\n.")
            codes.append(250)
    if state != CLOSED:
        out.append("DATA")
        codes += PROBE[state]
        if state == RCPT:
            out.append("x: y\r\n.")
        out.append("MAIL FROM:<>")
        out.append("QUIT")
        codes.append(221)
    return "".join(line + "\r\n" for line in out), codes


def check(world, state, verbs, step):
    text, codes = dialogue(state, verbs)
    with world.connect() as c:
        if step:
            for line in text.splitlines(keepends=True):
                c.send(line)
        else:
            c.send(text)
        got = [c.reply()[0] for _ in codes]
        assert got == codes, (state, verbs, codes, got)
        assert c.ended()
    return 1


@pytest.mark.parametrize("state", PREFIX)
def test_every_triple(tireless, state):
    tireless.order("forget")
    triples = list(itertools.product(MODEL, repeat=3))
    assert len(triples) == 21 ** 3
    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(
            lambda v: check(tireless, state, v, False), triples))
    assert done == len(triples)


@pytest.mark.parametrize("state", PREFIX)
def test_every_pair_line_by_line(tireless, state):
    tireless.order("forget")
    for pair in itertools.product(MODEL, repeat=2):
        check(tireless, state, pair, True)
