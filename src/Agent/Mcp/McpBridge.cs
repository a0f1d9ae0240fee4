using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Hive.Agent.Mcp;

/// <summary>
/// Offers what the host's <c>tools</c> lists for this agent, and nothing else; a call is the command of the same name. It holds no
/// knowledge of any tool but <c>recv</c>, whose waiting and acknowledging depend on the client, and <c>ack</c>, which belongs to it.
/// </summary>
internal sealed class McpBridge(string socket, long? turn, Log log, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(15);

    private const int ClientBytes = 200, RememberedAnswers = 16;

    private readonly HostLines lines = new(socket, turn, time);
    private readonly SemaphoreSlim receiving = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private readonly Lock gate = new();

    // What recv returned and nobody has acknowledged; a client without a turn says that it is done by asking for more.
    private readonly HashSet<long> unacked = [];

    // What was received for a call that was cancelled, still leased: the next recv returns it. Giving it back to the host would count as an
    // attempt, and a few cancelled calls would set a message aside that nobody has seen.
    private readonly List<JsonObject> held = [];

    // The last answers of recv, by the request: a client that gives a call up while the answer is on its way has not seen it.
    private readonly Queue<(RequestId Request, List<JsonObject> Messages)> answered = [];
    private LineClient? receiver;
    private HashSet<string> offered = [];

    public string Instructions => (turn is null
        ? "You are an agent of a Hive swarm. Call recv to wait for messages and send to reply. Calling recv again acknowledges what the call before returned; what you never acknowledge comes again. "
        : "You are an agent of a Hive swarm, in a turn. What you receive is acknowledged when the turn ends well. ") + Quote.Rule;

    public async ValueTask<ListToolsResult> ListAsync(RequestContext<ListToolsRequestParams> request, CancellationToken ct)
    {
        try
        {
            return new ListToolsResult { Tools = await ToolsAsync(Client(request.Server), ct) };
        }
        catch (Exception e) when (HostDown.Is(e) || e is HiveException)
        {
            throw new McpException($"the tools could not be listed: {HostDown.Reason(e)}");
        }
    }

    public async ValueTask<CallToolResult> CallAsync(RequestContext<CallToolRequestParams> request, CancellationToken ct)
    {
        var call = request.Params!;
        var client = Client(request.Server);
        try
        {
            var fields = new JsonObject();
            foreach (var (name, value) in call.Arguments ?? new Dictionary<string, JsonElement>())
                fields[name] = JsonNode.Parse(value.GetRawText());
            if (fields.ContainsKey("cmd"))
                throw new HiveException("invalid", $"{call.Name} has no argument `cmd`");
            if (Encoding.UTF8.GetByteCount(fields.ToJsonString(WireJson.Options)) is var bytes && bytes > Limits.LineBytes - 1024)
                throw new HiveException("too_large", $"the arguments have {bytes} bytes, at most {Limits.LineBytes - 1024} fit; write a file under your state folder and send that with file_path");
            if (!offered.Contains(call.Name))
            {
                var tools = await ToolsAsync(client, ct);
                if (tools.All(tool => tool.Name != call.Name))
                    throw new HiveException("not_found", $"there is no tool {call.Name}; there are: {string.Join(", ", tools.Select(tool => tool.Name))}");
            }

            using var progress = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var reporting = ReportAsync(request, progress.Token);
            try
            {
                return await (call.Name == "recv" ? ReceiveAsync(client, request.JsonRpcRequest.Id, fields, ct) : CommandAsync(client, call.Name, fields, ct));
            }
            finally
            {
                await progress.CancelAsync();
                await reporting;
            }
        }
        catch (HiveException e)
        {
            return Refused(client, e.Message, e.Code);
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            log.Warn($"{call.Name}: {HostDown.Reason(e)}");
            return Refused(client, $"The connection to the Hive host was lost ({HostDown.Reason(e)}); it may be restarting, and it is not known whether {call.Name} was done. Call again in a moment.", "unavailable");
        }
    }

    /// <summary>The client gave a call up whose answer may have been sent already: what that held is returned by the next recv.</summary>
    public ValueTask CancelledAsync(JsonRpcNotification notification, CancellationToken ct)
    {
        if (notification.Params?.Deserialize<CancelledNotificationParams>(McpJsonUtilities.DefaultOptions) is { } cancelled)
        {
            lock (gate)
            {
                foreach (var (_, messages) in answered.Where(a => a.Request.Equals(cancelled.RequestId)))
                    held.AddRange(messages.Where(message => unacked.Remove(Id(message))));
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The client has gone: a wait under way ends. What it may have received is given back by <see cref="DisposeAsync"/>.</summary>
    public void Close() => closing.Cancel();

    /// <summary>After what <see cref="Close"/> began has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        await receiving.WaitAsync();
        receiver?.Dispose();
        long[] unseen;
        lock (gate)
            unseen = [.. held.Select(Id)];
        if (unseen.Length > 0)
        {
            try
            {
                // No recv will follow, and the end of the turn must not take these for read.
                await OnLineAsync("mcp", "nack", new JsonObject { ["ids"] = JsonSerializer.SerializeToNode(unseen), ["delay_seconds"] = 0, ["error"] = "the call that received it was cancelled" }, CancellationToken.None);
            }
            catch (Exception e) when (HostDown.Is(e) || e is HiveException)
            {
                log.Warn($"message {string.Join(", ", unseen)} could not be given back: {HostDown.Reason(e)}");
            }
        }

        lines.Dispose();
        closing.Dispose();
    }

    private async Task<List<Tool>> ToolsAsync(string client, CancellationToken ct)
    {
        var listed = (await OnLineAsync(client, "tools", new JsonObject(), ct)).GetProperty("tools");
        var tools = new List<Tool>();
        foreach (var tool in listed.EnumerateArray())
        {
            var name = tool.GetProperty("name").GetString()!;
            tools.Add(new Tool
            {
                Name = name,
                Description = tool.GetProperty("description").GetString() + (name == "recv" ? " " + AboutRecv(client) : ""),
                InputSchema = tool.GetProperty("input_schema").Clone(),
            });
        }

        offered = [.. tools.Select(tool => tool.Name)];
        return tools;
    }

    private string AboutRecv(string client) =>
        (turn is null ? "Calling it again acknowledges what the call before returned." : "What it returns is acknowledged when your turn ends well.")
        + $" {Quote.Rule} A call waits at most {LongestWait(client)} seconds; when nothing came, call again.";

    private async Task<CallToolResult> CommandAsync(string client, string command, JsonObject fields, CancellationToken ct)
    {
        if (command == "ack")
        {
            if (turn is null && fields["all"]?.GetValueKind() == JsonValueKind.True)
            {
                // "All" is a connection's own, and recv has one of its own: name them.
                fields.Remove("all");
                lock (gate)
                    fields["ids"] = JsonSerializer.SerializeToNode(unacked);
                if (fields["ids"]!.AsArray().Count == 0)
                    return Answered(client, new JsonObject { ["acked"] = 0 });
            }

            var acked = await OnLineAsync(client, command, fields, ct);
            lock (gate)
                unacked.ExceptWith(fields["ids"]?.AsArray().Select(id => id!.GetValue<long>()) ?? []);
            return Answered(client, Members(acked));
        }

        if (command is not ("send" or "ask" or "remind"))
            return Answered(client, Members(await OnLineAsync(client, command, fields, ct)));

        // With a key the same call may be made twice, so a connection that breaks under it needs not trouble the model.
        if (!fields.ContainsKey("key"))
            fields["key"] = Guid.NewGuid().ToString("N");
        try
        {
            return Answered(client, Members(await OnLineAsync(client, command, fields, ct)));
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            return Answered(client, Members(await OnLineAsync(client, command, fields, ct)));
        }
    }

    /// <summary>One after another and on a connection of its own, which holds the leases of a client without a turn.</summary>
    private async Task<CallToolResult> ReceiveAsync(string client, RequestId request, JsonObject fields, CancellationToken ct)
    {
        var longest = LongestWait(client);
        var wait = fields["wait_seconds"] switch
        {
            null => Math.Min(Limits.DefaultWaitSeconds, longest),
            JsonValue asked when asked.TryGetValue<double>(out var seconds) => (int)Math.Clamp(seconds, 0, longest),
            _ => throw new HiveException("invalid", "wait_seconds wants a whole number"),
        };
        fields["wait_seconds"] = wait;

        long[] done = [];
        lock (gate)
        {
            // Only what was returned before this call: a second recv at the same time has not seen the first one's answer.
            if (turn is null)
                done = [.. unacked];
        }

        if (done.Length > 0)
        {
            await OnLineAsync(client, "ack", new JsonObject { ["ids"] = JsonSerializer.SerializeToNode(done) }, ct);
            lock (gate)
                unacked.ExceptWith(done);
        }

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(ct, closing.Token);
        await receiving.WaitAsync(giveUp.Token);
        try
        {
            if (TakeHeld(fields) is { Count: > 0 } kept)
                return Returned(client, request, kept, ct);

            if (receiver is { } reused && !await HostLines.IsOpenAsync(reused))
            {
                // The host was restarted since the last call, which this one need not suffer from.
                reused.Dispose();
                receiver = null;
            }

            receiver ??= await lines.ConnectAsync(client, giveUp.Token);
            JsonElement? received;
            try
            {
                received = await receiver.CallUntilAsync("recv", fields, giveUp.Token);
            }
            catch (Exception e) when (e is not HiveException || giveUp.IsCancellationRequested)
            {
                receiver.Dispose();
                receiver = null;
                throw;
            }

            List<JsonObject> messages = received is { } some ? [.. Members(some)["messages"]!.AsArray().Select(message => message!.DeepClone().AsObject())] : [];
            if (giveUp.IsCancellationRequested)
            {
                receiver.Dispose();
                receiver = null;
                // Nobody will see this answer.
                lock (gate)
                    held.AddRange(messages);
                throw new OperationCanceledException(giveUp.Token);
            }

            return messages.Count > 0
                ? Returned(client, request, messages, ct)
                : Answered(client, MessagesOf([]), string.Create(CultureInfo.InvariantCulture, $"(empty) Nothing came within {wait} seconds. Call recv again to go on waiting."));
        }
        finally
        {
            receiving.Release();
        }
    }

    /// <summary>As many of the messages held back as the call wants.</summary>
    private List<JsonObject> TakeHeld(JsonObject fields)
    {
        var most = fields["max"] is JsonValue asked && asked.TryGetValue<double>(out var max) ? (int)Math.Clamp(max, 1, Limits.MaxBatch) : 1;
        lock (gate)
        {
            var taken = held.Take(most).ToList();
            held.RemoveRange(0, taken.Count);
            return taken;
        }
    }

    private CallToolResult Returned(string client, RequestId request, List<JsonObject> messages, CancellationToken ct)
    {
        lock (gate)
        {
            unacked.UnionWith(messages.Select(Id));
            answered.Enqueue((request, messages));
            if (answered.Count > RememberedAnswers)
                answered.Dequeue();
        }

        // The token lives until the answer is on its way; cancelled before that, the answer is for nobody.
        ct.Register(() =>
        {
            lock (gate)
                held.AddRange(messages.Where(message => unacked.Remove(Id(message))));
        });
        return Answered(client, MessagesOf(messages));
    }

    private static JsonObject MessagesOf(List<JsonObject> messages) => new() { ["messages"] = new JsonArray([.. messages.Select(message => message.DeepClone())]) };

    private static long Id(JsonObject message) => message["id"]!.GetValue<long>();

    private async Task<JsonElement> OnLineAsync(string client, string command, JsonObject fields, CancellationToken ct)
    {
        var line = await lines.TakeAsync(client, ct);
        var healthy = false;
        try
        {
            var answer = await line.CallAsync(command, fields, ct);
            healthy = true;
            return answer;
        }
        catch (HiveException e)
        {
            // After a line that was too long the host closes.
            healthy = e.Code != "too_large";
            throw;
        }
        finally
        {
            lines.Release(line, healthy);
        }
    }

    /// <summary>Tells a client that asked for it that the call is alive, so that it does not give up on a long wait.</summary>
    private async Task ReportAsync(RequestContext<CallToolRequestParams> request, CancellationToken ct)
    {
        if (request.Params!.ProgressToken is not { } token)
            return;
        try
        {
            var started = time.GetTimestamp();
            using var ticks = new PeriodicTimer(BetweenProgress, time);
            do
            {
                var seconds = (int)Math.Round(time.GetElapsedTime(started).TotalSeconds);
                await request.Server.NotifyProgressAsync(token, new ProgressNotificationValue { Progress = seconds, Message = $"waiting for {request.Params.Name}, {seconds} s" }, cancellationToken: ct);
            }
            while (await ticks.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException)
        {
            // Answered.
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or McpException)
        {
            log.Warn($"no progress could be reported: {e.Message}");
        }
    }

    /// <summary>Clients give up on a call after a minute unless they are known to wait longer.</summary>
    private static int LongestWait(string client) => client.StartsWith("claude-code/", StringComparison.Ordinal) ? 170 : 50;

    private static bool IsClaudeCode(string client) => client.StartsWith("claude-code", StringComparison.Ordinal);

    private static string Client(McpServer server) => server.ClientInfo is { } client ? WireText.Cut($"{client.Name}/{client.Version}", ClientBytes) : "mcp";

    private static JsonObject Members(JsonElement answer)
    {
        var members = JsonObject.Create(answer)!;
        members.Remove("version");
        members.Remove("ok");
        return members;
    }

    private static CallToolResult Answered(string client, JsonObject answer, string? text = null) =>
        Result(client, text ?? ToolText.Of(answer), JsonSerializer.SerializeToElement(answer), isError: null);

    private static CallToolResult Refused(string client, string text, string code) =>
        Result(client, Quote.IsOneLine(text) ? text : $"The call was refused:\n{Quote.Of(text)}", JsonSerializer.SerializeToElement(new { error = text, code }), isError: true);

    // Claude Code shows the model the structured content alone where there is some, and the marks of others' words are in the text (docs/claude-driver.md).
    private static CallToolResult Result(string client, string text, JsonElement structured, bool? isError) => new()
    {
        IsError = isError,
        Content = [new TextContentBlock { Text = text }],
        StructuredContent = IsClaudeCode(client) ? null : structured,
    };
}
