"""One kind of thing: folders in, folders out. Each job reads its input from disk, calls what it needs and writes."""
