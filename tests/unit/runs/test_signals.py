import os
import signal
import subprocess
import sys

import pytest

from searchctl.orchestrator.core.signals import StopSwitch


def test_the_switch_is_off_until_a_signal_comes():
    with StopSwitch() as stopping:
        assert not stopping()
        assert stopping.exit_code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_turns_it_on_and_names_the_exit_code(number, code):
    with StopSwitch() as stopping:
        os.kill(os.getpid(), number)
        assert stopping()
        assert stopping.exit_code == code


def test_the_handlers_of_before_are_put_back_even_after_a_signal():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSwitch():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(
    ("arguments", "how"),
    [
        ([], b"`searchctl resume` continues from the last checkpoints"),
        (["the same command continues"], b"the same command continues"),
    ],
)
def test_a_second_signal_ends_a_process_that_does_not_listen_to_the_first(arguments, how):
    code = (
        "import os, signal, sys, time\n"
        "from searchctl.orchestrator.core.signals import StopSwitch\n"
        "with StopSwitch(*sys.argv[1:]):\n"
        "    for _ in range(2): os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1)\n"
        "    print('still here')\n"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stdout == b""
    assert [line for line in done.stderr.splitlines() if line] == [
        b"stopping; nothing is lost. A second Ctrl-C leaves at once",
        b"stopped at once; " + how,
    ]
