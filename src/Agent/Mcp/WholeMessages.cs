using System.Threading.Channels;
using ModelContextProtocol.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>
/// Hands each message to the client whole: the transport writes a message and its newline one after the other, and a
/// cancellation in between would join the next message to it. The receiver keeps the messages of a cancelled call.
/// </summary>
internal sealed class WholeMessages(TransportBase transport, MessageReceiver receiver) : ITransport
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
            receiver.NotAnswered(answer.Id);
            throw new OperationCanceledException(cancellationToken);
        }

        // The transport would drop the answer silently.
        if (!transport.IsConnected)
        {
            receiver.NotAnswered(answer.Id);
            return;
        }

        // From here on, a client that cancels the call may already have shown the answer.
        var messages = receiver.Answering(answer.Id, cancellationToken);
        try
        {
            await transport.SendMessageAsync(message, CancellationToken.None);
        }
        catch (IOException)
        {
            receiver.NotSeen(messages);
            throw;
        }
    }

    public ValueTask DisposeAsync() => transport.DisposeAsync();
}
