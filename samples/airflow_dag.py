"""Airflow: send a day's rows to a pool. A task that is retried sends nothing twice, so retries are safe.

The state directory must outlive the worker: a shared volume, or a worker that always runs this task. If it is lost, the
same file still creates nothing twice, as long as the API remembers the operations.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG(
    "toloka_upload",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001  # Airflow takes it as UTC
    schedule="@daily",
    catchup=False,
    default_args={"retries": 5, "retry_delay": timedelta(minutes=15)},
) as dag:
    BashOperator(
        task_id="upload",
        # Status 75 is temporary and fails the try, so that Airflow retries it; 99 skips, and is never returned.
        bash_command="toloka-upload --quiet --json /srv/tasks/{{ ds }}.jsonl",
        env={
            "TOLOKA_POOL": "21",
            "TOLOKA_TOKEN": "{{ conn.toloka.password }}",
            "TOLOKA_UPLOAD_STATE_DIR": "/srv/toloka-upload",
        },
        append_env=True,
        do_xcom_push=True,  # the last line of standard output: the summary, as JSON
    )
