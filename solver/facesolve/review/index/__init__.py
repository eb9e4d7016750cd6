"""Many solutions on one page: which of them need a person, and what they have in common."""
