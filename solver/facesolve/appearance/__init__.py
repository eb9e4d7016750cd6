"""The texture of the surface from footage: where texels lie, which cameras see them, their colors."""
