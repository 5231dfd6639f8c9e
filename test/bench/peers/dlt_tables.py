"""dlt copies tables as they are: dlt_tables.py SOURCE TARGET FOLDER TABLE,TABLE."""

import sys

import dlt
from dlt.destinations import postgres
from dlt.sources.sql_database import sql_database

source, target, folder, tables = sys.argv[1:]

rows = sql_database(
    credentials=source.replace("postgres://", "postgresql+psycopg2://", 1),
    table_names=tables.split(","),
    backend="connectorx",
    # Without it ConnectorX goes by way of pandas.
    backend_kwargs={"return_type": "arrow", "protocol": "binary"},
)
pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=folder,
    destination=postgres(credentials=target),
    dataset_name="dlt",
)
info = pipeline.run(rows, write_disposition="replace", loader_file_format="csv")
info.raise_on_failed_jobs()
