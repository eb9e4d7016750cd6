"""Takes as jobs of a render farm. Knows takes and job files, no solve."""
