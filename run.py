"""The one command: `run.py --help` lists what it can do."""

from bot.commands import app

if __name__ == "__main__":
    app()
