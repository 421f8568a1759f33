import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.exporting.sums import read_sums, write_sums

AWKWARD = (
    b"plain.txt",
    b"two  spaces",
    b"back\\slash",
    b"new\nline",
    b"return\r",
    b"both\\\n",
    b"\xff\xfe",
    "ü🔬".encode(),
)


def test_the_real_sha256sum_accepts_what_is_written(tmp_path: Path) -> None:
    hashes = {}
    for number, name in enumerate(AWKWARD):
        content = f"content {number}".encode()
        (tmp_path / os.fsdecode(name)).write_bytes(content)
        hashes[os.fsdecode(name)] = hashlib.sha256(content).hexdigest()
    (tmp_path / "SHA256SUMS").write_bytes(write_sums(hashes))
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b": OK") == len(AWKWARD)


def test_what_the_real_sha256sum_writes_is_read(tmp_path: Path) -> None:
    for name in AWKWARD:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    names = [os.fsdecode(name) for name in AWKWARD]
    done = subprocess.run(["sha256sum", *names], cwd=tmp_path, capture_output=True, check=True)
    expected = {os.fsdecode(name): hashlib.sha256(name).hexdigest() for name in AWKWARD}
    assert read_sums(done.stdout) == expected


@given(
    st.dictionaries(st.binary(min_size=1).filter(lambda name: b"\0" not in name), st.binary(min_size=32, max_size=32))
)
def test_what_is_written_is_read_back(hashes: dict[bytes, bytes]) -> None:
    named = {os.fsdecode(name): digest.hex() for name, digest in hashes.items()}
    assert read_sums(write_sums(named)) == named


@pytest.mark.parametrize("content", [b"nonsense\n", b"abc  file\n", b"0" * 64 + b"file\n", b"0" * 64 + b"  \n"])
def test_a_damaged_line_is_named(content: bytes) -> None:
    with pytest.raises(BadInput, match="line 2"):
        read_sums(b"0" * 64 + b"  fine\n" + content)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="a second time"):
        read_sums((b"0" * 64 + b"  a\n") * 2)
