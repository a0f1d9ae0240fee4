using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using static System.FormattableString;

namespace Hive.Agent.Mcp;

/// <summary>
/// Offers the tools that the host lists for this agent; a call is the host's command of the same name. Only <c>recv</c>
/// and <c>ack</c> are special, since waiting and acknowledging depend on the client.
/// </summary>
internal sealed class McpBridge : IAsyncDisposable
{
    private const int ClientBytes = 200;

    private readonly long? turn;
    private readonly Log log;
    private readonly HostLines lines;
    private readonly ToolCatalog tools;
    private readonly CallProgress progress;

    public McpBridge(string socket, long? turn, Log log, TimeProvider time)
    {
        (this.turn, this.log) = (turn, log);
        var aboutReading = turn is null
            ? "A message counts as read once you ack it or call recv again; until then your next connection gets it "
                + "again."
            : "A message counts as read once you ack it or your turn ends well; until then it comes again.";
        Instructions = turn is null
            ? "You are an agent of a Hive swarm. Call recv to wait for messages and send to reply. "
                + $"{aboutReading} {Quote.Rule}"
            : $"You are an agent of a Hive swarm, in a turn. {aboutReading} {Quote.Rule}";
        lines = new HostLines(socket, turn, time);
        tools = new ToolCatalog(lines, aboutReading, isInTurn: turn is not null);
        progress = new CallProgress(log, time);
        Receiver = new MessageReceiver(lines, log);
    }

    public string Instructions { get; }

    public MessageReceiver Receiver { get; }

    public async ValueTask<ListToolsResult> ListAsync(
        RequestContext<ListToolsRequestParams> request,
        CancellationToken ct
    )
    {
        try
        {
            return new ListToolsResult { Tools = await tools.ListAsync(Client(request.Server), ct) };
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
            var fields = ToolArguments.Read(call.Name, call.Arguments);
            await tools.CheckAsync(client, call.Name, fields, ct);
            return await progress.WhileAsync(
                request,
                () =>
                    call.Name switch
                    {
                        "recv" => ReceiveAsync(client, request.JsonRpcRequest.Id, fields, ct),
                        "ack" => AckAsync(client, fields, ct),
                        _ when tools.TakesKey(call.Name) => KeyedAsync(client, call.Name, fields, ct),
                        _ => CommandAsync(client, call.Name, fields, ct),
                    },
                ct
            );
        }
        catch (HiveException e)
        {
            return Failed(ToolText.OfRefusal(e.Message));
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            log.Warn($"{call.Name}: {HostDown.Reason(e)}");
            return Failed(
                $"The connection to the Hive host was lost ({HostDown.Reason(e)}); it may be restarting, and it is not "
                    + $"known whether {call.Name} was done. Call again in a moment."
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Receiver.DisposeAsync();
        lines.Dispose();
    }

    private async Task<CallToolResult> ReceiveAsync(
        string client,
        RequestId request,
        JsonObject fields,
        CancellationToken ct
    )
    {
        var (longest, otherwise) = (ClientWait.Longest(client), ClientWait.Default(client));
        var wait = ToolArguments.Whole(fields, "wait_seconds", 0, longest, otherwise);
        var max = ToolArguments.Whole(fields, "max", 1, Limits.MaxBatch, 1);
        (fields["wait_seconds"], fields["max"]) = (wait, max);
        var messages = await Receiver.ReceiveAsync(client, request, fields, max, ct);
        return messages.Count == 0
            ? Result(
                Invariant($"(empty) No message came within {wait} seconds. Call recv again to keep waiting."),
                isError: null
            )
            : Answered(new() { ["messages"] = new JsonArray([.. messages.Select(message => message.DeepClone())]) });
    }

    private async Task<CallToolResult> AckAsync(string client, JsonObject fields, CancellationToken ct)
    {
        if (turn is null && fields["all"]?.GetValueKind() == JsonValueKind.True)
        {
            // "All" means all of a connection, and recv has its own connection; so name the messages.
            fields.Remove("all");
            fields["ids"] = JsonSerializer.SerializeToNode(Receiver.Unacked());
            if (fields["ids"]!.AsArray().Count == 0)
                return Answered(new JsonObject { ["acked"] = 0 });
        }

        var answer = await lines.CallAsync(client, "ack", fields, ct);
        Receiver.Acked(fields["ids"]?.AsArray().Select(id => id!.GetValue<long>()).ToHashSet() ?? []);
        return Answered(Members(answer));
    }

    // With a key, a call can be repeated safely when its connection breaks.
    private async Task<CallToolResult> KeyedAsync(
        string client,
        string command,
        JsonObject fields,
        CancellationToken ct
    )
    {
        tools.AddKey(command, fields);
        try
        {
            return await CommandAsync(client, command, fields, ct);
        }
        catch (Exception e) when (HostDown.Is(e))
        {
            return await CommandAsync(client, command, fields, ct);
        }
    }

    private async Task<CallToolResult> CommandAsync(
        string client,
        string command,
        JsonObject fields,
        CancellationToken ct
    ) => Answered(Members(await lines.CallAsync(client, command, fields, ct)));

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

    private static CallToolResult Failed(string text) => Result(text, isError: true);

    // Text only: with structured content, clients show the model that instead, and only the text marks the words of
    // others (docs/adr/0080).
    private static CallToolResult Result(string text, bool? isError) =>
        new() { IsError = isError, Content = [new TextContentBlock { Text = text }] };
}
