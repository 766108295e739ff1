"""
Real SQL servers on 127.0.0.1, which can be killed, restarted and held.

::

    with open_postgres(tmp_path) as server:
        store = open_store(server.url)
        server.kill()
        server.start()  # On the same port; what was committed is there.

Neither server runs as root, nor can it read the folders pytest makes for root:
its data is in a temporary folder of its own, which goes when the block ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK
from support.sql_processes import PASSWORD, USER, SqlServer, SqlServerError, succeeds


if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


__all__ = [
    "PASSWORD",
    "USER",
    "MariaServer",
    "PgBouncer",
    "PostgresServer",
    "SqlServer",
    "open_maria",
    "open_pgbouncer",
    "open_postgres",
]

_BACKENDS = 2


class PostgresServer(SqlServer):
    """
    PostgreSQL; what it has committed survives ``kill()``.
    """

    scheme = "postgresql"
    database = "postgres"
    account = "postgres"
    stop_signal = signal.SIGQUIT

    def initialize(self) -> None:
        """
        Make a cluster whose only user needs a password.
        """
        secret = self.home / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # Written by root, read by the account.
        login = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}"]
        data = ["-D", str(self.home / "data"), "-E", "UTF8", "--locale=C"]
        self.run(find_postgres("initdb"), *data, *login, "--no-sync", "--no-instructions")

    def command(self, port: int) -> list[str]:
        """
        Answer the command line that runs the server.
        """
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        given = [word for setting in settings for word in ("-c", setting)]
        data = ["-D", str(self.home / "data"), "-p", str(port)]
        return [find_postgres("postgres"), *data, *given, *self.options]

    def is_ready(self, port: int) -> bool:
        """
        Answer whether it takes statements.
        """
        return succeeds([find_postgres("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(port)])


class PgBouncer(SqlServer):
    """
    PgBouncer before a PostgreSQL server, to which it has two connections.

    Args:
        mode: When a client gives its connection back: ``session``, ``transaction``
            or ``statement``.
    """

    scheme = "postgresql"
    database = "postgres"
    account = "postgres"
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, home: Path, server: PostgresServer, mode: str) -> None:
        super().__init__(folder, home)
        self._server = server
        self._mode = mode

    def initialize(self) -> None:
        """
        Let it know the user.
        """
        (self.home / "users").write_text(f'"{USER}" "{PASSWORD}"\n')

    def command(self, port: int) -> list[str]:
        """
        Answer the command line that runs the pooler.
        """
        settings = self.home / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n{self.database} = host={LOOPBACK} port={self._server.port}\n"
            f"[pgbouncer]\nlisten_addr = {LOOPBACK}\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {self.home / 'users'}\n"
            f"pool_mode = {self._mode}\ndefault_pool_size = {_BACKENDS}\n"
        )
        return [find_pgbouncer(), str(settings)]

    def is_ready(self, port: int) -> bool:
        """
        Answer whether it takes connections.
        """
        return succeeds([find_postgres("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(port)])


class MariaServer(SqlServer):
    """
    MariaDB, as Debian's stand-in for MySQL.
    """

    scheme = "mysql"
    database = "linq"
    account = "mysql"
    stop_signal = signal.SIGTERM

    def initialize(self) -> None:
        """
        Make the system's tables; the user and the database are made at each start.
        """
        self.run(
            find_maria("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self.home / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        (self.home / "start.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {self.database};\n"
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
        )

    def command(self, port: int) -> list[str]:
        """
        Answer the command line that runs the server.
        """
        return [
            find_maria("mariadbd"),
            "--no-defaults",
            f"--datadir={self.home / 'data'}",
            f"--init-file={self.home / 'start.sql'}",
            f"--socket={self.home / 'socket'}",
            f"--pid-file={self.home / 'pid'}",
            f"--bind-address={LOOPBACK}",
            f"--port={port}",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",
            *self.options,
        ]

    def is_ready(self, port: int) -> bool:
        """
        Answer whether it takes statements.
        """
        login = ["-h", LOOPBACK, "-P", str(port), "-u", USER, f"-p{PASSWORD}"]
        program = find_maria("mariadb-admin")
        return succeeds([program, "--no-defaults", *login, "--connect-timeout=2", "ping"])


@contextmanager
def open_postgres(
    folder: Path, options: Sequence[str] = ()
) -> Generator[PostgresServer, None, None]:
    """
    Run PostgreSQL while the block lasts, and write what it says in *folder*.

    Raises:
        SqlServerError: It is not installed, or did not answer within 20 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="linq-postgres-") as home:
        server = PostgresServer(folder, Path(home), options)
        with _running(server):
            yield server


@contextmanager
def open_pgbouncer(
    folder: Path, server: PostgresServer, mode: str = "transaction"
) -> Generator[PgBouncer, None, None]:
    """
    Run PgBouncer before *server* while the block lasts, and write what it says in *folder*.

    Raises:
        SqlServerError: It is not installed, or did not answer within 20 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="linq-pgbouncer-") as home:
        pooler = PgBouncer(folder, Path(home), server, mode)
        with _running(pooler):
            yield pooler


@contextmanager
def open_maria(folder: Path, options: Sequence[str] = ()) -> Generator[MariaServer, None, None]:
    """
    Run MariaDB while the block lasts, and write what it says in *folder*.

    Raises:
        SqlServerError: It is not installed, or did not answer within 20 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="linq-maria-") as home:
        server = MariaServer(folder, Path(home), options)
        with _running(server):
            yield server


def find_postgres(program: str) -> str:
    """
    Answer the path of a program of PostgreSQL; a missing one fails the tests, and skips none.
    """
    # Debian keeps each version in a folder of its own, which is not on the path.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    path = shutil.which(program, path=os.pathsep.join([*map(str, reversed(folders)), os.defpath]))
    path = path or shutil.which(program)
    if path is None:
        raise SqlServerError(f"no {program} was found: apt-get install postgresql")
    return path


def find_pgbouncer() -> str:
    """
    Answer the path of PgBouncer; a missing one fails the tests, and skips none.
    """
    path = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if path is None:
        raise SqlServerError("no pgbouncer was found: apt-get install pgbouncer")
    return path


def find_maria(program: str) -> str:
    """
    Answer the path of a program of MariaDB; a missing one fails the tests, and skips none.
    """
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/libexec")
    if path is None:
        raise SqlServerError(f"no {program} was found: apt-get install mariadb-server")
    return path


@contextmanager
def _running(server: SqlServer) -> Generator[None, None, None]:
    server.initialize()
    server.start()
    try:
        yield
    finally:
        server.stop()
