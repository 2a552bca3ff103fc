"""An MCP server in Python: `mcp_server.py` on its pipes, or `mcp_server.py <port>` over streamable HTTP.

Its spans go where OTEL_EXPORTER_OTLP_ENDPOINT says.
"""

import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import SamplingMessage, TextContent
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

server = MCPServer("python-shop")


@server.tool()
def whose(request: Context) -> str:
    """Says on whose behalf it is called."""
    with tracer.start_as_current_span("look_up"):
        # The SDK reads the parent from `_meta`, but not the baggage.
        said = W3CBaggagePropagator().extract(dict(request.request_context.meta))
        return f"{baggage.get_baggage('session.id', said)} {baggage.get_baggage('user.id', said)}"


@server.tool()
async def ask(request: Context) -> str:
    """Asks the client's model."""
    await request.report_progress(1)
    question = SamplingMessage(role="user", content=TextContent(type="text", text="Which lamp?"))
    answer = await request.session.create_message(
        [question], max_tokens=16, related_request_id=request.request_id
    )
    return answer.content.text


@server.tool()
def refuse() -> str:
    """Says no."""
    raise ValueError("sold out")


@server.resource("shop://catalogue")
def catalogue() -> str:
    return "lamp, table, chair"


@server.prompt()
def describe(product: str) -> str:
    """Describes a product."""
    return f"Describe product {product} in a sentence."


if len(sys.argv) > 1:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    server.run("stdio")
