"""Structure-aware fuzzing of every reader of the product: whatever is in a file, a value or one sentence comes out."""
