"""Tries what a consumer must not do, each attempt as its own line of JSON: {"attempt", "refused", "answer"}.

    refused.py CREDENTIALS AUDIENCE FACILITY OTHER_AUDIENCE OTHER_STREAM OTHER_DURABLE

Afterwards what it may do: {"allowed", "refused", "answer"}.
"""
import asyncio
import json
import sys

import nats
from nats.errors import Error as NatsError


def say(value):
    print(json.dumps(value, ensure_ascii=False), flush=True)


def forbidden(stream, durable, audience, facility, other_audience, other_stream, other_durable):
    api = "$JS.API."
    config = {"stream_name": stream, "config": {"durable_name": "spy", "ack_policy": "none"}}
    inbox = {**config, "config": {**config["config"], "deliver_subject": "_INBOX.spy"}}
    requests = [
        (api + "INFO", {}),
        (api + "ACCOUNT.PURGE.HUB", {}),
        (api + "STREAM.NAMES", {}),
        (api + "STREAM.LIST", {}),
        (api + "STREAM.CREATE.SPY", {"name": "SPY", "subjects": ["spy"]}),
    ]
    for name in (stream, other_stream, "LOG", "OBSERVATIONS", "TASKS", "PARKED"):
        requests += [
            (f"{api}STREAM.INFO.{name}", {"subjects_filter": ">"}),
            (f"{api}STREAM.UPDATE.{name}", {"name": name}),
            (f"{api}STREAM.DELETE.{name}", {}),
            (f"{api}STREAM.PURGE.{name}", {}),
            (f"{api}STREAM.SNAPSHOT.{name}", {"deliver_subject": "_INBOX.spy"}),
            (f"{api}STREAM.MSG.GET.{name}", {"seq": 1}),
            (f"{api}STREAM.MSG.DELETE.{name}", {"seq": 1}),
            (f"{api}DIRECT.GET.{name}", {"seq": 1}),
            (f"{api}DIRECT.GET.{name}.shikaku.feed.{audience}.{facility}.verified", {}),
            (f"{api}CONSUMER.NAMES.{name}", {}),
            (f"{api}CONSUMER.LIST.{name}", {}),
            (f"{api}CONSUMER.CREATE.{name}", config),
            (f"{api}CONSUMER.CREATE.{name}", inbox),
            (f"{api}CONSUMER.CREATE.{name}.spy", config),
            (f"{api}CONSUMER.CREATE.{name}.spy.shikaku.feed.{audience}.{facility}.verified", config),
            (f"{api}CONSUMER.CREATE.{name}.{durable}", config),
            (f"{api}CONSUMER.DURABLE.CREATE.{name}.spy", config),
            (f"{api}CONSUMER.DELETE.{name}.{durable}", {}),
            (f"{api}CONSUMER.RESET.{name}.{durable}", {"seq": 1}),
            (f"{api}CONSUMER.PAUSE.{name}.{durable}", {"pause_until": "2030-01-01T00:00:00Z"}),
            (f"{api}CONSUMER.UNPIN.{name}.{durable}", {"group": "a"}),
        ]
    for name, other in ((stream, other_durable), (other_stream, other_durable), ("LOG", durable)):
        requests += [
            (f"{api}CONSUMER.MSG.NEXT.{name}.{other}", {"batch": 1}),
            (f"{api}CONSUMER.INFO.{name}.{other}", {}),
            (f"$JS.ACK.{name}.{other}.1.1.1.1.1", {}),
            (f"$JS.ACK._._.{name}.{other}.1.1.1.1.1", {}),
        ]
    for service in ("state", "replay", "anything"):
        requests += [
            (f"shikaku.svc.{other_audience}.{facility}.{service}", {}),
            (f"shikaku.svc.{audience}.1345077885.{service}", {}),
            (f"shikaku.svc-of.{other_durable}.{service}", {}),
            (f"shikaku.svc-of.{durable}.{service}", {}),
        ]
    requests += [
        (f"shikaku.obs.{facility}.terminal.t1.oqs-answer", {}),
        (f"shikaku.evidence.{facility}.terminal.t1", {}),
        (f"shikaku.committed.{facility}.terminal.t1", {}),
        (f"shikaku.task.{facility}.terminal.t1.ticket", {}),
        (f"shikaku.cmd.{facility}.inquire-ticket", {}),
        ("shikaku.cmd.group.link-records", {}),
        ("shikaku.keys.open", {}),
        ("shikaku.log.verified", {}),
        (f"shikaku.feed.{audience}.{facility}.verified", {}),
        (f"shikaku.feed.{other_audience}.{facility}.verified", {}),
        ("shikaku.parked.hub", {}),
        ("$SYS.REQ.SERVER.PING", {}),
        ("$SYS.REQ.ACCOUNT.PING.CONNZ", {}),
        ("$SRV.PING", {}),
        ("_INBOX.somebody", {}),
        ("_INBOX_hub.somebody", {}),
        ("anything.else", {}),
    ]
    subscriptions = [
        ">", "*", "shikaku.>", "shikaku.feed.>", f"shikaku.feed.{audience}.{facility}.>", "shikaku.log.>",
        "shikaku.svc.>", "shikaku.svc-of.>", f"shikaku.svc.{audience}.{facility}.state", "$JS.>",
        "$JS.API.>", "$JS.EVENT.ADVISORY.>", "$JS.ACK.>", "$SYS.>", "_INBOX_hub.>", "_INBOX_projections.>", "_R_.>",
    ]
    return requests, subscriptions


class Attempts:
    """Tells for each operation whether the server refused it, and what came back."""

    def __init__(self, client):
        self.client = client
        self.inbox = client.new_inbox()
        self.answers = []
        self.errors = []

    async def listen(self):
        async def on_answer(message):
            self.answers.append(message.data.decode(errors="replace")[:200])

        await self.client.subscribe(self.inbox, cb=on_answer)
        await self.client.flush()

    async def on_error(self, error):
        self.errors.append(str(error))

    async def publish(self, subject, payload):
        self.answers, self.errors = [], []
        await self.client.publish(subject, json.dumps(payload).encode(), reply=self.inbox)
        return await self.outcome("publish", subject)

    async def subscribe(self, subject):
        self.answers, self.errors = [], []
        subscription = await self.client.subscribe(subject)
        outcome = await self.outcome("subscribe", subject)
        try:
            await subscription.unsubscribe()
        except NatsError:
            pass
        return outcome

    async def outcome(self, verb, subject):
        # The server speaks of a refused operation before it answers the ping behind it; the client's callback may
        # come a little later. Only what is not refused waits for the deadline.
        await self.client.flush()
        deadline = asyncio.get_running_loop().time() + 2
        while not self.errors and not self.answers and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)
        refused = any("permissions violation" in error.lower() for error in self.errors)
        return {"attempt": f"{verb} {subject}", "refused": refused, "answer": self.answers or None}


async def main():
    credentials = json.loads(sys.argv[1])
    audience, facility, other_audience, other_stream, other_durable = sys.argv[2:]
    stream, durable = credentials["stream"], credentials["durable"]
    attempts = None

    async def on_error(error):
        await attempts.on_error(error)

    client = await nats.connect(
        credentials["url"], user=credentials["user"], password=credentials["password"], error_cb=on_error
    )
    attempts = Attempts(client)
    await attempts.listen()
    say("ready")
    requests, subscriptions = forbidden(
        stream, durable, audience, facility, other_audience, other_stream, other_durable
    )
    for subject, payload in requests:
        say(await attempts.publish(subject, payload))
    for subject in subscriptions:
        say(await attempts.subscribe(subject))
    for subject, payload in (
        (f"$JS.API.CONSUMER.INFO.{stream}.{durable}", {}),
        (f"shikaku.svc.{audience}.{facility}.state", {"after": None}),
    ):
        try:
            reply = await client.request(subject, json.dumps(payload).encode(), timeout=10)
            say({"allowed": subject, "answer": json.loads(reply.data)})
        except (NatsError, ValueError) as error:
            say({"allowed": subject, "error": repr(error)})
    say("end")
    await client.close()


asyncio.run(main())
