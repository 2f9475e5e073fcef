"""Links from Dagster to the product's own pages."""

import dagster as dg

from eventpulse.settings import load_settings


def links(**routes: str) -> dict[str, dg.MetadataValue]:
    """Metadata that leads to pages of the dashboard, by a name and the route of each, and to the API's description."""
    at = load_settings().pages_at
    pages = {name: f"{at}/dashboard#/{route}" for name, route in routes.items()}
    return {name: dg.MetadataValue.url(url) for name, url in {**pages, "api": f"{at}/docs"}.items()}
