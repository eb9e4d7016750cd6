"""Residual blocks of the solve and their linearization: photometric, contour, priors."""
