"""The cashier's room for every test here that asks for one, and empty databases of both kinds."""

from tests.bot.room import room  # noqa: F401 - a fixture
from tests.storage.databases import (  # noqa: F401 - fixtures
    database_url,
    engine,
    fresh_postgresql,
    migrated_file,
    migrated_postgresql,
    postgresql_server,
)
