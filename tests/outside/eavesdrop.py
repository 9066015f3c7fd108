"""Listens where a consumer may listen, for what is not meant for it, until told to stop; prints every message heard.

    eavesdrop.py CREDENTIALS SUBJECT...
"""
import asyncio
import json
import sys

import nats


def say(value):
    print(json.dumps(value, ensure_ascii=False), flush=True)


async def main():
    credentials = json.loads(sys.argv[1])
    heard, refused = [], []

    async def on_message(message):
        heard.append({"subject": message.subject, "bytes": len(message.data)})

    async def on_error(error):
        refused.append(str(error))

    client = await nats.connect(
        credentials["url"], user=credentials["user"], password=credentials["password"], error_cb=on_error
    )
    for subject in sys.argv[2:]:
        await client.subscribe(subject, cb=on_message)
    await client.flush()
    say("ready")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    # Whatever was sent before this round trip has arrived after it.
    await client.flush()
    say({"heard": heard, "refused": refused})
    say("end")


asyncio.run(main())
