"""The URL of a Redshift database: what the driver gets of it, and what people see of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from psycopg import Error as PsycopgError
from psycopg import conninfo

from sqlmat_assets.errors import failures
from sqlmat_assets.errors import redshift as wording
from sqlmat_assets.warehouses.redshift.connections import RedshiftPlace, Staging
from sqlmat_assets.warehouses.redshift.sign_in import SignIn

_WAIT = timedelta(seconds=60)
_DEFAULTS = {
    "application_name": "sqlmat",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_PORT = 5439
_OWN = ("wait", "staging", "iam", "iam_role", "region", "s3_endpoint")
# https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-from-psql.html and serverless-connecting.html beside it.
_HOST = re.compile(
    r"(?P<name>[^.]+)\.[^.]+\.(?P<region>[^.]+)\.redshift(?P<serverless>-serverless)?\.amazonaws\.com(?:\.cn)?"
)


def read_place(url: str, seconds: Callable[[str], timedelta]) -> RedshiftPlace:
    """Read a URL.

    Args:
        url: As libpq reads it, with `wait`, `staging`, `iam`, `iam_role`, `region` and `s3_endpoint` beside.
        seconds: Reads the value of `wait`.

    Raises:
        UsageError: It names no host or database, or says what is not known.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wording.malformed_url() from None
    database = unquote(parts.path.strip("/"))
    if not database or not parts.hostname:
        raise wording.no_database_named()
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "PGSSLMODE" not in os.environ:
        # The password is not for everybody between here and there.
        given.setdefault("sslmode", "require")
    own = {name: given.pop(name) for name in _OWN if name in given}
    given |= {"host": parts.hostname, "port": str(port or _PORT), "dbname": database}
    if parts.username is not None:
        given["user"] = unquote(parts.username)
    if parts.password is not None:
        given["password"] = unquote(parts.password)
    try:
        told = conninfo.make_conninfo("", **{**_DEFAULTS, **given})
    except PsycopgError as error:
        name = str(error).split('"')[1] if '"' in str(error) else ""
        raise failures.unknown_parameter(name, (*_OWN, "sslmode", "sslrootcert")) from None
    wait = seconds(own["wait"]) if "wait" in own else _WAIT
    return RedshiftPlace(told, _label(given, database), wait, _staging(own), _sign_in(own, given))


def _label(given: dict[str, str], database: str) -> str:
    user = f"{quote(given['user'])}@" if "user" in given else ""
    host = f"[{given['host']}]" if ":" in given["host"] else given["host"]
    port = "" if int(given["port"]) == _PORT else f":{given['port']}"
    return f"redshift://{user}{host}{port}/{quote(database)}"


def _sign_in(own: dict[str, str], given: dict[str, str]) -> SignIn | None:
    if "iam" not in own:
        return None
    if "password" in given:
        raise wording.password_and_iam()
    kind, _, name = own["iam"].partition("/")
    host = _HOST.fullmatch(given["host"].lower())
    region = own.get("region") if host is None else host["region"]
    user, database = given.get("user"), given["dbname"]
    match kind:
        case "cluster" if name:
            return SignIn("cluster", name, database, user, region)
        case "workgroup" if name:
            return SignIn("workgroup", name, database, None, region)
        case "auto" if not name and host is None:
            raise wording.no_name_in_the_host(given["host"])
        case "auto" if not name and host is not None:
            is_serverless = host["serverless"] is not None
            kind_ = "workgroup" if is_serverless else "cluster"
            return SignIn(kind_, host["name"], database, None if is_serverless else user, region)
        case _:
            raise wording.unknown_sign_in(own["iam"])


def _staging(own: dict[str, str]) -> Staging | None:
    if "staging" not in own:
        return None
    folder = urlsplit(own["staging"])
    if folder.scheme != "s3" or not folder.netloc:
        raise wording.no_folder_in_s3(own["staging"])
    prefix = folder.path.strip("/")
    return Staging(folder.netloc, prefix, own.get("iam_role"), own.get("region"), own.get("s3_endpoint"))
