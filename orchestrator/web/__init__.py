"""The dashboard and who may enter."""
