"""A filter on Debian's libmilter, which passes over what may not come where it
comes: libmilter_filter.py SOCKET ANSWER-TO-UNKNOWN [data].  It refuses every
message at its end, and prints what it hears."""

import ctypes
import sys

CONTINUE, REJECT = 0, 1
CALLBACKS = ("connect", "helo", "envfrom", "envrcpt", "header", "eoh", "body",
             "eom", "abort", "close", "unknown", "data", "negotiate")


class Description(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("version", ctypes.c_int),
                ("flags", ctypes.c_ulong),
                *((name, ctypes.c_void_p) for name in CALLBACKS)]


def callback(kept, name, answer, arguments):
    def said(*_):
        print(name, flush=True)
        return answer

    kind = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * (1 + arguments))
    kept.append(kind(said))
    return ctypes.cast(kept[-1], ctypes.c_void_p).value


def main(path, unknown, with_data):
    library = ctypes.CDLL("libmilter.so.1.0.1")
    library.smfi_setconn.argtypes = [ctypes.c_char_p]
    library.smfi_register.argtypes = [Description]
    kept = []
    d = Description(name=b"filter", version=0x01000001)
    d.envrcpt = callback(kept, "rcpt", CONTINUE, 1)
    d.header = callback(kept, "header", CONTINUE, 2)
    d.eom = callback(kept, "eom", REJECT, 0)
    d.unknown = callback(kept, "unknown", unknown, 1)
    if with_data:
        d.data = callback(kept, "data", CONTINUE, 0)
    assert library.smfi_setconn(b"local:" + path.encode()) == 0
    assert library.smfi_register(d) == 0
    return library.smfi_main()


sys.exit(main(sys.argv[1], int(sys.argv[2]), "data" in sys.argv[3:]))
