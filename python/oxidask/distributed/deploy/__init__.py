"""Clusters: what starts schedulers and workers, and ends them."""

from __future__ import annotations

from oxidask.distributed.deploy.adaptive import Adaptive
from oxidask.distributed.deploy.cluster import Cluster
from oxidask.distributed.deploy.local import LocalCluster
from oxidask.distributed.deploy.spec import ProcessInterface, SpecCluster
from oxidask.distributed.deploy.ssh import SSHCluster
from oxidask.distributed.deploy.subprocess import SubprocessCluster

__all__ = [
    "Adaptive",
    "Cluster",
    "LocalCluster",
    "ProcessInterface",
    "SSHCluster",
    "SpecCluster",
    "SubprocessCluster",
]
