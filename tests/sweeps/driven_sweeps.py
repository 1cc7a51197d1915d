"""What a driver has stored of its sweep."""

from collections import Counter

from searchctl.orchestrator.storage.reads import queries


def stored(prepared):
    return queries.decisions(prepared.engine, prepared.row)


def attempts(prepared):
    rows = queries.attempts(prepared.engine, prepared.row)
    return Counter((row.trial, row.rung) for row in rows)
