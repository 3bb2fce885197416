"""SEARCH of text in the character sets that mail uses."""

import base64
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

TEXTS = [
    ("iso-8859-2", "Zażółć gęślą jaźń", "iso8859-2"),
    ("koi8-r", "Привет, мир", "koi8-r"), ("windows-1251", "Привет, мир", "cp1251"),
    ("iso-8859-7", "Καλημέρα", "iso8859-7"),
    ("windows-1255", "שלום", "cp1255"), ("windows-1256", "مرحبا", "cp1256"),
    ("gb2312", "你好世界", "gb2312"), ("gb18030", "你好，世界€", "gb18030"),
    ("big5", "你好世界", "big5"), ("euc-kr", "안녕하세요", "euc-kr"),
    ("shift_jis", "こんにちは世界", "cp932"), ("euc-jp", "こんにちは世界", "euc-jp"),
    ("iso-2022-jp", "こんにちは世界", "iso-2022-jp"), ("utf-7", "grüße 😀", "utf-7"),
    ("utf-8", "grüße 😀", "utf-8"),
]


def test_the_tables_are_what_makes_them():
    made = subprocess.run(
        ["/usr/bin/python3", "-c", "import runpy; print(runpy.run_path("
         "'mk/charset-tables')['main'](), end='')"], cwd=TOP,
        capture_output=True, check=True).stdout
    assert made == (TOP / "common/message/charset_tables.c").read_bytes()


def test_search_in_bodies_and_subjects(session):
    s = session()
    for name, text, codec in TEXTS:
        data = text.encode(codec)
        word = base64.b64encode(data).decode()
        s.append(f"Subject: =?{name}?b?{word}?=\n"
                 f"Content-Type: text/plain; charset=\"{name.upper()}\"\n"
                 "Content-Transfer-Encoding: base64\n\n".encode() +
                 base64.encodebytes(b"x" * 2040 + b" " + data))
    s.ok("SELECT INBOX")
    for key in ("SUBJECT", "BODY"):
        for n, (name, text, codec) in enumerate(TEXTS, 1):
            r = s.ok(f"SEARCH CHARSET UTF-8 {key} {{}}", text.encode())
            assert str(n).encode() in r.of("SEARCH")[0].split(), (key, name)
            # asked in the set of the message itself
            if b"\0" not in text.encode(codec):
                r = s.ok(f"SEARCH CHARSET {name} {key} {{}}",
                         text.encode(codec))
                assert str(n).encode() in r.of("SEARCH")[0].split(), (key, name)
    r = s.ok("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
    assert len(r.of("FETCH")) == len(TEXTS)


@pytest.mark.parametrize("command", [
    "SEARCH CHARSET x-none ALL", "SORT (DATE) x-none ALL",
    "THREAD REFERENCES x-none ALL"])
def test_unknown(session, command):
    s = session()
    s.ok("SELECT INBOX")
    r = s.ask(command)
    assert r.status == "NO"
    assert r.text.startswith("[BADCHARSET (US-ASCII UTF-8 ISO-8859-1 ")
    s.ok("SEARCH CHARSET latin1 ALL")


def test_case_and_composition(session):
    """RFC 5051, also where a character is cut by a piece of the text."""
    s = session()
    for n in range(4):
        s.append("Subject: =?utf-8?q?=C3=84rger_in_K=C3=B6ln?=\n"
                 "Content-Type: text/plain; charset=utf-8\n\n".encode() +
                 b"x" * (2046 + n) + "Ä".encode() + "\nСТРАНА é\n".encode())
    s.ok("SELECT INBOX")
    for key, text in [("SUBJECT", "äRGER"), ("SUBJECT", "KÖLN"),
                      ("SUBJECT", "ko\u0308ln"), ("SUBJECT", "ko"),
                      ("BODY", "xä"), ("BODY", "страна É"),
                      ("BODY", "e\u0301"), ("TEXT", "ärger in köln")]:
        assert s.ok(f"SEARCH CHARSET UTF-8 {key} {{}}", text.encode()).of(
            "SEARCH")[0] == b"* SEARCH 1 2 3 4\r\n", (key, text)
    for text in ("kölnn", "страны", "xö"):
        assert s.ok("SEARCH CHARSET UTF-8 TEXT {}", text.encode()).of(
            "SEARCH")[0] == b"* SEARCH\r\n"
