"""Downloads by Snakemake's http storage, from a server on this machine: what is not whole is not there."""

import asyncio
import hashlib
import logging

import pytest

from decidua.config import public
from decidua.downloads import be_careful, require_checksum, without_secrets
from decidua.errors import InputError
from serving import server

CONTENT = b"gene\tS1\tS2\n" + b"".join(b"g%d\t%d\t2\n" % (i, i) for i in range(20_000))


@pytest.fixture
def storage(tmp_path, monkeypatch):
    """The storage objects of URLs, as Snakemake makes them."""
    plugin = pytest.importorskip("snakemake_storage_plugin_http")
    monkeypatch.setattr(plugin, "requests", plugin.requests)
    monkeypatch.setattr(plugin.StorageProvider, "safe_print", plugin.StorageProvider.safe_print)
    be_careful(plugin, patience=0.2)
    provider = plugin.StorageProvider(
        tmp_path / "storage", logging.getLogger(), settings=plugin.StorageProviderSettings()
    )
    return provider.object


def test_a_whole_file_is_downloaded_and_its_head_asked_for_once(storage):
    with server(CONTENT) as (address, asked):
        found = storage(f"{address}/whole/counts.tsv?key=secret")
        assert found.exists() and found.mtime() > 0 and found.size() == len(CONTENT)
        asyncio.run(found.managed_retrieve())
    assert found.local_path().read_bytes() == CONTENT
    assert asked == [(method, "/whole/counts.tsv?key=secret") for method in ("HEAD", "GET")]
    require_checksum(found.local_path(), hashlib.sha256(CONTENT).hexdigest().upper())


@pytest.mark.parametrize(("kind", "why"), [("stops", "IncompleteRead"), ("silent", "timed out")])
def test_a_server_that_stops_in_the_middle_or_falls_silent_leaves_no_file(storage, kind, why):
    with server(CONTENT) as (address, _):
        found = storage(f"{address}/{kind}/counts.tsv?key=secret")
        with pytest.raises(Exception, match="Failed to retrieve storage object") as caught:
            asyncio.run(found.managed_retrieve())
    assert why in str(caught.value) and "secret" not in str(caught.value)
    assert not found.local_path().exists()


def test_a_truncated_file_has_another_checksum_and_its_size_is_told(tmp_path):
    (tmp_path / "counts.tsv").write_bytes(CONTENT[:1000])
    expected, found = (hashlib.sha256(content).hexdigest() for content in (CONTENT, CONTENT[:1000]))
    with pytest.raises(InputError) as caught:
        require_checksum(tmp_path / "counts.tsv", expected)
    assert str(caught.value) == (
        f"counts.tsv: found SHA-256 {found} (1000 bytes); expected {expected}, as `sha256` states: "
        "the file is another one, or not whole"
    )


def test_a_file_that_is_not_there_does_not_exist(storage):
    with server(CONTENT) as (address, _):
        assert not storage(f"{address}/lost/counts.tsv").exists()


def test_what_is_published_of_a_url_holds_no_secret():
    url = "https://me:pass@example.org:8443/a/counts.tsv.gz?token=1#x"
    assert without_secrets(url) == "https://example.org:8443/a/counts.tsv.gz"
    assert public({"counts": {"url": url, "sha256": "ab"}}) == {
        "counts": {"url": "https://example.org:8443/a/counts.tsv.gz", "sha256": "ab"}
    }
