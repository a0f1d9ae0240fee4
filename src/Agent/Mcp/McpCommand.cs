using System.CommandLine;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Hive.Agent.Mcp;

/// <summary><c>hive-agent mcp</c>: the agent's tools for an MCP client, over standard input and output.</summary>
internal static class McpCommand
{
    public static Command Create()
    {
        var socket = AgentSocket.Option();
        var turn = new Option<long?>("--turn")
        {
            Description =
                "The turn in which the client runs; messages are acknowledged when it ends well. Default: $HIVE_TURN.",
            HelpName = "NUMBER",
        };
        var command = new Command("mcp", "Offer the agent's tools to an MCP client over stdin and stdout.")
        {
            socket,
            turn,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(socket)!, parsed.GetValue(turn)));
        return command;
    }

    private static async Task<int> RunAsync(string socket, long? turn)
    {
        // Standard output carries only the protocol.
        var log = new Log(Console.Error, TimeProvider.System);
        if (turn is null && Environment.GetEnvironmentVariable("HIVE_TURN") is { Length: > 0 } text)
        {
            if (!long.TryParse(text, out var number))
            {
                log.Error($"HIVE_TURN is `{text}`; it must be the number of a turn");
                return 2;
            }

            turn = number;
        }

        using var signal = new StopSignal();
        await using var bridge = new McpBridge(Path.GetFullPath(socket), turn, log, TimeProvider.System);
        using var onStop = signal.Token.Register(bridge.Receiver.Close);
        await ServeAsync(bridge, Console.OpenStandardInput(), Console.OpenStandardOutput(), signal.Token);
        return 0;
    }

    /// <summary>Serves one client until it closes its end or <paramref name="stop"/> is cancelled.</summary>
    internal static async Task ServeAsync(McpBridge bridge, Stream input, Stream output, CancellationToken stop)
    {
        var stdio = new StreamServerTransport(new ClientInput(input, bridge.Receiver.Close), output, "hive");
        var transport = new WholeMessages(stdio, bridge.Receiver);
        await using var server = McpServer.Create(transport, Options(bridge));
        try
        {
            await server.RunAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    // The SDK answers unreadable arguments with a protocol error without a reason; a model reads only a tool's error.
    private static McpMessageHandler ReadableArguments(McpMessageHandler next) =>
        (context, ct) =>
        {
            if (
                context.JsonRpcMessage is JsonRpcRequest { Method: RequestMethods.ToolsCall, Params: JsonObject call }
                && call["arguments"] is { } given
                && FaultOf(given) is { } fault
            )
            {
                call["arguments"] = new JsonObject { [ToolArguments.Unreadable] = fault };
            }

            return next(context, ct);
        };

    private static string? FaultOf(JsonNode arguments)
    {
        if (arguments is not JsonObject)
            return "are not a JSON object; give an object with its fields";
        try
        {
            arguments.ToJsonString();
            return null;
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json does not write unpaired surrogates.
            return "contain an unpaired surrogate; send valid UTF-8 text";
        }
    }

    internal static McpServerOptions Options(McpBridge bridge) =>
        new()
        {
            ServerInfo = new Implementation { Name = "hive", Version = AgentVersion.Text },
            Capabilities = new ServerCapabilities { Tools = new ToolsCapability() },
            ServerInstructions = bridge.Instructions,
            Filters = new McpServerFilters { Message = { IncomingFilters = { ReadableArguments } } },
            Handlers = new McpServerHandlers
            {
                ListToolsHandler = bridge.ListAsync,
                CallToolHandler = bridge.CallAsync,
            },
        };
}
