"""What belongs to an actor rather than to a frame: how the neutral of the rig differs from the face that is filmed."""
