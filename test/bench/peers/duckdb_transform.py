"""DuckDB's transform of sales_order, on one thread: takes {"from": folder, "to": file} as lines of JSON."""

import json
import sys

import duckdb

COLUMNS = {
    "sales_order_id": "INTEGER",
    "created_at": "TIMESTAMP",
    "last_updated": "TIMESTAMP",
    "design_id": "INTEGER",
    "staff_id": "INTEGER",
    "counterparty_id": "INTEGER",
    "units_sold": "INTEGER",
    "unit_price": "DECIMAL(10,2)",
    "currency_id": "INTEGER",
    "agreed_delivery_date": "DATE",
    "agreed_payment_date": "DATE",
    "agreed_delivery_location_id": "INTEGER",
}

SELECT = """
select sales_order_id, created_at::date as created_date, created_at::time as created_time,
       last_updated::date as last_updated_date, last_updated::time as last_updated_time,
       staff_id as sales_staff_id, counterparty_id, units_sold, unit_price, currency_id, design_id,
       agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id
  from read_json({files}, format = 'newline_delimited', columns = {columns})
"""

connection = duckdb.connect()
connection.execute("set threads = 1")

for line in sys.stdin:
    task = json.loads(line)
    try:
        select = SELECT.format(files=repr(task["from"] + "/*.ndjson"), columns=json.dumps(COLUMNS).replace('"', "'"))
        connection.execute(f"copy ({select}) to {task['to']!r} (format parquet, compression snappy)")
        answer = {"value": None}
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
