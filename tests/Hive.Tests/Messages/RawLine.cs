using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Doors;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

/// <summary>A connection on which a test controls sending and reading separately, so that it can wait, stop reading,
/// and close one half or both.</summary>
internal sealed class RawLine : IDisposable
{
    private readonly Socket socket;
    private byte[] buffer = new byte[4096];
    private int start;
    private int end;

    private RawLine(Socket socket) => this.socket = socket;

    public static async Task<RawLine> Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return new RawLine(socket);
    }

    /// <summary>Connects once the host has seen the end of enough earlier connections.</summary>
    public static async Task<RawLine> Admitted(string path)
    {
        RawLine? line = null;
        await Patience.Until(IsAdmitted, "the host admits a connection");
        return line!;

        async Task<bool> IsAdmitted()
        {
            line?.Dispose();
            line = await Connect(path);
            try
            {
                return (await line.Call("whoami")).GetProperty("ok").GetBoolean();
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                return false;
            }
        }
    }

    /// <summary>Sends a command and leaves its answer unread.</summary>
    public async Task Send(string command, object? fields = null)
    {
        var members = fields is null ? "" : JsonSerializer.Serialize(fields, WireJson.Options)[1..^1];
        await Write($"{{\"cmd\":\"{command}\"{(members.Length > 0 ? "," : "")}{members}}}\n");
    }

    public async Task Write(string text)
    {
        for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(text); !rest.IsEmpty; )
            rest = rest[await socket.SendAsync(rest, SocketFlags.None)..];
    }

    /// <summary>The next answer, refused or not; null when the host has closed.</summary>
    public async Task<JsonElement?> Read()
    {
        while (true)
        {
            var newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var reader = new Utf8JsonReader(buffer.AsSpan(start, newline));
                start += newline + 1;
                return JsonElement.ParseValue(ref reader);
            }

            if (start > 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }

            if (end == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            var read = await socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None);
            if (read == 0)
                return null;
            end += read;
        }
    }

    /// <summary>Sends a command and reads its answer, refused or not.</summary>
    public async Task<JsonElement> Call(string command, object? fields = null)
    {
        await Send(command, fields);
        return await Read() ?? throw new IOException("the host closed the connection before it answered");
    }

    /// <summary>Closes the sending half. Answers can still be read; the host closes after it has noted this
    /// close.</summary>
    public void Finish() => socket.Shutdown(SocketShutdown.Send);

    public void Dispose()
    {
        RawPeer.Shut(socket);
        socket.Dispose();
    }
}
