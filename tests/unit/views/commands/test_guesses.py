"""Wrong tokens are counted by address, for a minute, in bounded memory."""

from searchctl.orchestrator.web import guesses


def test_an_address_waits_after_ten_wrong_tokens_within_a_minute(monkeypatch):
    now = [0.0]
    counted = guesses.Guesses(lambda: now[0])
    for second in range(guesses.LIMIT):
        assert not counted.exceeded("a")
        now[0] = float(second)
        counted.add("a")
    assert counted.exceeded("a")
    assert not counted.exceeded("b")
    now[0] = guesses.WINDOW
    assert not counted.exceeded("a")


def test_only_the_latest_addresses_are_remembered(monkeypatch):
    monkeypatch.setattr(guesses, "_ADDRESSES", 2)
    counted = guesses.Guesses(lambda: 0.0)
    for address in ("a",) * guesses.LIMIT + ("b", "c"):
        counted.add(address)
    assert not counted.exceeded("a")
