"""Gives the agent at AGENT two tasks without waiting for them: it polls one until its end, and subscribes to the other."""

import asyncio
import os

import httpx
from a2a.client import ClientConfig
from a2a.client.client_factory import create_client
from a2a.helpers.proto_helpers import new_text_message
from a2a.types import a2a_pb2


async def begin(client):
    message = new_text_message("fail", role=a2a_pb2.Role.ROLE_USER)
    configuration = a2a_pb2.SendMessageConfiguration(return_immediately=True)
    request = a2a_pb2.SendMessageRequest(message=message, configuration=configuration)
    async for response in client.send_message(request):
        return response.task.id


async def main():
    url = os.environ["AGENT"]
    interface = a2a_pb2.AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
    card = a2a_pb2.AgentCard(name="sleeper", supported_interfaces=[interface])
    card.capabilities.streaming = True
    async with httpx.AsyncClient(trust_env=False) as http:
        client = await create_client(card, ClientConfig(streaming=False, polling=True, httpx_client=http))
        streaming = await create_client(card, ClientConfig(streaming=True, httpx_client=http))
        task = await begin(client)
        while True:
            polled = await client.get_task(a2a_pb2.GetTaskRequest(id=task))
            if polled.status.state == a2a_pb2.TaskState.TASK_STATE_FAILED:
                break
            await asyncio.sleep(0.05)
        async for event in streaming.subscribe(a2a_pb2.SubscribeToTaskRequest(id=await begin(client))):
            print(event, flush=True)


asyncio.run(main())
