"""Certificates, tokens, and the links that they secure."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from oxidask import config
from oxidask.distributed import Client, LocalCluster, Nanny, Scheduler, Security, Worker


def test_defaults_and_configuration():
    security = Security()
    assert security.tls_ca_file is None
    assert security.require_encryption is False
    assert security.for_core("client") is None
    assert security.tls_min_version is ssl.TLSVersion.TLSv1_2
    settings = {
        "distributed.comm.tls.ca-file": "ca.pem",
        "distributed.comm.tls.worker.cert": "worker.pem",
        "distributed.comm.tls.min-version": 1.3,
    }
    with config.set(settings):
        security = Security(require_encryption=True)
    assert security.tls_min_version is ssl.TLSVersion.TLSv1_3
    assert security.for_core("worker") == {
        "tls_ca_file": "ca.pem",
        "tls_cert": "worker.pem",
        "tls_key": "worker.pem",
        "token": None,
        "require_encryption": True,
    }


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="unknown_keyword"):
        Security(unknown_keyword="x")
    with pytest.raises(ValueError, match="'bad' is not supported, expected one of"):
        Security(tls_max_version="bad")
    with pytest.raises(ValueError, match="supervisor"):
        Security().get_tls_config_for_role("supervisor")
    with pytest.raises(AttributeError):
        Security().tls_foobar = 1


def test_secrets_are_not_shown():
    security = Security.temporary(token="a secret")
    for text in (repr(security), security._repr_html_()):
        assert "a secret" not in text
        assert "PRIVATE" not in text
        assert "In-memory" in text


@pytest.mark.parametrize("security", [Security.temporary(), Security(token="a secret")])
def test_links_are_secured(security):
    async def main():
        async with Scheduler(port=0, security=security) as scheduler:
            scheme = "tls" if security.tls_ca_file else "tcp"
            assert scheduler.address.startswith(f"{scheme}://")
            kwargs = {"nthreads": 1, "security": security}
            async with Worker(scheduler.address, **kwargs), Nanny(scheduler.address, **kwargs):
                assert len(scheduler.workers) == 2
                options = {"asynchronous": True, "security": security}
                async with Client(scheduler.address, **options) as client:
                    assert await client.gather(client.map(abs, [-1, -2])) == [1, 2]
                with pytest.raises(OSError):
                    await Client(
                        f"tcp://127.0.0.1:{scheduler.port}",
                        asynchronous=True,
                        security=Security(),
                        timeout=2,
                    )

    asyncio.run(main())


def test_a_cluster_with_temporary_certificates():
    with LocalCluster(n_workers=1, processes=False, security=True) as cluster:
        assert cluster.scheduler_address.startswith("tls://")
        with Client(cluster) as client:
            assert client.submit(abs, -1).result() == 1


def test_addresses_beyond_this_machine():
    async def main():
        with pytest.raises(RuntimeError) as caught:
            await Scheduler(host="0.0.0.0", port=0)
        assert "token" in str(caught.value.__cause__)
        async with Scheduler(host="0.0.0.0", port=0, security=Security(token="t")) as scheduler:
            assert "0.0.0.0" not in scheduler.address

    asyncio.run(main())
