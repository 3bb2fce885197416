"""Messages to fetch: made with Python's email package, and broken by hand."""

from email.message import EmailMessage
from email import policy


def _base(subject):
    m = EmailMessage(policy=policy.SMTP.clone(linesep="\n"))
    m["Date"] = "Fri, 21 Nov 1997 09:55:06 -0600"
    m["From"] = '"Joe Q. Public" <john.q.public@example.com>'
    m["To"] = "Mary Smith <mary@x.test>, jdoe@example.org"
    m["Subject"] = subject
    m["Message-ID"] = "<1234@local.machine.example>"
    return m


def _plain():
    m = _base("Plain")
    m.set_content("hello\nworld\n")
    return m.as_bytes()


def _eight():
    m = _base("Gr\u00fc\u00dfe")
    m.set_content("sch\u00f6ne Gr\u00fc\u00dfe\n", cte="8bit")
    return m.as_bytes()


def _quoted():
    m = _base("Quoted")
    m["Cc"] = "A Group: a@b.test, Ed <c@d.test>;, x@y.test"
    m.set_content("na\u00efve = ja\n" * 20, cte="quoted-printable")
    return m.as_bytes()


def _alternative():
    m = _base("Alternative")
    m.set_content("text\n")
    m.add_alternative("<p>html</p>\n", subtype="html")
    return m.as_bytes()


def _picture():
    m = _base("Picture")
    m["Reply-To"] = "other@example.org"
    m.set_content("see the picture\n")
    m.add_attachment(bytes(range(256)) * 20, maintype="image", subtype="png",
                     filename="a \"b\".png", cid="<pic@x.test>")
    m.add_attachment("plain notes\n", filename="no\u00ebl.txt")
    return m.as_bytes()


def _related():
    m = _base("Related")
    m.set_content("text\n")
    m.add_alternative("<img src=cid:x>\n", subtype="html")
    m.get_payload()[1].add_related(b"gif", "image", "gif", cid="<x>")
    m.add_attachment(b"zip", maintype="application", subtype="zip",
                     filename="z.zip")
    return m.as_bytes()


def _forwarded():
    inner = _base("Inner")
    inner.set_content("inner text\n")
    inner.add_attachment(b"pdf" * 100, maintype="application", subtype="pdf",
                         filename="x.pdf")
    m = _base("Forwarded")
    m.set_content("see below\n")
    m.add_attachment(inner)
    return m.as_bytes()


def _deep():
    m = _base("Deep")
    m.set_content("bottom\n")
    for n in range(8):
        outer = _base(f"Level {n}")
        outer.set_content(f"at level {n}\n")
        outer.add_attachment(m)
        m = outer
    return m.as_bytes()


WELL_FORMED = {f.__name__[1:]: f() for f in (
    _plain, _eight, _quoted, _alternative, _picture, _related, _forwarded,
    _deep)}

BROKEN = {
    "empty line only": b"\n",
    "header only": b"Subject: x\n",
    "no header": b"\njust text\n",
    "no end of line": b"Subject: x\n\nno end",
    "no boundary": b"Content-Type: multipart/mixed\n\n--x\n\ny\n--x--\n",
    "never closed": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
                    b"--b\nContent-Type: text/html\n\ntwo\n",
    "no parts": b"Content-Type: multipart/mixed; boundary=b\n\nnothing\n",
    "bad type": b"Content-Type: ;;;\n\nx\n",
    "bare CR": b"Subject: x\n\na\rb\r\r\n",
    "NUL": b"Subject: x\n\na\0b\n",
    "CRLF file": b"Subject: x\r\n\r\nline\r\n",
    "8-bit header": b"Subject: \xe9t\xe9\nFrom: \xe9 <a@b.test>\n\nx\n",
    "addresses": b"From: ((((\nTo: <\nCc: :;:;,,\nBcc: \"\n\nx\n",
    "long line": b"Subject: " + b"x" * 200000 + b"\n\n" + b"y" * 300000 + b"\n",
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" +
                  b"--b\n\nx\n" * 12000,
    "very deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n"
                          b"--b%d\n" % (n, n) for n in range(300)) + b"\nx\n",
}
