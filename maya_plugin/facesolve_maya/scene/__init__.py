"""Reading and editing Maya: plugs, geometry, transforms, timeline, units, undo. Used by export, apply and cameras."""
