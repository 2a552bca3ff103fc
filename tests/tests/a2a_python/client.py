"""Sends a message to the agent at AGENT, once as a call and once as a stream, in one trace."""

import asyncio
import os

import httpx
from a2a.client import ClientConfig
from a2a.client.client_factory import create_client
from a2a.helpers.proto_helpers import new_text_message
from a2a.types import a2a_pb2
from opentelemetry import baggage, context
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from spans import tracer


async def ask(card, streaming):
    async with httpx.AsyncClient(trust_env=False) as http:
        client = await create_client(card, ClientConfig(streaming=streaming, httpx_client=http))
        message = new_text_message("hello there", context_id="c-py", role=a2a_pb2.Role.ROLE_USER)
        async for response in client.send_message(a2a_pb2.SendMessageRequest(message=message)):
            print(response, flush=True)


async def main():
    HTTPXClientInstrumentor().instrument()
    url = os.environ["AGENT"]
    interface = a2a_pb2.AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
    card = a2a_pb2.AgentCard(name="parrot", supported_interfaces=[interface])
    card.capabilities.streaming = True
    said = baggage.set_baggage("session.id", os.environ["SESSION"])
    context.attach(baggage.set_baggage("user.id", "ada", said))
    with tracer.start_as_current_span("errand", attributes={"openinference.span.kind": "CHAIN"}):
        await ask(card, False)
        await ask(card, True)


asyncio.run(main())
