"""The places of files that are delivered."""

from __future__ import annotations

from sqlmat_assets.connectors.local_folder import LocalFolder
from sqlmat_assets.connectors.stores import Store
from sqlmat_assets.execution.deliveries.parcel import Parcel
from sqlmat_assets.project.deliveries import Delivery, Files, Place


def open_store(delivery: Delivery, files: Files, parcel: Parcel) -> tuple[Store, str | None]:
    """The place of the files; and the name of the one file, where it is one.

    Raises:
        MaterializeError: A value that is in no file is missing, or a package.
    """
    to = parcel.secrets.fill(files.to)
    endpoint = None if files.endpoint is None else parcel.secrets.fill(files.endpoint)
    name = None
    if files.is_one:
        to, _, name = to.rpartition("/")
    if delivery.place is Place.FOLDER:
        return LocalFolder((parcel.beside / to).resolve()), name
    bucket, _, prefix = to.partition("://")[2].partition("/")
    # Neither client is imported where nothing goes there.
    if delivery.place is Place.GCS:
        from sqlmat_assets.connectors.gcs import GCSFolder

        return GCSFolder(bucket, prefix.strip("/"), endpoint), name
    from sqlmat_assets.connectors.s3 import S3Folder

    return S3Folder(bucket, prefix.strip("/"), endpoint), name
