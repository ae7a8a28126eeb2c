"""The servers some fault tests stand on."""

from tests.storage.databases import (  # noqa: F401 - fixtures
    database_url,
    engine,
    migrated_file,
    migrated_postgresql,
    postgresql_server,
)
