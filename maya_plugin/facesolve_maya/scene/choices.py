"""Words for what a person chooses about controls, shared by panel, batch and export. Knows neither Qt nor maya."""

FREE, PINNED, LOCKED = "free", "pinned", "locked"  # what a solve makes of keys that a control has already
OVER = "over"  # a weight or channel that the scene drives unreadably is solved, and keyed over what drives it
SELECTED, EVERYWHERE = "", "*"  # which controls are sampled, instead of the name of a set
