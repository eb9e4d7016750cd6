"""The start pose of a take that has none: found by landmarks on the footage, or by a search over head poses."""
