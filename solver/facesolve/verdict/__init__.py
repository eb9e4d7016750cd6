"""Whether a solution can be believed: what the cameras say about it in absolute terms, and the verdict on that."""
