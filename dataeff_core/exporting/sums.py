"""SHA256SUMS in the form that `sha256sum -c` reads.

A line is the hash, two spaces, the name. A name with a backslash, line feed or carriage return is escaped and the
line begins with a backslash (GNU coreutils manual, section "md5sum invocation"). Names are bytes.
"""

import os
import re
from collections.abc import Mapping

from dataeff_core.errors import BadInput

FILE = "SHA256SUMS"
ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
UNESCAPES = {escaped: plain for plain, escaped in ESCAPES.items()}
LINE = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)", re.DOTALL)


def write_sums(hashes: Mapping[str, str]) -> bytes:
    """Relative name -> sha256 (hex), as the content of SHA256SUMS, sorted by name."""
    return b"".join(_line(os.fsencode(name), hashes[name]) for name in sorted(hashes))


def read_sums(content: bytes) -> dict[str, str]:
    """The content of SHA256SUMS as relative name -> sha256 (hex). Raises BadInput, naming the line, when damaged."""
    hashes: dict[str, str] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line:
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise BadInput(f"line {number} of {FILE} is not '<sha256>  <name>'; export again")
        escaped, digest, name = match.groups()
        plain = re.sub(rb"\\[\\nr]", lambda found: UNESCAPES[found.group()], name) if escaped else name
        if os.fsdecode(plain) in hashes:
            raise BadInput(f"line {number} of {FILE} names {os.fsdecode(plain)!r} a second time; export again")
        hashes[os.fsdecode(plain)] = digest.decode().lower()
    return hashes


def _line(name: bytes, digest: str) -> bytes:
    escaped = re.sub(rb"[\\\n\r]", lambda found: ESCAPES[found.group()], name)
    return (b"\\" if escaped != name else b"") + digest.encode() + b"  " + escaped + b"\n"
