"""
The receivers other tests rely on are the right ones, keep to loopback, and go when told.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from support.otlp_processes import ReceiverError, is_open
from support.otlp_receivers import (
    find_rotel,
    get_test_agent,
    is_rotel_required,
    open_rotel,
    open_test_agent,
)


if TYPE_CHECKING:
    from pathlib import Path

    from support.otlp_processes import Receiver


class TestReceiver:
    def test_test_agent_lifetime(self, tmp_path: Path) -> None:
        """
        The test agent listens on 127.0.0.1 and nowhere else, and on nothing once stopped.
        """
        with open_test_agent(get_test_agent(), tmp_path) as agent:
            assert [is_open("127.0.0.1", port) for port in agent.ports] == [True] * 3
            assert [is_open("127.0.0.2", port) for port in agent.ports] == [False] * 3
            assert [is_open("::1", port) for port in agent.ports] == [False] * 3
        assert [is_open("127.0.0.1", port) for port in agent.ports] == [False] * 3

    def test_rotel_lifetime(self, rotel_path: Path, otlp_agent: Receiver, tmp_path: Path) -> None:
        """
        The second receiver listens on 127.0.0.1 and nowhere else, and on nothing once stopped.
        """
        with open_rotel(rotel_path, tmp_path, otlp_agent) as rotel:
            assert [is_open("127.0.0.1", port) for port in rotel.ports] == [True] * 2
            assert [is_open("127.0.0.2", port) for port in rotel.ports] == [False] * 2
            assert [is_open("::1", port) for port in rotel.ports] == [False] * 2
        assert [is_open("127.0.0.1", port) for port in rotel.ports] == [False] * 2

    def test_process_ends(self, tmp_path: Path) -> None:
        """
        A stopped receiver leaves no process behind.
        """
        with open_test_agent(get_test_agent(), tmp_path) as agent:
            os.kill(agent.pid, 0)
        with pytest.raises(ProcessLookupError):
            os.kill(agent.pid, 0)

    def test_does_not_start(self, tmp_path: Path) -> None:
        """
        A receiver that ends at once is an error that repeats what it said.
        """
        broken = executable(tmp_path, "echo no such luck; exit 3")
        with (
            pytest.raises(ReceiverError, match=r"It said:\nno such luck\n"),
            open_test_agent(broken, tmp_path),
        ):
            pass


class TestInstallation:
    def test_missing_test_agent(self, tmp_path: Path) -> None:
        """
        A missing test agent is an error that says how to get it.
        """
        absent = tmp_path / "absent"
        with pytest.raises(ReceiverError) as caught:
            get_test_agent({"LINQ_OTEL_TEST_AGENT": str(absent)})
        assert str(caught.value) == (
            f"There is no ddapm-test-agent at {absent}: run tests/support/install_receivers.sh, "
            "or set LINQ_OTEL_TEST_AGENT."
        )

    def test_other_test_agent(self, tmp_path: Path) -> None:
        """
        A test agent of another version is refused by name.
        """
        old = executable(tmp_path, "echo 1.31.1")
        with pytest.raises(ReceiverError) as caught:
            get_test_agent({"LINQ_OTEL_TEST_AGENT": str(old)})
        assert str(caught.value) == (
            f"ddapm-test-agent at {old} is version '1.31.1', not 1.69.1: "
            "run tests/support/install_receivers.sh."
        )

    def test_missing_rotel(self, tmp_path: Path) -> None:
        """
        A missing rotel is found missing, which is no error yet.
        """
        assert find_rotel({"LINQ_OTEL_ROTEL": str(tmp_path / "absent")}) is None

    @pytest.mark.parametrize(
        ("environment", "required"),
        [
            ({}, False),
            ({"CI": ""}, False),
            ({"CI": "true"}, True),
            ({"CI": "true", "LINQ_OTEL_WITHOUT_ROTEL": "0"}, True),
            ({"CI": "true", "LINQ_OTEL_WITHOUT_ROTEL": "1"}, False),
        ],
    )
    def test_rotel_required(self, environment: dict[str, str], required: bool) -> None:  # noqa: FBT001
        """
        Only CI insists on rotel, and can be told not to.
        """
        assert is_rotel_required(environment) is required


def executable(directory: Path, script: str) -> Path:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
