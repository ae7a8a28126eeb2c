"""The one command: `run.py --help` lists what it can do."""

import os

from bot.commands import app

if __name__ == "__main__":
    os.umask(0o077)  # databases, keys, logs and exports are for this user alone
    app()
