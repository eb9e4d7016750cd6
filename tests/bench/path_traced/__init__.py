"""A take that Blender's Cycles films: an actor who is not the rig, hair, wet lips, and cameras as stages have them."""
