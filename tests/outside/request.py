"""Sends one request and prints the answer: request.py CREDENTIALS SUBJECT PAYLOAD.

While nobody answers (a leader is being chosen) it asks again, for a minute at most.
"""
import asyncio
import json
import sys

import nats
from nats.errors import Error as NatsError


async def answer(client, subject, payload):
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        try:
            return await client.request(subject, payload.encode(), timeout=10)
        except NatsError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)


async def main():
    credentials, subject, payload = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    client = await nats.connect(
        credentials["url"],
        user=credentials["user"],
        password=credentials["password"],
        inbox_prefix=credentials.get("inbox_prefix", "_INBOX").encode(),
    )
    print(json.dumps("ready"), flush=True)
    reply = await answer(client, subject, payload)
    print(json.dumps(json.loads(reply.data), ensure_ascii=False), flush=True)
    print(json.dumps("end"), flush=True)
    await client.close()


asyncio.run(main())
