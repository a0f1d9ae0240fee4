// The official MCP client, as a person's tool uses it: `node sdk.mjs PROGRAM SOCKET`. What it saw goes to standard output, a line of JSON each.
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
say("called", { text: me.content[0].text, structured: me.structuredContent });

const wrong = await client.callTool({ name: "send", arguments: { to: "nobody-there", body: "hi" } });
say("refused", { isError: wrong.isError, text: wrong.content[0].text, structured: wrong.structuredContent });

const empty = await client.callTool({ name: "recv", arguments: { wait_seconds: 0 } });
say("empty", { text: empty.content[0].text, structured: empty.structuredContent });

// A long wait, told that it lives; what comes ends it.
const first = new Promise((resolve) => {
  const waited = client.callTool({ name: "recv", arguments: { wait_seconds: 180 } }, undefined, {
    onprogress: (progress) => {
      say("progress", progress);
      resolve();
    },
    resetTimeoutOnProgress: true,
  });
  waited.then((got) => say("received", { text: got.content[0].text, structured: got.structuredContent }));
  globalThis.waited = waited;
});
await first;
await globalThis.waited;

// A wait that is given up takes no message with it.
const stop = new AbortController();
const cancelled = client.callTool({ name: "recv", arguments: { wait_seconds: 180 } }, undefined, { signal: stop.signal, onprogress: () => stop.abort("enough") });
await cancelled.then(
  () => say("not cancelled"),
  (error) => say("cancelled", { error: String(error.message ?? error) }),
);
const later = await client.callTool({ name: "recv", arguments: { wait_seconds: 30 } });
say("later", { text: later.content[0].text });
await client.callTool({ name: "ack", arguments: { all: true } });

await client.close();
say("closed");
