// Uses the official MCP client: `node sdk.mjs PROGRAM SOCKET`. Prints each result as a line of JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [program, socket] = process.argv.slice(2);
const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));

const client = new Client({ name: "sdk-client", version: "1.0" });
await client.connect(new StdioClientTransport({ command: program, args: ["mcp", "--socket", socket], env: process.env, stderr: "inherit" }));
say("connected", { server: client.getServerVersion(), instructions: client.getInstructions() });

const { tools } = await client.listTools();
say("listed", { tools: tools.map((tool) => tool.name), schemas: tools.every((tool) => tool.inputSchema.type === "object") });

const me = await client.callTool({ name: "whoami", arguments: {} });
say("called", { text: me.content[0].text });

const wrong = await client.callTool({ name: "send", arguments: { to: "nobody-there", body: "hi" } });
say("refused", { isError: wrong.isError, text: wrong.content[0].text });

const empty = await client.callTool({ name: "recv", arguments: { wait_seconds: 0 } });
say("empty", { text: empty.content[0].text });

// Each call is answered, even with a progress token.
let answered = 0;
for (let i = 0; i < 100; i++) {
  const acked = await client.callTool({ name: "ack", arguments: { all: true } }, undefined, { onprogress: () => {}, timeout: 5000 });
  answered += acked.content[0].text === "acked: 0" ? 1 : 0;
}
say("answered", { answered });

// A cancelled wait loses no message.
const stop = new AbortController();
const cancelled = client.callTool({ name: "recv", arguments: { wait_seconds: 180 } }, undefined, { signal: stop.signal });
say("waits");
await new Promise((resolve) => process.stdin.once("data", resolve));
stop.abort("enough");
const error = await cancelled.then(() => undefined, (error) => String(error.message ?? error));
// The client gives up at once; when this call is answered, the bridge has read the cancellation too.
await client.callTool({ name: "whoami", arguments: {} });
say(error ? "cancelled" : "not cancelled", { error });
const later = await client.callTool({ name: "recv", arguments: { wait_seconds: 30 } });
say("later", { text: later.content[0].text });
await client.callTool({ name: "ack", arguments: { all: true } });

process.stdin.destroy();
await client.close();
say("closed");
