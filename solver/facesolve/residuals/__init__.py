"""Residual blocks of the solve and their linearisation: photometric, contour, priors."""
