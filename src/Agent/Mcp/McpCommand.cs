using System.CommandLine;
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
            Description = "The turn that this is a part of: what is received is acknowledged when it ends well. Default: $HIVE_TURN, else none.",
            HelpName = "NUMBER",
        };
        var command = new Command("mcp", "Offer the agent's tools to an MCP client over stdin and stdout.") { socket, turn };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(socket)!, parsed.GetValue(turn)));
        return command;
    }

    private static async Task<int> RunAsync(string socket, long? turn)
    {
        // Standard output carries the protocol and nothing else.
        var log = new Log(Console.Error, TimeProvider.System);
        if (turn is null && Environment.GetEnvironmentVariable("HIVE_TURN") is { Length: > 0 } text)
        {
            if (!long.TryParse(text, out var number))
            {
                log.Error($"HIVE_TURN is `{text}`, not the number of a turn");
                return 2;
            }

            turn = number;
        }

        using var signal = new StopSignal();
        await using var bridge = new McpBridge(Path.GetFullPath(socket), turn, log, TimeProvider.System);
        using var told = signal.Token.Register(bridge.Close);
        var transport = new StreamServerTransport(new ClientInput(Console.OpenStandardInput(), bridge.Close), Console.OpenStandardOutput(), "hive");
        await using var server = McpServer.Create(transport, Options(bridge));
        try
        {
            await server.RunAsync(signal.Token);
        }
        catch (OperationCanceledException) when (signal.Token.IsCancellationRequested)
        {
            // Told to stop.
        }

        return 0;
    }

    private static McpServerOptions Options(McpBridge bridge) => new()
    {
        ServerInfo = new Implementation { Name = "hive", Version = AgentVersion.Text },
        Capabilities = new ServerCapabilities { Tools = new ToolsCapability() },
        ServerInstructions = bridge.Instructions,
        Handlers = new McpServerHandlers { ListToolsHandler = bridge.ListAsync, CallToolHandler = bridge.CallAsync, NotificationHandlers = [KeyValuePair.Create<string, Func<JsonRpcNotification, CancellationToken, ValueTask>>(NotificationMethods.CancelledNotification, bridge.CancelledAsync)] },
    };
}
