"""dlt copies sales_order into a bare table: dlt_copy.py SOURCE TARGET FOLDER full|new."""

import sys

import dlt
from dlt.destinations import postgres
from dlt.sources.sql_database import sql_table

source, target, folder, mode = sys.argv[1:]

rows = sql_table(
    credentials=source.replace("postgres://", "postgresql+psycopg2://", 1),
    table="sales_order",
    backend="pyarrow",
    chunk_size=100_000,
    incremental=dlt.sources.incremental("last_updated") if mode == "new" else None,
)
pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=folder,
    destination=postgres(credentials=target),
    dataset_name="dlt",
)
info = pipeline.run(
    rows,
    write_disposition="append" if mode == "new" else "replace",
    loader_file_format="csv",
)
info.raise_on_failed_jobs()
