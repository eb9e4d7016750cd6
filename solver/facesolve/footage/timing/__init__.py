"""When images of several cameras were taken: stamps of files, timecode, sound, and which images belong together."""
