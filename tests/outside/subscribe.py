"""A plain subscriber: binds to its durable, fetches, acknowledges, and prints each message as one line of JSON.

    subscribe.py CREDENTIALS

CREDENTIALS is what `shikaku nats credentials --consumer NAME --json` prints. It survives a broker that goes away and comes back.
SIGTERM ends it once everything that it was given is printed and acknowledged.
"""
import asyncio
import json
import signal
import sys

import nats
from nats.errors import Error as NatsError


def connection(credentials):
    if "creds_file" in credentials:
        return {"user_credentials": credentials["creds_file"]}
    return {"user": credentials["user"], "password": credentials["password"]}


def say(value):
    print(json.dumps(value, ensure_ascii=False), flush=True)


async def ignore(_error):
    pass


async def main():
    credentials = json.loads(sys.argv[1])
    client = await nats.connect(
        credentials["url"],
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
        error_cb=ignore,
        **connection(credentials),
    )
    durable = await client.jetstream().pull_subscribe_bind(
        consumer=credentials["durable"], stream=credentials["stream"]
    )
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    say("ready")
    while not ending.is_set():
        try:
            messages = await durable.fetch(100, timeout=1)
        except (NatsError, asyncio.TimeoutError):
            # Nothing there, or the broker is away: ask again, but not in a tight loop.
            await asyncio.sleep(0.05)
            continue
        for message in messages:
            say(
                {
                    "subject": message.subject,
                    "headers": dict(message.headers or {}),
                    "body": json.loads(message.data),
                }
            )
            try:
                await message.ack()
            except NatsError:
                pass
    await client.flush()
    await client.close()


asyncio.run(main())
