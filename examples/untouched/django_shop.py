"""
A Django app that knows nothing of tracing; its settings are in ``django_settings.py``.

    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    export DJANGO_SETTINGS_MODULE=django_settings
    opentelemetry-instrument django-admin runserver --noreload 127.0.0.1:8000
    opentelemetry-instrument gunicorn --workers 2 --bind 127.0.0.1:8000 django_shop:application
"""

from __future__ import annotations

import json
import logging

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


logger = logging.getLogger("shop")


@csrf_exempt
def on_webhook(request: HttpRequest) -> HttpResponse:
    """
    Take one webhook.
    """
    event = json.loads(request.body)
    logger.info("message %s", event["event_type"])
    return HttpResponse(status=204)


urlpatterns = [path("webhooks/linq", on_webhook)]
application = get_wsgi_application()
