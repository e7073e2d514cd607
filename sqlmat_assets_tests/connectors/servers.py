"""Servers on this machine that answer as S3 and Cloud Storage do, and what their clients are told of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sqlmat_assets_tests.deploy.doubles import cloud_storage
from sqlmat_assets_tests.fixture_servers import TokenServer, serving

ACCESS_KEY, SECRET_KEY = "testing", "not-to-be-seen"


@pytest.fixture
def s3_bucket(s3_server: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, which clients find by what the environment tells them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return bucket


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of a Cloud Storage that keeps its objects in memory."""
    with cloud_storage(tmp_path_factory.mktemp("cloud_storage"), "first") as url:
        yield url


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The key of a service account, for which a server on this machine gives out tokens."""
    with serving(TokenServer) as token_url:
        path = tmp_path_factory.mktemp("keys") / "account.json"
        path.write_text(json.dumps(_account(f"{token_url}/token")))
        yield path


@pytest.fixture
def gcs_bucket(gcs_server: str, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket on the server, which a client with the key may use."""
    from google.cloud import storage

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    client = storage.Client(client_options={"api_endpoint": gcs_server})
    client.create_bucket(name)
    client.close()
    return name


def _account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": "local",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "sender@local.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
