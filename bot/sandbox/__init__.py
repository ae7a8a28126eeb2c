"""Stand-ins for WeChat and WeChat Pay: what chat, demo, transcripts and tests talk to, over real HTTP."""
