"""Addresses of a cluster: which there are, where each leads, and what an option may be with it."""

import click
import pytest

from searchctl.orchestrator.cli.drive.cluster import refuse_inline_elsewhere, submits_to
from searchctl.orchestrator.core.cluster_address import checked_address, driver_address, is_remote
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray import cluster

HERE = ("auto", "local", "head:6379", "10.0.0.1:6379", "[::1]:6379")
ELSEWHERE = ("ray://head:10001", "http://head:8265", "https://head", "http://head:8265/")


@pytest.mark.parametrize("address", HERE + ELSEWHERE)
def test_an_address_is_one_to_join_or_one_to_submit_to(address):
    assert checked_address(address) == address
    assert is_remote(address) == (address in ELSEWHERE)


@pytest.mark.parametrize("written", ["head", "ray://head", "ftp://head:1", "a b:1", ""])
def test_an_invalid_address_is_refused_with_the_valid_forms(written):
    with pytest.raises(ValueError, match="auto, host:port, ray://host:port or http://host:8265"):
        checked_address(written)


def test_a_password_in_an_address_is_refused_and_not_quoted():
    with pytest.raises(ValueError, match="must be an address") as refusal:
        checked_address("http://me:secret@head:8265")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_driver_does_not_run_behind_an_address_to_submit_to(address):
    with pytest.raises(SearchctlError, match=r"use `searchctl launch` or .*, which submit it"):
        driver_address(address)


def test_a_submitted_driver_joins_the_cluster_that_it_is_on(monkeypatch):
    monkeypatch.setenv("SEARCHCTL_SUBMISSION", "quick-1")
    assert {driver_address(each) for each in (*HERE, *ELSEWHERE, None)} == {"auto"}


@pytest.mark.parametrize(("address", "given"), [("auto", "auto"), ("head:6379", "10.0.0.1:6379")])
def test_ray_is_given_auto_as_it_is_and_then_finds_its_own_token(address, given, monkeypatch):
    joined = []
    monkeypatch.setenv("SEARCHCTL_SUBMISSION", "quick-1")  # its code is on the cluster already
    monkeypatch.setattr(cluster, "_answering", lambda _: "10.0.0.1:6379")
    monkeypatch.setattr(cluster, "_init", lambda **options: joined.append(options))
    cluster._join(address)
    assert joined == [{"address": given}]


def test_local_is_a_cluster_that_is_started_here():
    assert driver_address("local") is driver_address(None) is None


@pytest.mark.parametrize(
    ("address", "detach", "goes"),
    [
        (None, False, False),
        ("auto", False, False),
        ("auto", True, True),
        ("ray://head:10001", False, True),
    ],
)
def test_a_driver_is_submitted_if_requested_or_if_it_cannot_run_here(address, detach, goes):
    assert submits_to(address, detach=detach, inline=False) == (address if goes else None)


def test_a_submitted_driver_is_not_submitted_again(monkeypatch):
    monkeypatch.setenv("SEARCHCTL_SUBMISSION", "quick-1")
    assert submits_to("ray://head:10001", detach=False, inline=False) is None


@pytest.mark.parametrize("address", [None, "local"])
def test_detach_without_a_cluster_is_refused_with_the_fix(address):
    with pytest.raises(click.UsageError, match=r"give its --address, or set resources\.address"):
        submits_to(address, detach=True, inline=False)


@pytest.mark.parametrize(("address", "detach"), [("auto", False), (None, True)])
def test_inline_and_a_cluster_exclude_each_other(address, detach):
    with pytest.raises(click.UsageError, match="--inline runs the jobs in this process"):
        refuse_inline_elsewhere(inline=True, address=address, detach=detach)
