"""Redshift: several runs at the same moment, with both ways in which a cluster keeps transactions apart."""

from __future__ import annotations

import pytest

from sqlmat_assets_tests.redshift.cluster import RedshiftDouble
from sqlmat_assets_tests.warehouses.at_once_contract import AtOnceContract
from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract
from sqlmat_assets_tests.warehouses.parts_contract import PartsContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.snapshots_contract import SnapshotsContract
from sqlmat_assets_tests.warehouses.undo_contract import UndoContract


class TestSerializable(OnRedshift, AtOnceContract):
    times = 5


class TestSnapshot(OnRedshift, AtOnceContract):
    """What new clusters and workgroups have: https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html."""

    times = 5

    @pytest.fixture
    def cluster(self, snapshot_cluster: RedshiftDouble) -> RedshiftDouble:
        return snapshot_cluster

    test_runs_of_different_ranges_at_once = PartsContract.test_runs_of_different_ranges_at_once
    test_runs_of_the_same_range_at_once = PartsContract.test_runs_of_the_same_range_at_once
    test_merges_at_once_keep_each_key_once = PartsContract.test_merges_at_once_keep_each_key_once
    test_merges_of_different_ranges_at_once = PartsContract.test_merges_of_different_ranges_at_once_keep_each_key_once
    test_two_runs_at_once_take_one = SnapshotsContract.test_two_runs_at_once_take_one
    test_two_first_builds_at_once = OwnHistoryContract.test_two_first_builds_at_once
    test_a_run_that_publishes_at_the_same_moment = UndoContract.test_a_run_that_publishes_at_the_same_moment
