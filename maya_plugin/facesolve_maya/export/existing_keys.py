"""How a solve respects keys that a control has in the scene already. Knows no scene."""

FREE = "free"
PINNED = "pinned"
LOCKED = "locked"
