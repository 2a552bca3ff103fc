"""What both scripts send their spans with."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

resource = Resource.create({"openinference.project.name": os.environ["PROJECT"]})
provider = TracerProvider(resource=resource)
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{os.environ['PHOENIX']}/v1/traces")))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("a2a-python")
