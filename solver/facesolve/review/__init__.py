"""Looking at solutions: measures as tables, overlay and curve pictures."""
