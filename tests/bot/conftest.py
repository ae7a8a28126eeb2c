"""The cashier's room for every test here that asks for one."""

from tests.bot.room import room  # noqa: F401 - a fixture
