"""A solution as one offline page: what was found, how sure it is, and what to look at."""
