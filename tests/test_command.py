"""A forked command is what one with a Python of its own is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import STDOUT, TimeoutExpired

import pytest

from tests.command import Command, run, warm_python
from tests.forked_python.sitecustomize import SERVER, order_of

pytestmark = pytest.mark.slow
TELL = """
import json, os, signal, sys, threading
print(json.dumps({
    "arguments": sys.argv,
    "folder": os.getcwd(),
    "path": sys.path,
    "environment": {**os.environ},
    "main": [__name__, vars(sys.modules["__main__"]) is globals()],
    "streams": [[one.isatty(), one.encoding, one.line_buffering] for one in (sys.stdin, sys.stdout, sys.stderr)],
    "threads": threading.active_count(),
    "signals": [str(signal.getsignal(one)).split(" at ")[0] for one in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "wake-up": signal.set_wakeup_fd(-1),
    "leads": [os.getpid() == os.getsid(0), os.getpid() == os.getpgid(0)],
}))
"""


@pytest.mark.parametrize("new_session", [False, True])
@pytest.mark.parametrize("form", ["-c", "-m"])
def test_tells_the_same_of_itself(tmp_path: Path, form: str, new_session: bool) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    arguments = (form, TELL if form == "-c" else "tell", "one", "two words")
    plain = {name: value for name, value in os.environ.items() if name != SERVER}
    found = os.pathsep.join([str(tmp_path / "mine"), plain["PYTHONPATH"]])
    variables = plain | {"PYTHONPATH": found, "MLFLOW_DISABLE_TELEMETRY": "true", "MINE": "\N{PLUS-MINUS SIGN}"}
    command = [sys.executable, *arguments]
    cold = subprocess.run(
        command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True, start_new_session=new_session
    )
    with Command(*arguments, cwd=tmp_path, env=variables, start_new_session=new_session) as process:
        out, error = process.communicate()
    told = json.loads(out)
    assert (process.wait(), error) == (0, "")
    expected = json.loads(cold.stdout)
    assert told.pop("environment").items() >= expected.pop("environment").items()  # and what imports have set
    assert told == expected
    assert told["arguments"][1:] == ["one", "two words"]


FORK_SERVER = """
import json, multiprocessing, sys

def told(number):
    return number, "torch" in sys.modules

if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sfcmt.errors"])
    with context.Pool(2) as pool:
        print(json.dumps(pool.map(told, range(3))))
"""


@pytest.mark.parametrize("leads", [False, True])
def test_a_fork_server_is_forked_unless_it_belongs_to_a_group(tmp_path: Path, leads: bool) -> None:
    (tmp_path / "pool.py").write_text(FORK_SERVER)
    with Command("-m", "pool", cwd=tmp_path, start_new_session=leads) as process:
        out, error = process.communicate()
    assert (process.wait(), error) == (0, "")
    assert json.loads(out) == [[number, not leads] for number in range(3)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_forked_for_others_ends_with_the_process_that_waits_for_it(number: signal.Signals) -> None:
    code = "from multiprocessing.forkserver import main; import time; print('sfcmt.', flush=True); time.sleep(1000)"
    warm_python()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"sfcmt.\n"
        process.send_signal(number)
        assert process.stdout.read() == b""  # nobody has the pipe any more
    assert process.returncode in (-number, 256 - number)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/ray/_private/workers/default_worker.py", "--a=1"], []),
        (["/ray/_private/workers/setup_worker.py", "-m", "ray.util.client.server"], []),
        (["-B", "-c", "from multiprocessing.forkserver import main; main(1, ['sfcmt.a'])"], ["-c", "from"]),
        (["-c", "from multiprocessing.forkserver import main; main(1, ['ray'])"], []),
        (["-c", "pass"], []),
        (["-m", "sfcmt"], []),
        ([], []),
    ],
)
def test_what_others_start_is_forked_if_it_is_known(command: list[str], expected: list[str]) -> None:
    found = order_of(["python", *command])
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True))


@pytest.mark.parametrize(("code", "expected"), [("pass", 0), ("raise SystemExit(7)", 7), ("1 / 0", 1)])
def test_its_exit_code(code: str, expected: int) -> None:
    done = run("-c", f"import sys; print('told'); print('error', file=sys.stderr); {code}")
    assert (done.returncode, done.stdout) == (expected, "told\n")
    lines = done.stderr.splitlines()
    assert lines[0] == "error"
    assert lines[1:] == [] if code != "1 / 0" else lines[-1] == "ZeroDivisionError: division by zero"


def test_what_it_has_registered_is_done_at_its_end() -> None:
    code = (
        "import atexit, threading; atexit.register(print, 'at exit')\nthreading.Timer(0.1, print, ['thread']).start()"
    )
    assert run("-c", code).stdout == "thread\nat exit\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ends_by_signals_like_any_other(number: signal.Signals) -> None:
    with Command("-c", "import time\nprint('begun', flush=True)\ntime.sleep(1000)", stderr=STDOUT) as process:
        assert process.stdout.readline() == "begun\n"
        assert process.poll() is None
        with pytest.raises(TimeoutExpired):
            process.wait(0.1)
        process.send_signal(number)
        out, error = process.communicate()
    assert process.returncode == -number
    assert error == ""
    assert out.endswith("KeyboardInterrupt\n") if number == signal.SIGINT else out == ""


def test_its_group_is_its_own_as_soon_as_it_is_there() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with Command("-c", code, start_new_session=True) as process:
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def test_reads_what_it_is_sent_and_tells_it_at_once() -> None:
    with (
        Command("-c", "while line := input(): print(line.upper(), flush=True)") as one,
        Command("-c", "input()") as two,
    ):
        for word in ("first", "second"):
            one.stdin.write(f"{word}\n")
            one.stdin.flush()
            assert one.stdout.readline() == f"{word.upper()}\n"
        assert two.poll() is None
    assert (one.returncode, two.returncode) == (1, 1)  # both wanted another line


def test_prints_more_than_a_pipe_holds_on_both_streams() -> None:
    done = run("-c", "import sys; sys.stderr.write('e' * 300_000); sys.stdout.write('o' * 300_000)")
    assert (done.stdout, done.stderr) == ("o" * 300_000, "e" * 300_000)
