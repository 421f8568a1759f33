"""The command line as a program sees it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import psutil
import pytest

from dataeff_core.cli import VERBS, main
from dataeff_core.cli.listing import LISTS
from dataeff_core.cli.parsing import Verb, build_parser, job_arguments
from dataeff_core.cli.printing import as_json, one_line, printable
from dataeff_core.errors import BadInput
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.storage import exclusive

ROOT = Path(__file__).parent.parent.parent


def run(*words: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dataeff_core", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(Workspace.open(tmp_path / "workspace").root)


def test_help_lists_every_verb_and_imports_little() -> None:
    code = "import sys; from dataeff_core.cli import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"    {name} " in done.stdout for name in VERBS)
    loaded = done.stdout.splitlines()[-1]
    assert not [name for name in ("numpy", "pandas", "pydantic", "psutil", "PIL") if f"'{name}'" in loaded]


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_keeps_the_frames_terms(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = VERBS[name].load()
    assert all(callable(getattr(module, part)) for part in ("configure", "run", "text"))
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "--workspace" in told
    assert "--json" in told
    assert ("--background" in told) == VERBS[name].long
    assert " ".join(module.SUMMARY.split()) in " ".join(told.split())


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "required: VERB"),
        (["dance"], "invalid choice: 'dance'"),
        (["list"], "required: what"),
        (["list", "nonsense"], "invalid choice: 'nonsense'"),
        (["list", "datasets", "--nonsense"], "--nonsense"),
        (["demo", "--frames", "many"], "invalid int value: 'many'"),
        (["jobs", "show"], "give its id"),
        (["jobs", "show", "x"], "there is no job yet"),
        (["jobs", "list", "x"], "takes no id"),
        (["verify", "/nowhere"], "there is no export at /nowhere"),
        (["export", "latest", "out"], "there is no selection yet"),
        (["list", "datasets", "--workspace", "/etc/passwd"], "is a file"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    words: list[str], part: str, root: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAEFF_WORKSPACE", root)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("dataeff: ")
    assert part in told.err
    assert told.err.count("\n") == 1
    assert main([*words, "--json"]) == 2
    told = capsys.readouterr()
    assert part in json.loads(told.out)["error"]


def test_a_bug_keeps_its_traceback(
    root: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = types.ModuleType("dataeff_core.cli.crash")
    crash.SUMMARY = "crash"  # type: ignore[attr-defined]
    crash.configure = lambda parser: None  # type: ignore[attr-defined]
    crash.run = lambda args, workspace, reporter: print("noise") or 1 / 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, crash.__name__, crash)
    monkeypatch.setitem(VERBS, "crash", Verb("crash", "crash"))
    with pytest.raises(ZeroDivisionError):
        main(["crash", "--json", "--workspace", root])
    told = capsys.readouterr()
    assert json.loads(told.out) == {"error": "ZeroDivisionError: division by zero"}
    assert told.err == "noise\n"  # what is printed on the way is no part of the answer


def test_a_mistyped_workspace_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "datasets", "--json", "--workspace", str(tmp_path / "typo")]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", [*LISTS])
def test_lists(what: str, root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what, "--json", "--workspace", root]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert bool(items) == (what in ("methods", "encoders", "proposers"))
    assert main(["list", what, "--workspace", root]) == 0
    assert capsys.readouterr().out.strip()


def test_shared_options_may_stand_before_the_verb(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", root, "--json", "list", "runs"]) == 0
    assert json.loads(capsys.readouterr().out) == {"what": "runs", "items": []}


def test_the_workspace_of_the_environment(root: str) -> None:
    done = run("jobs", DATAEFF_WORKSPACE=root)
    assert (done.returncode, done.stdout.count("no jobs yet")) == (0, 1)


def test_a_reader_that_goes_away_is_no_error(root: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "dataeff_core", "list", "methods", "--workspace", root]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_control_c_is_one_line_and_status_130(root: str) -> None:
    lock = Path(root) / "demo" / ".lock"
    with exclusive(lock):  # so that the demo waits
        command = [sys.executable, "-m", "dataeff_core", "demo", "--json", "--workspace", root]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while str(lock) not in [one.path for one in psutil.Process(process.pid).open_files()]:
            assert time.monotonic() < deadline, "the demo never came to wait"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "run it again" in err
    assert "run it again" in json.loads(out)["error"]


def test_the_jobs_command_line_is_the_shells_without_its_own_options() -> None:
    words = ["--workspace", "w", "export", "--json", "latest", "--background", "--workspace=v", "--", "--json"]
    assert job_arguments(words, "export") == ["export", "latest", "--", "--json"]
    parsed = build_parser().parse_args(words)
    assert (parsed.workspace, parsed.background, parsed.json, str(parsed.out)) == ("v", True, True, "--json")


def test_short_verbs_do_not_go_to_the_background() -> None:
    with pytest.raises(BadInput, match="--background"):
        build_parser().parse_args(["compare", "a", "b", "--background"])


VALUES = [
    (np.float32(0.5), 0.5),
    (float("nan"), None),
    (np.array([1, 2]), [1, 2]),
    (Path("a/b"), "a/b"),
    ({"x": (1, float("inf"))}, {"x": [1, None]}),
    ("\udcff", "\udcff"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_json_is_plain(value: object, expected: object) -> None:
    text = as_json({"value": value})
    assert text.isascii()
    assert json.loads(text)["value"] == expected


def test_text_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[31mb\nc\udcff") == "a\\x1b[31mb\nc\\udcff"
    assert one_line("a\nb") == "a\\nb"


def test_a_terminal_that_knows_little(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["list", "methods", "--workspace", root]) == 0
