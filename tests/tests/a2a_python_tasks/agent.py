"""An agent at PORT whose tasks fail: at once, or, if the message says so, later."""

import asyncio
import os

import uvicorn
from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import a2a_pb2
from starlette.applications import Starlette


class Starving(AgentExecutor):
    async def execute(self, context, event_queue):
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)

        def said(*texts):
            return updater.new_agent_message([new_text_part(text) for text in texts])

        for step in ("looking", "looking again"):
            await updater.update_status(a2a_pb2.TaskState.TASK_STATE_WORKING, said(step))
        if "later" in context.get_user_input():
            await asyncio.sleep(0.3)
        await updater.failed(said("no seeds", "no water"))

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


port = int(os.environ["PORT"])
url = f"http://127.0.0.1:{port}/"
card = a2a_pb2.AgentCard(
    name="starving",
    version="1.0.0",
    supported_interfaces=[a2a_pb2.AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")],
    capabilities=a2a_pb2.AgentCapabilities(streaming=True),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
)
handler = DefaultRequestHandler(Starving(), InMemoryTaskStore(), card)
routes = create_agent_card_routes(card) + create_jsonrpc_routes(handler, "/")
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port)
