using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Hive.Tests.Doors;

/// <summary>A client that writes raw bytes and reads lines.</summary>
internal sealed class RawPeer : IDisposable
{
    // Makes a hanging test fail; no test depends on durations.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly NetworkStream stream;
    private readonly StreamReader reader;

    private RawPeer(string path)
    {
        socket.Connect(new UnixDomainSocketEndPoint(path));
        stream = new NetworkStream(socket);
        reader = new StreamReader(stream, Encoding.UTF8);
    }

    public static RawPeer Connect(string path) => new(path);

    public Task Send(string text) => Send(Encoding.UTF8.GetBytes(text));

    public Task Send(byte[] bytes) => stream.WriteAsync(bytes).AsTask().WaitAsync(Hang);

    /// <summary>Shuts down sending; answers can still arrive.</summary>
    public void HalfClose() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>The next answer begins to arrive; it is not read.</summary>
    public Task Answering() => socket.ReceiveAsync(new byte[1], SocketFlags.Peek).WaitAsync(Hang);

    /// <summary>The next answer; null when the host has closed the connection.</summary>
    public async Task<JsonElement?> Answer()
    {
        try
        {
            return await reader.ReadLineAsync().WaitAsync(Hang) is { } line ? JsonElement.Parse(line) : null;
        }
        catch (IOException)
        {
            // The host closed the connection with unread bytes.
            return null;
        }
    }

    /// <summary>The next answer, which must be a refusal.</summary>
    public async Task<string> Refusal()
    {
        var answer = await Answer() ?? throw new EndOfStreamException("closed without an answer");
        Assert.False(answer.GetProperty("ok").GetBoolean());
        Assert.Equal(1, answer.GetProperty("version").GetInt32());
        Assert.NotEqual("", answer.GetProperty("error").GetString());
        return answer.GetProperty("code").GetString()!;
    }

    public async Task<string> Refusal(string line)
    {
        await Send(line + "\n");
        return await Refusal();
    }

    public async Task<JsonElement> Accepted()
    {
        var answer = await Answer() ?? throw new EndOfStreamException("closed without an answer");
        Assert.True(answer.GetProperty("ok").GetBoolean(), answer.ToString());
        return answer;
    }

    public void Dispose()
    {
        Shut(socket);
        reader.Dispose();
        socket.Dispose();
    }

    /// <summary>Ends a connection. Closing is not enough: a program that another test starts at the same time may hold
    /// a copy of the socket for a moment, and answers sent then are lost.</summary>
    public static void Shut(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already closed by the host or the test.
        }
    }
}
