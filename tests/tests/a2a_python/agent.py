"""An agent at PORT that repeats what it hears, with a span of its own below the caller's."""

import os

import uvicorn
from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import a2a_pb2
from opentelemetry import baggage
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from spans import tracer
from starlette.applications import Starlette


class Parrot(AgentExecutor):
    async def execute(self, context, event_queue):
        said = {"openinference.span.kind": "AGENT"}
        for key in ("session.id", "user.id"):
            if (value := baggage.get_baggage(key)) is not None:
                said[key] = value
        with tracer.start_as_current_span("python parrot", attributes=said):
            task = context.current_task or new_task_from_user_message(context.message)
            await event_queue.enqueue_event(task)
            updater = TaskUpdater(event_queue, task.id, task.context_id)
            await updater.start_work()
            await updater.add_artifact([new_text_part(context.get_user_input().upper())], name="echo")
            await updater.complete()

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


port = int(os.environ["PORT"])
url = f"http://127.0.0.1:{port}/"
interface = a2a_pb2.AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
card = a2a_pb2.AgentCard(
    name="python-parrot",
    description="Repeats what it hears",
    version="4.5.6",
    supported_interfaces=[interface],
    capabilities=a2a_pb2.AgentCapabilities(streaming=True),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
)
handler = DefaultRequestHandler(Parrot(), InMemoryTaskStore(), card)
routes = create_agent_card_routes(card) + create_jsonrpc_routes(handler, "/")
uvicorn.run(OpenTelemetryMiddleware(Starlette(routes=routes)), host="127.0.0.1", port=port)
