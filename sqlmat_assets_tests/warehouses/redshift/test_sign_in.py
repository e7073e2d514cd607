"""Redshift: signing in by IAM, and TLS."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from sqlmat_assets.errors import CancelledError, MaterializeError, UsageError
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.redshift import sign_in as redshift_sign_in
from sqlmat_assets.warehouses.redshift.adapter import RedshiftWarehouse
from sqlmat_assets.warehouses.redshift.sign_in import SignIn
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.redshift.certificates import make_certificate
from sqlmat_assets_tests.redshift.cluster import DATABASE, PASSWORD, USER, RedshiftDouble
from sqlmat_assets_tests.redshift.control_plane import ROLE, WORKGROUP, ControlPlane, serving
from sqlmat_assets_tests.warehouses.contract import TARGET, make

WHO = "SELECT current_user"
ENDLESS = "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d"


def refused(url: str) -> str:
    with pytest.raises(MaterializeError) as caught, open_warehouse(url).open_session():
        pass
    return str(caught.value)


class TestByIam:
    @pytest.fixture
    def plane(
        self, cluster: RedshiftDouble, s3_server: str, monkeypatch: pytest.MonkeyPatch
    ) -> Generator[ControlPlane]:
        plane = ControlPlane(cluster, s3_server)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        redshift_sign_in.forget_credentials()
        with serving(plane) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT", url)
            monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", url)
            yield plane
        redshift_sign_in.forget_credentials()

    @pytest.fixture
    def etl(self, plane: ControlPlane) -> Generator[None]:
        """A provisioned cluster of this name."""
        client = boto3.client("redshift", region_name="eu-west-1", endpoint_url=plane.moto)
        client.create_cluster(
            ClusterIdentifier="etl", NodeType="ra3.large", MasterUsername=USER, MasterUserPassword=PASSWORD
        )
        yield
        client.delete_cluster(ClusterIdentifier="etl", SkipFinalClusterSnapshot=True)

    def url(self, cluster: RedshiftDouble, iam: str, user: str = "") -> str:
        return f"redshift://{user}127.0.0.1:{cluster.port}/{DATABASE}?sslmode=disable&region=eu-west-1&iam={iam}"

    @pytest.mark.usefixtures("etl")
    def test_a_user_of_a_cluster(self, cluster: RedshiftDouble, plane: ControlPlane) -> None:
        warehouse = open_warehouse(self.url(cluster, "cluster/etl", f"{USER}@"))
        for number in (1, 2):
            with warehouse.open_session() as session:
                assert session.fetch_rows(verbatim(WHO)).rows == [(USER,)]
                assert make(session, TARGET, f"SELECT {number} AS id") == 1
                session.execute(verbatim("DROP TABLE first.cities"))
        # Two connections, and one password.
        assert plane.asked == ["GetClusterCredentials"]
        assert warehouse.label == f"redshift://{USER}@127.0.0.1:{cluster.port}/dev"

    @pytest.mark.parametrize(
        ("iam", "action"),
        [("cluster/etl", "GetClusterCredentialsWithIAM"), (f"workgroup/{WORKGROUP}", "GetCredentials")],
    )
    def test_the_user_that_a_role_has_there(
        self, cluster: RedshiftDouble, plane: ControlPlane, iam: str, action: str
    ) -> None:
        with open_warehouse(self.url(cluster, iam)).open_session() as session:
            assert session.fetch_rows(verbatim(WHO)).rows == [(ROLE,)]
        assert plane.asked == [action]

    def test_a_password_that_is_about_to_end_is_not_used_again(
        self, cluster: RedshiftDouble, plane: ControlPlane
    ) -> None:
        plane.lasts = timedelta(seconds=50)
        for _ in range(2):
            with open_warehouse(self.url(cluster, f"workgroup/{WORKGROUP}")).open_session():
                pass
        assert plane.asked == ["GetCredentials"] * 2

    def test_what_aws_refuses_is_told(self, cluster: RedshiftDouble, plane: ControlPlane) -> None:
        said = refused(self.url(cluster, "workgroup/other"))
        assert said == "cannot sign in to `other` by IAM: Workgroup other not found"
        said = refused(self.url(cluster, "cluster/other", f"{USER}@"))
        assert said == "cannot sign in to `other` by IAM: Cluster other not found."
        assert plane.asked == ["GetCredentials", "GetClusterCredentials"]

    @pytest.mark.usefixtures("plane")
    def test_what_is_missing_is_told(
        self, cluster: RedshiftDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        url = self.url(cluster, f"workgroup/{WORKGROUP}")
        with monkeypatch.context() as without:
            without.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", "http://127.0.0.1:9")
            assert refused(url).startswith(f"cannot sign in to `{WORKGROUP}` by IAM: Could not connect to ")
        with monkeypatch.context() as without:
            for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
                without.delenv(name, raising=False)
            without.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
            assert refused(url.replace("&region=eu-west-1", "")) == (
                f"cannot sign in to `{WORKGROUP}` by IAM: nothing says where it is\n"
                "  hint: write `&region=eu-west-1` in the warehouse URL, or set `$AWS_REGION`"
            )
        with monkeypatch.context() as without:
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                without.delenv(name)
            for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
                without.setenv(name, str(tmp_path / "none"))
            without.setenv("AWS_EC2_METADATA_DISABLED", "true")
            assert refused(url) == (
                f"cannot sign in to `{WORKGROUP}` by IAM: there are no keys of AWS\n"
                "  hint: set `$AWS_PROFILE` or `$AWS_ACCESS_KEY_ID`, or run where there is a role"
            )
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "boto3", None)
            assert refused(url) == (
                "signing in by IAM takes `boto3`, which is not installed\n  hint: `pip install 'sqlmat[redshift]'`"
            )

    def test_the_password_is_in_no_text(self, cluster: RedshiftDouble, plane: ControlPlane) -> None:
        with open_warehouse(self.url(cluster, f"workgroup/{WORKGROUP}")).open_session():
            pass
        found = redshift_sign_in.find_credentials(SignIn("workgroup", WORKGROUP, DATABASE, None, "eu-west-1"))
        assert found.password not in f"{found} {found!r}"
        assert plane.asked == ["GetCredentials"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (
            "redshift://ann@etl.abc123.eu-west-1.redshift.amazonaws.com/dev?iam=auto",
            SignIn("cluster", "etl", "dev", "ann", "eu-west-1"),
        ),
        (
            "redshift://wg.123456789012.us-east-2.redshift-serverless.amazonaws.com:5440/dev?iam=auto",
            SignIn("workgroup", "wg", "dev", None, "us-east-2"),
        ),
        ("redshift://ann@localhost/dev?iam=cluster/etl", SignIn("cluster", "etl", "dev", "ann", None)),
        (
            "redshift://localhost/dev?iam=workgroup/wg&region=cn-north-1",
            SignIn("workgroup", "wg", "dev", None, "cn-north-1"),
        ),
        ("redshift://ann:secret@localhost/dev", None),
    ],
)
def test_what_aws_is_asked(url: str, found: SignIn | None) -> None:
    opened = open_warehouse(url)
    assert isinstance(opened, RedshiftWarehouse)
    assert opened.place.sign_in == found


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "redshift://localhost/dev?iam=auto",
            "`localhost` does not tell which cluster or workgroup it is\n"
            "  hint: write `?iam=cluster/NAME` or `?iam=workgroup/NAME`, and `&region=` where it is",
        ),
        (
            "redshift://localhost/dev?iam=yes",
            "`iam=yes` is no way to sign in\n"
            "  hint: write `?iam=auto`, or `?iam=cluster/NAME` or `?iam=workgroup/NAME` where the host does not tell "
            "it",
        ),
        (
            "redshift://ann:secret@localhost/dev?iam=cluster/etl",
            "the warehouse URL has a password and signs in by IAM\n  hint: leave out the password, or `?iam=`",
        ),
    ],
)
def test_what_is_no_way_to_sign_in(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_warehouse(url)
    assert str(caught.value) == said


class TestTls:
    @pytest.fixture(autouse=True)
    def plain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PGSSLMODE", raising=False)

    def url(self, cluster: RedshiftDouble, more: str = "") -> str:
        return f"redshift://{USER}:{PASSWORD}@127.0.0.1:{cluster.port}/{DATABASE}{more}"

    def test_it_is_asked_for_where_nobody_says_otherwise(self, cluster: RedshiftDouble) -> None:
        """The double has none here, so nobody is let in, and no password is sent."""
        assert refused(self.url(cluster)).endswith(
            "server does not support SSL, but SSL was required\n"
            "  hint: write `?sslmode=prefer` in the warehouse URL, or have the server offer TLS"
        )
        assert cluster.secured == []

    def test_what_is_sent_is_encrypted(self, cluster: RedshiftDouble, tmp_path: Path) -> None:
        cluster.tls, _ = make_certificate(tmp_path / "tls")
        with open_warehouse(self.url(cluster)).open_session() as session:
            assert session.fetch_rows(verbatim(WHO)).rows == [(USER,)]
            threading.Timer(0.2, session.cancel).start()
            with pytest.raises(CancelledError):
                session.fetch_rows(verbatim(ENDLESS))
        assert set(cluster.secured) == {True}

    def test_another_server_is_found_out(self, cluster: RedshiftDouble, tmp_path: Path) -> None:
        cluster.tls, root = make_certificate(tmp_path / "tls")
        _, other = make_certificate(tmp_path / "other")
        with open_warehouse(self.url(cluster, f"?sslmode=verify-full&sslrootcert={root}")).open_session() as session:
            assert session.fetch_rows(verbatim(WHO)).rows == [(USER,)]
        said = refused(self.url(cluster, f"?sslmode=verify-full&sslrootcert={other}"))
        assert "certificate verify failed" in said
        assert said.endswith(
            "\n  hint: name the certificate with `?sslrootcert=` in the warehouse URL, or write `?sslmode=require`"
        )
