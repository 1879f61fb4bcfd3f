"""Airbyte's standard tests (FAST) for connectors that are executables.

The suites of `airbyte-cdk` are written for Python connectors, which they call in their own process. Nothing in the tests
themselves needs that: they look at the messages of a connector. So the one function that runs a connector is replaced by one that
runs a command. That function is private, which is why `scripts/fast/requirements.txt` pins the version.

`npm run test:fast` starts this and sets

- `FAST_CONNECTORS`: JSON, `{"source": {"command": [...], "root": "..."}, "destination": {...}}`. `root` is a folder with
  `metadata.yaml`, `acceptance-test-config.yml` and the configurations that it names.
"""

import json
import logging
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import (
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
)
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.standard_tests import DestinationTestSuiteBase, SourceTestSuiteBase
from airbyte_cdk.test.standard_tests.docker_base import skip_unless_runs

CONNECTORS = json.loads(os.environ["FAST_CONNECTORS"])
# Seconds. No command here reads more than a few pages.
TIME_LIMIT = 120


class Executable:
    """A connector that is a command."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def spec(self, logger: logging.Logger) -> Any:
        """The suites recognize a connector by this method. It is never called."""
        raise NotImplementedError


class ConnectorFailed(Exception):
    """The process ended with a failure that it did not report, or wrote something that is no message."""


def run_command(
    source: Executable, args: list[str], *_: object, **__: object
) -> entrypoint_wrapper.EntrypointOutput:
    """Replaces `entrypoint_wrapper._run_command`.

    Stricter: each line of stdout must be JSON, and the exit code must agree with the error traces.
    """
    # `--debug` is an option of Python connectors only.
    args = [arg for arg in args if arg != "--debug"]
    done = subprocess.run([*source.command, *args], capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    lines = [line for line in done.stdout.split("\n") if line]
    messages = []
    problem = None
    for line in lines:
        try:
            messages.append(json.loads(line))
        except json.JSONDecodeError:
            problem = f"wrote a line to stdout that is no message: {line[:200]}"
    reported = any(m["type"] == "TRACE" and m["trace"]["type"] == "ERROR" for m in messages)
    if (done.returncode != 0) != reported:
        problem = f"ended with exit code {done.returncode}, and {'an' if reported else 'no'} error trace. stderr: {done.stderr[-2000:]}"
    return entrypoint_wrapper.EntrypointOutput(
        messages=lines or ["no output"],
        uncaught_exception=ConnectorFailed(f"{args[0]} {problem}") if problem else None,
    )


entrypoint_wrapper._run_command = run_command


def executable(side: str) -> dict[str, Any]:
    """What a suite needs to know of a connector."""
    connector = CONNECTORS[side]
    return {
        "get_connector_root_dir": classmethod(lambda cls: Path(connector["root"])),
        "create_connector": classmethod(lambda cls, scenario: Executable(connector["command"])),
    }


def states_of(output: entrypoint_wrapper.EntrypointOutput) -> list[Any]:
    """The last state of each stream."""
    last = {}
    for message in output.state_messages:
        stream = message.state.stream
        last[(stream.stream_descriptor.namespace, stream.stream_descriptor.name)] = message.state
    return list(last.values())


if "source" in CONNECTORS:

    class TestSource(SourceTestSuiteBase):
        vars().update(executable("source"))

        def test_stateful_read(self, scenario: Any) -> None:
            """Ours: a read that goes on from the states of the one before has no record."""
            skip_unless_runs(scenario, "read")
            connector = self.create_connector(scenario)
            config = scenario.get_config_dict(connector_root=self.get_connector_root_dir(), empty_if_missing=False)
            streams = [
                stream
                for stream in entrypoint_wrapper.discover(connector, config).catalog.catalog.streams
                if SyncMode.incremental in stream.supported_sync_modes
            ]
            if not streams:
                pytest.skip("No stream of this scenario is incremental.")
            catalog = ConfiguredAirbyteCatalog(
                streams=[
                    ConfiguredAirbyteStream(
                        stream=stream,
                        sync_mode=SyncMode.incremental,
                        destination_sync_mode=DestinationSyncMode.append_dedup,
                        cursor_field=stream.default_cursor_field,
                        primary_key=stream.source_defined_primary_key,
                    )
                    for stream in streams
                ]
            )
            first = entrypoint_wrapper.read(connector, config, catalog)
            first.raise_if_errors()
            assert first.records, "Expected records but got none."
            assert len(states_of(first)) == len(streams), "Expected a state for each stream."
            second = entrypoint_wrapper.read(connector, config, catalog, states_of(first))
            second.raise_if_errors()
            assert not second.records, f"Expected no records but got {len(second.records)}."


if "destination" in CONNECTORS:

    class TestDestination(DestinationTestSuiteBase):
        vars().update(executable("destination"))

        def test_spec(self) -> None:
            """The library's class for destinations has no test of the spec: that of sources says the same."""
            SourceTestSuiteBase.test_spec(self)
