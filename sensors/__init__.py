"""What Dagster watches in order to keep the pipeline alive."""
