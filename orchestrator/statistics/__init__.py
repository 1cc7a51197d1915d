"""What the stored numbers of a sweep say, and how surely: numpy in, dataclasses out.

Pure: no database, no files, no terminal.
"""
