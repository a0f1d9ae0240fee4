using System.Threading.Channels;
using ModelContextProtocol.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>
/// Hands each message to the client whole: the transport writes a message and its newline one after the other, and a
/// cancellation between them would glue the next message to it. The bridge keeps what a cancelled call had received.
/// </summary>
internal sealed class WholeMessages(TransportBase transport, McpBridge bridge) : ITransport
{
    public string? SessionId => transport.SessionId;

    public ChannelReader<JsonRpcMessage> MessageReader => transport.MessageReader;

    public async Task SendMessageAsync(JsonRpcMessage message, CancellationToken cancellationToken = default)
    {
        if (message is not JsonRpcResponse answer)
        {
            await transport.SendMessageAsync(message, CancellationToken.None);
            return;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            bridge.NotAnswered(answer.Id);
            throw new OperationCanceledException(cancellationToken);
        }

        // The transport would drop the answer without a word.
        if (!transport.IsConnected)
        {
            bridge.NotAnswered(answer.Id);
            return;
        }

        // A client that gives the call up from here on may have shown the answer already.
        var messages = bridge.Answering(answer.Id, cancellationToken);
        try
        {
            await transport.SendMessageAsync(message, CancellationToken.None);
        }
        catch (IOException)
        {
            bridge.NotSeen(messages);
            throw;
        }
    }

    public ValueTask DisposeAsync() => transport.DisposeAsync();
}
