using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using static System.FormattableString;

namespace Hive.Agent.Mcp;

/// <summary>
/// Offers what the host's <c>tools</c> lists for this agent, and nothing else; a call is the command of the same name.
/// It holds no
/// knowledge of any tool but <c>recv</c>, whose waiting and acknowledging depend on the client, and <c>ack</c>, which
/// belongs to it.
/// </summary>
internal sealed class McpBridge(string socket, long? turn, Log log, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(15);

    /// <summary>The field that says why a call's arguments could not be read, in place of all others.</summary>
    internal const string Unreadable = "(arguments)";

    // The rest of a line is the command's name and what the bridge adds.
    private const int ClientBytes = 200,
        ShownBytes = 100,
        MostBytes = Limits.LineBytes - 1024;

    private readonly HostLines lines = new(socket, turn, time);
    private readonly SemaphoreSlim receiving = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private readonly Lock gate = new();

    // What recv returned and nobody has acknowledged; a client without a turn says that it is done by asking for more.
    private readonly HashSet<long> unacked = [];

    // What was received for calls that were given up, still leased: the next recv returns it.
    private readonly List<JsonObject> held = [];

    // What recv received for calls whose answers have not gone out yet.
    private readonly Dictionary<RequestId, List<JsonObject>> pending = [];
    private LineClient? receiver;
    private bool hasAskedForClosed;
    private Dictionary<string, string[]> offered = [];

    public string Instructions =>
        turn is null
            ? $"You are an agent of a Hive swarm. Call recv to wait for messages and send to reply. {WhenRead} {Quote.Rule}"
            : $"You are an agent of a Hive swarm, in a turn. {WhenRead} {Quote.Rule}";

    private string WhenRead =>
        turn is null
            ? "A message counts as read once you ack it or call recv again; until then your next connection gets it again."
            : "A message counts as read once you ack it or your turn ends well; until then it comes again.";

    public async ValueTask<ListToolsResult> ListAsync(
        RequestContext<ListToolsRequestParams> request,
        CancellationToken ct
    )
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

    public async ValueTask<CallToolResult> CallAsync(
        RequestContext<CallToolRequestParams> request,
        CancellationToken ct
    )
    {
        var call = request.Params!;
        var client = Client(request.Server);
        try
        {
            var fields = FieldsOf(call.Arguments ?? new Dictionary<string, JsonElement>());
            if (fields[Unreadable] is { } fault)
                throw new HiveException("invalid", $"the arguments of {call.Name} {fault}");
            // The host may have been replaced by a newer one since the tools were listed.
            if (!offered.TryGetValue(call.Name, out var known) || fields.Any(field => !known.Contains(field.Key)))
                await ToolsAsync(client, ct);
            MustTake(call.Name, fields);

            using var progress = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var reporting = ReportAsync(request, progress.Token);
            try
            {
                return await (
                    call.Name == "recv"
                        ? ReceiveAsync(client, request.JsonRpcRequest.Id, fields, ct)
                        : CommandAsync(client, call.Name, fields, ct)
                );
            }
            finally
            {
                await progress.CancelAsync();
                await reporting;
            }
        }
        catch (HiveException e)
        {
            return Refused(e.Message);
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            log.Warn($"{call.Name}: {HostDown.Reason(e)}");
            return Refused(
                $"The connection to the Hive host was lost ({HostDown.Reason(e)}); it may be restarting, and it is not "
                    + $"known whether {call.Name} was done. Call again in a moment."
            );
        }
    }

    /// <summary>A call's answer goes out now: its messages are given, also when the call is cancelled later.</summary>
    /// <exception cref="OperationCanceledException">The call was given up, and what it received is held.</exception>
    public IReadOnlyList<JsonObject> Answering(RequestId request, CancellationToken givenUp)
    {
        lock (gate)
        {
            if (pending.Remove(request, out var messages))
            {
                unacked.UnionWith(messages.Select(Id));
                return messages;
            }
        }

        // Either it received nothing, or the cancelling took that back.
        givenUp.ThrowIfCancellationRequested();
        return [];
    }

    /// <summary>A call was given up before its answer went out: the next recv returns what that held.</summary>
    public void NotAnswered(RequestId request)
    {
        lock (gate)
        {
            if (pending.Remove(request, out var messages))
                held.AddRange(messages);
        }
    }

    /// <summary>An answer could not be handed to the client, which has gone.</summary>
    public void NotSeen(IReadOnlyList<JsonObject> messages)
    {
        lock (gate)
            held.AddRange(messages.Where(message => unacked.Remove(Id(message))));
    }

    /// <summary>The client has gone: a wait under way ends. What it may have received is given back by
    /// <see cref="DisposeAsync"/>.</summary>
    public void Close() => closing.Cancel();

    /// <summary>After what <see cref="Close"/> began has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Close();
        await receiving.WaitAsync();
        lock (gate)
        {
            held.AddRange(pending.Values.SelectMany(messages => messages));
            pending.Clear();
        }

        // No recv will follow, and the end of the turn must not take these for read.
        await GiveBackAsync("mcp");
        receiver?.Dispose();
        lines.Dispose();
        closing.Dispose();
    }

    // Before their connection closes, where that can be: what it held is given to whoever comes next.
    private async Task GiveBackAsync(string client)
    {
        var unseen = TakeHeld(int.MaxValue);
        if (unseen.Count == 0)
            return;
        var ids = unseen.Select(Id).ToArray();
        try
        {
            var nack = new JsonObject
            {
                ["ids"] = JsonSerializer.SerializeToNode(ids),
                ["delay_seconds"] = 0,
                ["unseen"] = true,
            };
            await OnLineAsync(client, "nack", nack, CancellationToken.None);
        }
        catch (Exception e) when (HostDown.Is(e) || e is HiveException)
        {
            log.Warn($"message {string.Join(", ", ids)} could not be given back: {HostDown.Reason(e)}");
            lock (gate)
                held.InsertRange(0, unseen);
        }
    }

    private async Task CloseReceiverAsync(string client)
    {
        // A turn's messages belong to the turn, and no other session gets them.
        if (turn is null)
            await GiveBackAsync(client);
        receiver!.Dispose();
        receiver = null;
    }

    private async Task<List<Tool>> ToolsAsync(string client, CancellationToken ct)
    {
        var listed = (await OnLineAsync(client, "tools", new JsonObject(), ct)).GetProperty("tools");
        var tools = new List<Tool>();
        var arguments = new Dictionary<string, string[]>();
        foreach (var tool in listed.EnumerateArray())
        {
            var name = tool.GetProperty("name").GetString()!;
            var schema = InputSchema(name, client, JsonObject.Create(tool.GetProperty("input_schema"))!);
            arguments[name] = [.. schema["properties"]?.AsObject().Select(property => property.Key) ?? []];
            tools.Add(
                new Tool
                {
                    Name = name,
                    Description =
                        tool.GetProperty("description").GetString() + (name == "recv" ? " " + AboutRecv(client) : ""),
                    InputSchema = JsonSerializer.SerializeToElement(schema),
                    Annotations = AnnotationsOf(tool),
                }
            );
        }

        offered = arguments;
        return tools;
    }

    // The schema says what this bridge allows, which is less than the socket does.
    private static JsonObject InputSchema(string tool, string client, JsonObject schema)
    {
        schema["additionalProperties"] = false;
        if (tool != "recv" || schema["properties"] is not JsonObject properties)
            return schema;
        var longest = LongestWait(client);
        properties["wait_seconds"] = new JsonObject
        {
            ["type"] = "integer",
            ["minimum"] = 0,
            ["maximum"] = longest,
            ["description"] = Invariant(
                $"How many seconds to wait: 0 looks and returns, {DefaultWait(client)} if omitted, {longest} at most."
            ),
        };
        if (properties["max"] is JsonObject max)
            (max["minimum"], max["maximum"]) = (1, Limits.MaxBatch);
        return schema;
    }

    private static ToolAnnotations? AnnotationsOf(JsonElement tool) =>
        tool.TryGetProperty("annotations", out var hints)
            ? new ToolAnnotations
            {
                ReadOnlyHint = hints.GetProperty("read_only_hint").GetBoolean(),
                DestructiveHint = hints.GetProperty("destructive_hint").GetBoolean(),
                IdempotentHint = hints.GetProperty("idempotent_hint").GetBoolean(),
                OpenWorldHint = hints.GetProperty("open_world_hint").GetBoolean(),
            }
            : null;

    private string AboutRecv(string client) =>
        $"{WhenRead} {Quote.Rule} A call waits at most {LongestWait(client)} seconds; when nothing came, call again.";

    private static JsonObject FieldsOf(IEnumerable<KeyValuePair<string, JsonElement>> arguments)
    {
        var fields = new JsonObject();
        foreach (var (name, value) in arguments)
            fields[name] = JsonNode.Parse(value.GetRawText());
        var bytes = Encoding.UTF8.GetByteCount(fields.ToJsonString(WireJson.Options));
        return bytes <= MostBytes
            ? fields
            : throw new HiveException(
                "too_large",
                $"the arguments have {bytes} bytes, at most {MostBytes} fit; write a file and send it with file_path"
            );
    }

    // The socket passes over fields that it does not know; a model that misspelled one would not hear of it.
    private void MustTake(string tool, JsonObject fields)
    {
        if (!offered.TryGetValue(tool, out var known))
        {
            throw new HiveException(
                "not_found",
                $"there is no tool {Shown(tool)}{Meant(tool, offered.Keys)}; "
                    + $"there are: {string.Join(", ", offered.Keys)}"
            );
        }

        foreach (var (name, _) in fields)
        {
            if (known.Contains(name))
                continue;
            throw new HiveException(
                "invalid",
                $"{tool} has no argument '{Shown(name)}'{Meant(name, known)}; "
                    + (known.Length == 0 ? "it takes none" : $"it takes: {string.Join(", ", known)}")
            );
        }
    }

    // A model's own words, of which the beginning tells it enough.
    private static string Shown(string given) => WireText.Cut(given, ShownBytes);

    private static string Meant(string given, IEnumerable<string> names) =>
        NearNames.Of(given, names) is { Length: > 0 } near ? $" (did you mean {string.Join(" or ", near)}?)" : "";

    // More than the limit means the limit, as on the socket; a number that means nothing is a mistake.
    private static int WholeNumber(JsonObject fields, string name, int least, int most, int otherwise) =>
        fields[name] switch
        {
            null => otherwise,
            JsonValue given
                when given.TryGetValue<double>(out var number)
                    && number >= least
                    && Math.Floor(number).Equals(number) => (int)Math.Min(number, most),
            var given => throw new HiveException(
                "invalid",
                $"'{name}' is {Shown(given.ToJsonString())}; give a whole number from {least} to {most}"
            ),
        };

    private async Task<CallToolResult> CommandAsync(
        string client,
        string command,
        JsonObject fields,
        CancellationToken ct
    )
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
                    return Answered(new JsonObject { ["acked"] = 0 });
            }

            var acked = await OnLineAsync(client, command, fields, ct);
            var ids = fields["ids"]?.AsArray().Select(id => id!.GetValue<long>()).ToHashSet() ?? [];
            lock (gate)
            {
                unacked.ExceptWith(ids);
                held.RemoveAll(message => ids.Contains(Id(message)));
            }

            return Answered(Members(acked));
        }

        if (command is not ("send" or "ask" or "remind"))
            return Answered(Members(await OnLineAsync(client, command, fields, ct)));

        // With a key the same call may be made twice, so a connection that breaks under it needs not trouble the model.
        if (!fields.ContainsKey("key"))
            fields["key"] = Guid.NewGuid().ToString("N");
        try
        {
            return Answered(Members(await OnLineAsync(client, command, fields, ct)));
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            return Answered(Members(await OnLineAsync(client, command, fields, ct)));
        }
    }

    /// <summary>One after another and on a connection of its own, which holds the leases of a client without a
    /// turn.</summary>
    private async Task<CallToolResult> ReceiveAsync(
        string client,
        RequestId request,
        JsonObject fields,
        CancellationToken ct
    )
    {
        var wait = WholeNumber(fields, "wait_seconds", 0, LongestWait(client), DefaultWait(client));
        var max = WholeNumber(fields, "max", 1, Limits.MaxBatch, 1);
        (fields["wait_seconds"], fields["max"]) = (wait, max);

        long[] done = [];
        lock (gate)
        {
            // Only what was returned before this call: a second recv at the same time has not seen the first one's
            // answer.
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
            if (TakeHeld(max) is { Count: > 0 } kept)
                return Returned(request, kept, ct);

            if (receiver is { } reused && !await HostLines.IsOpenAsync(reused))
            {
                // The host was restarted since the last call, which this one need not suffer from.
                reused.Dispose();
                receiver = null;
            }

            await AskForClosedAsync(client, giveUp.Token);
            receiver ??= await lines.ConnectAsync(client, giveUp.Token);
            JsonElement? received;
            try
            {
                received = await receiver.CallUntilAsync("recv", fields, giveUp.Token);
            }
            catch (Exception e) when (e is not HiveException || giveUp.IsCancellationRequested)
            {
                await CloseReceiverAsync(client);
                throw;
            }

            List<JsonObject> messages = received is { } some
                ? [.. Members(some)["messages"]!.AsArray().Select(message => message!.DeepClone().AsObject())]
                : [];
            if (giveUp.IsCancellationRequested)
            {
                // Nobody will see this answer.
                lock (gate)
                    held.AddRange(messages);
                await CloseReceiverAsync(client);
                throw new OperationCanceledException(giveUp.Token);
            }

            return messages.Count > 0 ? Returned(request, messages, ct) : Result(NothingWithin(wait), isError: null);
        }
        finally
        {
            receiving.Release();
        }
    }

    /// <summary>As many of the messages held back as the call wants.</summary>
    private List<JsonObject> TakeHeld(int most)
    {
        lock (gate)
        {
            var taken = held.Take(most).ToList();
            held.RemoveRange(0, taken.Count);
            return taken;
        }
    }

    // A client that comes back gets at once what it had not acknowledged. In a turn the harness sees to that.
    private async Task AskForClosedAsync(string client, CancellationToken ct)
    {
        if (turn is not null || hasAskedForClosed)
            return;
        try
        {
            await OnLineAsync(client, "requeue_closed", new JsonObject(), ct);
        }
        catch (HiveException e) when (e.Code == "unknown_command")
        {
            log.Warn(
                "the host is older than this hive-agent: what an earlier session left unread comes again after a while"
            );
        }

        hasAskedForClosed = true;
    }

    private static string NothingWithin(int seconds) =>
        Invariant($"(empty) Nothing came within {seconds} seconds. Call recv again to go on waiting.");

    private CallToolResult Returned(RequestId request, List<JsonObject> messages, CancellationToken ct)
    {
        lock (gate)
        {
            if (!pending.TryAdd(request, messages))
                pending[request].AddRange(messages);
        }

        // The server drops the answer of a cancelled call before it comes to the transport.
        _ = ct.Register(() => NotAnswered(request));
        return Answered(MessagesOf(messages));
    }

    private static JsonObject MessagesOf(List<JsonObject> messages) =>
        new() { ["messages"] = new JsonArray([.. messages.Select(message => message.DeepClone())]) };

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

    /// <summary>Tells a client that asked for it that the call is alive, so that it does not give up on a long
    /// wait.</summary>
    private async Task ReportAsync(RequestContext<CallToolRequestParams> request, CancellationToken ended)
    {
        if (request.Params!.ProgressToken is not { } token)
            return;
        var started = time.GetTimestamp();
        using var ticks = new PeriodicTimer(BetweenProgress, time);
        try
        {
            while (await ticks.WaitForNextTickAsync(ended))
            {
                var seconds = (int)Math.Round(time.GetElapsedTime(started).TotalSeconds);
                var message = $"waiting for {request.Params.Name}, {seconds} s";
                var value = new ProgressNotificationValue { Progress = seconds, Message = message };
                // To its end, also when the call is answered in the meantime: half a line would spoil the answer.
                await request.Server.NotifyProgressAsync(token, value, cancellationToken: CancellationToken.None);
            }
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
    private static int LongestWait(string client) =>
        client.StartsWith("claude-code/", StringComparison.Ordinal) ? 170 : 50;

    private static int DefaultWait(string client) => Math.Min(Limits.DefaultWaitSeconds, LongestWait(client));

    private static string Client(McpServer server) =>
        server.ClientInfo is { } client ? WireText.Cut($"{client.Name}/{client.Version}", ClientBytes) : "mcp";

    private static JsonObject Members(JsonElement answer)
    {
        var members = JsonObject.Create(answer)!;
        members.Remove("version");
        members.Remove("ok");
        return members;
    }

    private static CallToolResult Answered(JsonObject answer) => Result(ToolText.Of(answer), isError: null);

    private static CallToolResult Refused(string text) =>
        Result(Quote.IsOneLine(text) ? text : $"The call was refused:\n{Quote.Of(text)}", isError: true);

    // Clients show the model structured content instead of the text where there is both, and only the text marks
    // others' words (docs/adr/0080).
    private static CallToolResult Result(string text, bool? isError) =>
        new() { IsError = isError, Content = [new TextContentBlock { Text = text }] };
}
