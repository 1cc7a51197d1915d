"""The files of a sweep: initial weights, exports, retention and garbage collection."""
