"""Stand-ins for WeChat and WeChat Pay: what chat, demo, transcripts and tests talk to, over real HTTP."""

from pathlib import Path

DEMO = Path(__file__).parent / "demo"  # the agencies' files of demo people
