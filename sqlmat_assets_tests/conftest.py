"""What holds for all tests."""

import os
import signal
from collections.abc import Generator

import hypothesis
import pytest

from sqlmat_assets_tests import mariadb
from sqlmat_assets_tests.mariadb import MariaDB
from sqlmat_assets_tests.postgres import Server, find_binaries, serving

# How long an example takes says what else the machine does.
hypothesis.settings.register_profile("sqlmat", deadline=None)
hypothesis.settings.load_profile("sqlmat")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts its background jobs with SIGINT ignored, and everything that they start inherits it; tests of
    # Ctrl-C would then wait for ever. A handler is not inherited: what is started from here has SIGINT at its default.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Generator[Server]:
    """A PostgreSQL server, started for the first test that needs one."""
    try:
        find_binaries()
    except FileNotFoundError as error:
        if os.environ.get("SQLMAT_REQUIRE_POSTGRES") == "1":
            raise
        pytest.skip(str(error))
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Generator[MariaDB]:
    """A MariaDB server, started for the first test that needs one."""
    try:
        mariadb.find_binaries()
    except FileNotFoundError as error:
        if os.environ.get("SQLMAT_REQUIRE_MARIADB") == "1":
            raise
        pytest.skip(str(error))
    with mariadb.serving() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Generator[str]:
    """An empty database of that server."""
    name = postgres_server.make_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)
