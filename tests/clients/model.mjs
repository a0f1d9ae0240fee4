// A stand-in for the model behind a coding agent, on loopback: `node model.mjs anthropic|openai [STEPS]`.
// The first line of standard output is its port; each further line is a request of the conversation as JSON:
// {"path", "body"}. STEPS is a JSON array; each request that offers tools takes the next step, and after the last step the
// model answers "done":
//   {"tool": "send", "input": {…}, "text"?}  calls that tool under the client's name for it (mcp__hive__send, hive_send)
//   {"text": "…"}                            answers with the text and ends the turn
//   {"error": 529}                           answers with this HTTP status
//   {"hang": true, "text"?}                  begins an answer, with the text if given, and never ends it
// Each step may have "usage": {"input_tokens", "output_tokens", …} by Anthropic's names. Requests without tools (titles,
// probes) are answered with "ok".
import { createServer } from "node:http";

const [kind, script] = process.argv.slice(2);
if (kind !== "anthropic" && kind !== "openai") {
  console.error("usage: node model.mjs anthropic|openai [STEPS]");
  process.exit(2);
}

const steps = JSON.parse(script || "[]");
let answered = 0;
let ids = 0;
const id = (prefix) => `${prefix}_${String(++ids).padStart(4, "0")}`;

// Names as the client offers them; Codex groups the tools of a server under a namespace.
const names = (tools = []) =>
  tools.flatMap((tool) =>
    tool.type === "namespace"
      ? tool.tools.map((inner) => ({ name: inner.name, namespace: tool.name }))
      : [{ name: tool.function?.name ?? tool.name ?? tool.type }],
  );

const offered = (tools, wanted) => {
  const found = names(tools).find((tool) => tool.name === wanted || tool.name?.endsWith(`_${wanted}`));
  if (!found) throw new Error(`the client offers no tool ${wanted}; it offers: ${names(tools).map((tool) => tool.name)}`);
  return found;
};

const sse = (response) => {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  return (event, data) => response.write(`${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
};

const json = (response, status, value) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
};

function anthropic(response, body, step) {
  const usage = { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, ...step.usage };
  const content = [];
  if (step.text !== undefined) content.push({ type: "text", text: step.text });
  if (step.tool) content.push({ type: "tool_use", id: id("toolu"), name: offered(body.tools, step.tool).name, input: step.input ?? {} });
  const message = { id: id("msg"), type: "message", role: "assistant", model: body.model, stop_sequence: null };
  const stop_reason = step.tool ? "tool_use" : "end_turn";
  if (!body.stream) return json(response, 200, { ...message, content, stop_reason, usage });

  const write = sse(response);
  write("message_start", { type: "message_start", message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } });
  if (step.hang) {
    if (step.text === undefined) return;
    write("content_block_start", { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
    const delta = { type: "text_delta", text: step.text };
    return write("content_block_delta", { type: "content_block_delta", index: 0, delta });
  }
  content.forEach((block, index) => {
    const isText = block.type === "text";
    write("content_block_start", { type: "content_block_start", index, content_block: isText ? { type: "text", text: "" } : { ...block, input: {} } });
    const delta = isText ? { type: "text_delta", text: block.text } : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
    write("content_block_delta", { type: "content_block_delta", index, delta });
    write("content_block_stop", { type: "content_block_stop", index });
  });
  write("message_delta", { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: usage.output_tokens } });
  write("message_stop", { type: "message_stop" });
  response.end();
}

function responses(response, body, step) {
  const output = [];
  if (step.text !== undefined)
    output.push({ type: "message", id: id("msg"), role: "assistant", status: "completed", content: [{ type: "output_text", text: step.text, annotations: [] }] });
  if (step.tool) {
    const call = { type: "function_call", id: id("fc"), call_id: id("call"), status: "completed", arguments: JSON.stringify(step.input ?? {}) };
    output.push({ ...call, ...offered(body.tools, step.tool) });
  }
  const about = { id: id("resp"), object: "response", model: body.model };
  const write = sse(response);
  write("response.created", { type: "response.created", response: { ...about, status: "in_progress", output: [] } });
  if (step.hang) return;
  output.forEach((item, output_index) => {
    write("response.output_item.added", { type: "response.output_item.added", output_index, item });
    write("response.output_item.done", { type: "response.output_item.done", output_index, item });
  });
  const { input_tokens = 10, output_tokens = 5 } = step.usage ?? {};
  const usage = { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
  write("response.completed", { type: "response.completed", response: { ...about, status: "completed", output, usage } });
  response.end();
}

function completions(response, body, step) {
  const chunk = { id: id("chatcmpl"), object: "chat.completion.chunk", created: 0, model: body.model };
  const { input_tokens = 10, output_tokens = 5 } = step.usage ?? {};
  const usage = { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens: input_tokens + output_tokens };
  const call = step.tool && { index: 0, id: id("call"), type: "function", function: { name: offered(body.tools, step.tool).name, arguments: JSON.stringify(step.input ?? {}) } };
  const finish_reason = call ? "tool_calls" : "stop";
  const delta = { role: "assistant", content: step.text ?? "", ...(call ? { tool_calls: [call] } : {}) };
  if (!body.stream) return json(response, 200, { ...chunk, object: "chat.completion", choices: [{ index: 0, message: delta, finish_reason }], usage });

  const write = sse(response);
  write(null, { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] });
  if (step.hang) return;
  write(null, { ...chunk, choices: [{ index: 0, delta: {}, finish_reason }], usage });
  write(null, "[DONE]");
  response.end();
}

const doors =
  kind === "anthropic" ? { "/v1/messages": anthropic } : { "/v1/responses": responses, "/v1/chat/completions": completions };

const server = createServer(async (request, response) => {
  try {
    const path = new URL(request.url, "http://localhost").pathname;
    let text = "";
    for await (const part of request) text += part;
    if (path === "/v1/messages/count_tokens") return json(response, 200, { input_tokens: 10 });
    const answer = request.method === "POST" && doors[path];
    if (!answer) return json(response, 404, { error: { type: "not_found_error", message: `no such route ${path}` } });

    const body = JSON.parse(text);
    if (!body.tools?.length) return answer(response, body, { text: "ok" });
    process.stdout.write(`${JSON.stringify({ path, body })}\n`);
    const step = steps[answered++] ?? { text: "done" };
    if (step.error) return json(response, step.error, { type: "error", error: { type: "api_error", message: "the stand-in was told to fail" } });
    answer(response, body, step);
  } catch (error) {
    // The client shows the test's mistake and does not retry.
    console.error(error.message);
    if (response.headersSent) response.destroy();
    else json(response, 400, { type: "error", error: { type: "invalid_request_error", message: error.message } });
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
