"""A solution against the truth, in millimetres and degrees."""
