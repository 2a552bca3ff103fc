"""A Python client of the tests' MCP server: `mcp_client.py <url>`, or `mcp_client.py -- <command>` over its pipes.

Its spans go where OTEL_EXPORTER_OTLP_ENDPOINT says. It prints the trace and what the tools said. ERRAND names the function
below that it runs.
"""

import asyncio
import os
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import CreateMessageResult, TextContent
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("visitor")


def connection():
    if sys.argv[1] == "--":
        command, *arguments = sys.argv[2:]
        return stdio_client(StdioServerParameters(command=command, args=arguments, env=dict(os.environ)))
    return sys.argv[1]


async def visit():
    # In "auto" mode the handshake is `server/discover`, in "legacy" mode `initialize`.
    async with Client(connection(), mode=os.environ["MCP_MODE"]) as client:
        await client.list_tools()
        stock = await client.call_tool("check_stock", {"product": 21})
        print("stock", stock.content[0].text)
        bare = await client.call_tool("bare", {"product": 4})
        print("bare", bare.content[0].text)
        refused = await client.call_tool("refuse", {})
        print("refused", refused.is_error)
        await client.read_resource("shop://catalogue")
        await client.get_prompt("describe", {"product": "1"})
        try:
            await client.call_tool("sell_the_shop", {})
        except Exception as error:
            print("unknown", type(error).__name__)


async def visit_with_headers_alone():
    """Behind something that writes the headers, with an SDK that knows nothing of contexts."""
    headers = {}
    propagate.inject(headers)
    propagate.set_global_textmap(CompositePropagator([]))
    async with create_mcp_http_client(headers=headers) as http:
        transport = streamable_http_client(sys.argv[1], http_client=http)
        async with Client(transport, mode=os.environ["MCP_MODE"]) as client:
            bare = await client.call_tool("bare", {"product": 4})
            print("bare", bare.content[0].text)


async def think(_, question):
    # The SDK's client starts no span for what its server asks.
    with tracer.start_as_current_span("think", context=propagate.extract(dict(question.meta))):
        return CreateMessageResult(
            role="assistant", content=TextContent(type="text", text="the red one"), model="a-model"
        )


async def be_asked():
    """A server's tool asks for a completion."""
    async with Client(connection(), mode=os.environ["MCP_MODE"], sampling_callback=think) as client:
        asked = await client.call_tool("ask", {})
        print("asked", asked.content[0].text)


said = baggage.set_baggage("user.id", "ada", baggage.set_baggage("session.id", os.environ["SESSION"]))
token = context.attach(said)
with tracer.start_as_current_span("visit") as span:
    print("trace", format(span.get_span_context().trace_id, "032x"))
    asyncio.run(globals()[os.environ.get("ERRAND", "visit")]())
context.detach(token)
provider.shutdown()
