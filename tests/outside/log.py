"""Reads LOG from its first message to LAST and prints each as one line of JSON: log.py CREDENTIALS LAST."""
import asyncio
import base64
import json
import sys

import nats


async def main():
    credentials, last = json.loads(sys.argv[1]), int(sys.argv[2])
    client = await nats.connect(
        credentials["url"],
        user=credentials["user"],
        password=credentials["password"],
        inbox_prefix=credentials["inbox_prefix"].encode(),
    )
    print(json.dumps("ready"), flush=True)
    for sequence in range(1, last + 1):
        request = json.dumps({"seq": sequence}).encode()
        reply = await client.request("$JS.API.STREAM.MSG.GET.LOG", request, timeout=20)
        message = json.loads(reply.data)["message"]
        headers = base64.b64decode(message["hdrs"]).decode().split("\r\n")[1:]
        named = dict(line.split(": ", 1) for line in headers if line)
        body = json.loads(base64.b64decode(message["data"]))
        print(json.dumps({"sequence": message["seq"], "headers": named, "body": body}), flush=True)
    print(json.dumps("end"), flush=True)
    await client.close()


asyncio.run(main())
