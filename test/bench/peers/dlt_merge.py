"""dlt merges changes of sales_order by last_updated: dlt_merge.py SOURCE TARGET FOLDER DATASET LAG."""

import sys

import dlt
from dlt.destinations import postgres
from dlt.sources.sql_database import sql_table

source, target, folder, dataset, lag = sys.argv[1:]

rows = sql_table(
    credentials=source.replace("postgres://", "postgresql+psycopg2://", 1),
    table="sales_order",
    backend="pyarrow",
    chunk_size=100_000,
    incremental=dlt.sources.incremental("last_updated", lag=float(lag) or None),
    primary_key="sales_order_id",
)
pipeline = dlt.pipeline(
    pipeline_name=dataset,
    pipelines_dir=folder,
    destination=postgres(credentials=target),
    dataset_name=dataset,
)
info = pipeline.run(
    rows,
    write_disposition={"disposition": "merge", "strategy": "upsert"},
    loader_file_format="csv",
)
info.raise_on_failed_jobs()
