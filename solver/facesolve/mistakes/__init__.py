"""What people get wrong about cameras, images and frames: repairs of a take, and finding out which one it needs."""
