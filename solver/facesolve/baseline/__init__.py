"""First-order reference: Adam through a differentiable renderer, the published way to do what ``facesolve.solve`` does.

Adam moves the unknowns down the plain L2 difference of one rendered image from the footage; camera and frame are drawn
at random for each step. It exists so that claims of speed and accuracy are ratios measured in one run, and to look at
what a free surface would do; it is not part of a solve.
"""
