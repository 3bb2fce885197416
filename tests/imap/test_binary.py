"""FETCH BINARY (RFC 3516): parts with their transfer encoding undone."""

import base64
import re

NULS = bytes(range(256)) * 30


def message():
    return (b"Subject: x\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=b\n\n"
            b"--b\nContent-Transfer-Encoding: base64\n"
            b"Content-Type: image/png\n\n" +
            base64.encodebytes(NULS) +
            b"--b\nContent-Transfer-Encoding: Quoted-Printable\n\n"
            b"gr=C3=BC=C3=9Fe\tan =\nalle =0A\n--b\n"
            b"Content-Transfer-Encoding: 8bit\n\none\ntwo \xc3\xa4\n"
            b"--b\nContent-Type: message/rfc822\n\n"
            b"Content-Transfer-Encoding: base64\n\n" +
            base64.encodebytes(b"inside") +
            b"--b\nContent-Transfer-Encoding: x-uuencode\n\nbegin\n"
            b"--b--\n")


def parts(s, items, mail="1"):
    """{label: octets or number} of one message, literal8 among them."""
    r = s.ok(f"FETCH {mail} ({items})")
    assert len(r.of("FETCH")) == 1, r
    data, found = r.of("FETCH")[0], {}
    at = data.index(b"(") + 1
    while (m := re.compile(rb"([A-Z.]+(?:\[[^]]*\](?:<\d+>)?)?) "
                           rb"(?:(~?)\{(\d+)\}\r\n|(\d+)|(NIL)|\(([^)]*)\))"
                           ).match(data, at)):
        at = m.end()
        if m[3]:
            found[m[1].decode()] = data[at:at + int(m[3])]
            assert m[2] == b"~" or b"\0" not in data[at:at + int(m[3])]
            at += int(m[3])
        elif m[6] is None:
            found[m[1].decode()] = int(m[4]) if m[4] else None
        if data[at:at + 1] != b" ":
            break
        at += 1
    assert data[at:] == b")\r\n", data[at:at + 80]
    return found


def test_decoded_parts(session):
    s = session()
    s.append(message())
    s.ok("SELECT INBOX")
    want = {"1": NULS, "2": "grüße\tan alle \n".encode(),
            "3": b"one\r\ntwo \xc3\xa4"}
    for part, content in want.items():
        assert parts(s, f"BINARY.PEEK[{part}] BINARY.SIZE[{part}]") == {
            f"BINARY[{part}]": content, f"BINARY.SIZE[{part}]": len(content)}
    # not for long enough, from the middle, past the end
    for start, count in ((0, 1), (5, 7000), (7679, 10), (7680, 1), (9999, 9)):
        assert parts(s, f"BINARY.PEEK[1]<{start}.{count}>") == {
            f"BINARY[1]<{start}>": NULS[start:start + count]}
    # all in one command, in their order
    got = parts(s, "BINARY.PEEK[3] BINARY.PEEK[1] BINARY.SIZE[2]")
    assert got == {"BINARY[3]": want["3"], "BINARY[1]": NULS,
                   "BINARY.SIZE[2]": len(want["2"])}
    # of an embedded message its body; what is not there
    assert parts(s, "BINARY.PEEK[4.1]") == {"BINARY[4.1]": b"inside"}
    assert parts(s, "BINARY.PEEK[7] BINARY.SIZE[7]") == {
        "BINARY[7]": None, "BINARY.SIZE[7]": 0}
    whole = parts(s, "BINARY.PEEK[] BODY.PEEK[]")
    assert whole["BINARY[]"] == whole["BODY[]"]
    assert parts(s, "BINARY.SIZE[]")["BINARY.SIZE[]"] == len(whole["BODY[]"])


def test_unknown_encoding(session):
    s = session()
    s.append(message())
    s.append(b"Subject: y\n\nbody\n")
    s.ok("SELECT INBOX")
    for item in ("BINARY.PEEK[5]", "BINARY.SIZE[5]"):
        r = s.ask(f"FETCH 1 (UID {item})")
        assert r.status == "NO" and r.text.startswith("[UNKNOWN-CTE]")
        assert r.of("FETCH") == []
    # the others of the command are there
    r = s.ask("FETCH 1:2 (BINARY.PEEK[5])")
    assert r.status == "NO" and len(r.of("FETCH")) == 1
    assert s.literal("FETCH 1 BODY.PEEK[5]", "BODY[5]") == b"begin"


def test_seen(session):
    s = session()
    s.append(b"Subject: y\n\nbody\n")
    s.ok("SELECT INBOX")
    for item in ("BINARY.PEEK[1]", "BINARY.SIZE[1]"):
        s.ok(f"FETCH 1 {item}")
    assert b"\\Seen" not in s.ok("FETCH 1 FLAGS")[0]
    r = s.ok("FETCH 1 BINARY[1]")
    assert b"\\Seen" in r[0] and r[0].endswith(b"BINARY[1] {6}\r\nbody\r\n)\r\n")


def test_a_large_part_and_one_cut_off(session, home):
    content = bytes(range(255, -1, -1)) * 20000
    s = session()
    s.append(b"Content-Transfer-Encoding: base64\n\n" +
             base64.encodebytes(content))
    s.append(b"Content-Transfer-Encoding: base64\n\nYWJ=\n\nYQ")
    s.ok("SELECT INBOX")
    assert parts(s, "BINARY[1] FLAGS")["BINARY[1]"] == content
    assert parts(s, "BINARY[1]<5000000.30>", "1") == {
        "BINARY[1]<5000000>": content[5000000:5000030]}
    assert parts(s, "BINARY.PEEK[1]", "2") == {"BINARY[1]": b"aba"}
    # another program shortens the file under our hands: NIL, or the end
    file, = [f for f in (home / "Maildir" / "cur").iterdir()
             if f.stat().st_size > 100000]
    with file.open("r+b") as f:
        f.truncate(100000)
    s.send(b"x FETCH 1 BINARY.PEEK[1]\r\n")
    got = s.response()
    assert got == b"" or b"BINARY[1]" in got


def test_nul_in_what_says_it_has_none(session, home):
    """Written by another program: told as it is, as a literal8."""
    s = session()
    s.append(b"Subject: x\n\n0123456789\n")
    file, = [f for d in ("new", "cur")
             for f in (home / "Maildir" / d).iterdir()]
    file.write_bytes(b"Subject: x\n\n01234\x00678\n\n")
    s.ok("SELECT INBOX")
    got = s.ok("FETCH 1 BINARY.PEEK[1]")[0]
    assert got.endswith(b"BINARY[1] ~{13}\r\n01234\x00678\r\n\r\n)\r\n"), got
