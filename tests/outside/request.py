"""Sends one request and prints the answer: request.py CREDENTIALS SUBJECT PAYLOAD."""
import asyncio
import json
import sys

import nats


async def main():
    credentials, subject, payload = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    client = await nats.connect(
        credentials["url"],
        user=credentials["user"],
        password=credentials["password"],
        inbox_prefix=credentials.get("inbox_prefix", "_INBOX").encode(),
    )
    print(json.dumps("ready"), flush=True)
    reply = await client.request(subject, payload.encode(), timeout=20)
    print(json.dumps(json.loads(reply.data), ensure_ascii=False), flush=True)
    print(json.dumps("end"), flush=True)
    await client.close()


asyncio.run(main())
