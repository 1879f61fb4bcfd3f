"""What the tests let PyAirbyte do: one command a run, its arguments as JSON on stdin, its result as JSON in the file that is named first."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import airbyte as ab  # noqa: E402
from airbyte.caches import DuckDBCache  # noqa: E402


def text(value: Any) -> Any:
    """Integers that JavaScript could not hold are handed over as text."""
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def source_of(arguments: dict[str, Any]) -> ab.Source:
    return ab.get_source(
        "source-convex", local_executable=arguments["source"], config=arguments["source_config"], streams="*"
    )


def cache_of(arguments: dict[str, Any]) -> DuckDBCache:
    return DuckDBCache(db_path=Path(arguments["cache"]))


def check(arguments: dict[str, Any]) -> Any:
    source = source_of(arguments)
    source.validate_config()
    source.check()
    return {"streams": source.get_available_streams(), "version": source.config_spec["title"]}


def refused(arguments: dict[str, Any]) -> Any:
    """A check that has to fail: what PyAirbyte says then."""
    try:
        # Without streams: PyAirbyte would discover them first.
        ab.get_source("source-convex", local_executable=arguments["source"], config=arguments["source_config"]).check()
    except ab.exceptions.PyAirbyteError as error:
        return {"error": str(error)}
    return {"error": None}


def read(arguments: dict[str, Any]) -> Any:
    """Reads into DuckDB; gives back how many records came, and all rows and column types of the tables."""
    cache = cache_of(arguments)
    result = source_of(arguments).read(cache=cache)
    tables = {}
    with cache.get_sql_engine().connect() as connection:
        for name in result.streams:
            query = f'SELECT * FROM "{cache.schema_name}"."{cache.processor.get_sql_table_name(name)}"'
            columns = connection.exec_driver_sql(f"DESCRIBE {query}").fetchall()
            rows = connection.exec_driver_sql(query).mappings().fetchall()
            tables[name] = {
                "types": {column[0]: column[1] for column in columns},
                "rows": [{column: text(value) for column, value in row.items()} for row in rows],
            }
    return {"records": result.processed_records, "tables": tables}


def destination_of(arguments: dict[str, Any]) -> ab.Destination:
    return ab.get_destination(
        "destination-convex",
        local_executable=arguments["destination"],
        config=arguments["destination_config"],
    )


def check_destination(arguments: dict[str, Any]) -> Any:
    destination_of(arguments).check()
    return {}


def write_from_source(arguments: dict[str, Any]) -> Any:
    destination = destination_of(arguments)
    result = destination.write(source_of(arguments), cache=False, state_cache=cache_of(arguments))
    return {"records": result.processed_records}


def write_from_cache(arguments: dict[str, Any]) -> Any:
    """What was read before, out of the cache."""
    cache = cache_of(arguments)
    result = source_of(arguments).read(cache=cache)
    written = destination_of(arguments).write(result, cache=False, state_cache=False)
    return {"records": written.processed_records}


def parse(arguments: dict[str, Any]) -> Any:
    """Parses recorded output with the official models."""
    from airbyte_cdk.models import AirbyteMessageSerializer
    from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput

    failed: list[str] = []
    types: dict[str, int] = {}
    for path in Path(arguments["folder"]).iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines:
            try:
                message = AirbyteMessageSerializer.load(json.loads(line))
            except Exception as error:  # noqa: BLE001 # Whatever it is, the line is none.
                failed.append(f"{path.name}: {type(error).__name__}: {line[:200]}")
                continue
            types[message.type.value] = types.get(message.type.value, 0) + 1
        # It turns what it cannot parse into a log message of its own, with the raw line.
        output = EntrypointOutput(messages=lines)
        failed += [f"{path.name}: {log.log.message[:200]}" for log in output.logs if log.log.message in lines]
        types["ERROR"] = types.get("ERROR", 0) + len(output.errors)
    return {"failed": failed, "types": types}


COMMANDS = [check, refused, read, check_destination, write_from_source, write_from_cache, parse]

if __name__ == "__main__":
    command = {function.__name__: function for function in COMMANDS}[sys.argv[2]]
    answer = command(json.load(sys.stdin))
    Path(sys.argv[1]).write_text(json.dumps(answer, default=str), encoding="utf-8")
