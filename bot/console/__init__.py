"""The terminal WeChat: `chat`, where a person plays the citizen, and `demo`, which plays one by itself."""
