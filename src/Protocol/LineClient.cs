using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Hive.Protocol;

/// <summary>
/// One connection to a Hive socket: a JSON object per line out, one answer per line back, in order. Calls may come from
/// several threads; they are sent one after another, so a waiting <c>recv</c> needs a connection of its own.
/// </summary>
public sealed class LineClient : IAsyncDisposable, IDisposable
{
    // How long the host may take to answer a cancelled wait.
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(5);

    private readonly Socket socket;
    private readonly SemaphoreSlim turn = new(1, 1);
    private byte[] buffer = new byte[16 * 1024];
    private int start,
        end;
    private readonly TimeProvider? patience;
    private bool broken;

    private LineClient(Socket socket, TimeProvider? patience) => (this.socket, this.patience) = (socket, patience);

    /// <summary>Opens the socket at <paramref name="path"/>.</summary>
    /// <exception cref="SocketException">Nothing listens there, or the caller may not open the socket.</exception>
    public static Task<LineClient> ConnectAsync(string path, CancellationToken ct = default) =>
        ConnectAsync(path, patience: null, ct);

    /// <summary>As <see cref="ConnectAsync(string, CancellationToken)"/>; a call that is refused with
    /// <c>retry_after</c> is repeated after that time, measured by <paramref name="patience"/>, until it is answered
    /// otherwise.</summary>
    public static async Task<LineClient> ConnectAsync(string path, TimeProvider? patience, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
            return new LineClient(socket, patience);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The number of the user whose process listens at the other end. unix(7): SO_PEERCRED.</summary>
    /// <exception cref="SocketException">The connection has ended.</exception>
    public uint PeerUser()
    {
        // 17 at level SOL_SOCKET (1) gives struct ucred { pid, uid, gid }.
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(1, 17, credentials);
        return BitConverter.ToUInt32(credentials[4..]);
    }

    /// <summary>Sends one command and reads its answer.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="fields">An object whose JSON members are sent beside <c>cmd</c>; null for none.</param>
    /// <param name="ct">Cancelling closes the connection: its answers would no longer match.</param>
    /// <returns>The whole answer, <c>ok</c> being true.</returns>
    /// <exception cref="HiveException">The host refused.</exception>
    /// <exception cref="IOException">The connection ended first.</exception>
    public async Task<JsonElement> CallAsync(string command, object? fields = null, CancellationToken ct = default)
    {
        await turn.WaitAsync(ct);
        try
        {
            ObjectDisposedException.ThrowIf(broken, this);
            while (true)
            {
                await WriteAsync(command, fields, ct);
                var answer =
                    await ReadAsync(ct) ?? throw new IOException("the host closed the connection before it answered");
                if (!await WaitedAsync(answer, ct))
                    return Checked(answer);
            }
        }
        catch (Exception e) when (e is not HiveException)
        {
            broken = true;
            Close();
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>As <see cref="CallAsync(string, object?, CancellationToken)"/>, with the answer read as
    /// <typeparamref name="T"/>.</summary>
    public async Task<T> CallAsync<T>(string command, object? fields = null, CancellationToken ct = default) =>
        (await CallAsync(command, fields, ct)).Deserialize<T>(WireJson.Options)!;

    /// <summary>
    /// As <see cref="CallAsync(string, object?, CancellationToken)"/>, for a command that waits. Cancelling ends the
    /// wait at the host, and an answer that the host sent just before is still read, so that the caller can return its
    /// messages. The connection cannot be used after that.
    /// </summary>
    /// <param name="command">The command's name.</param>
    /// <param name="fields">An object whose JSON members are sent beside <c>cmd</c>; null for none.</param>
    /// <param name="giveUp">Cancels the wait.</param>
    /// <returns>The whole answer; null when the wait was cancelled without one.</returns>
    /// <exception cref="HiveException">The host refused.</exception>
    /// <exception cref="IOException">The connection ended first.</exception>
    public async Task<JsonElement?> CallUntilAsync(string command, object? fields, CancellationToken giveUp)
    {
        await turn.WaitAsync(giveUp);
        try
        {
            ObjectDisposedException.ThrowIf(broken, this);
            using var lastWord = new CancellationTokenSource();
            await using var givenUp = giveUp.Register(() =>
            {
                broken = true;
                try
                {
                    // The host sees the end of input, stops waiting and answers; the other direction stays open for
                    // that answer.
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (SocketException)
                {
                    // The host has closed already; the read below reports it.
                }

                lastWord.CancelAfter(LastWord);
            });
            while (true)
            {
                await WriteAsync(command, fields, CancellationToken.None);
                if (await ReadAsync(lastWord.Token) is not { } answer)
                    return broken ? null : throw new IOException("the host closed the connection before it answered");
                if (!await WaitedAsync(answer, giveUp))
                    return Checked(answer);
            }
        }
        catch (Exception e) when (e is not HiveException)
        {
            broken = true;
            Close();
            if (giveUp.IsCancellationRequested)
                return null;
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Sends one command whose answer is followed by further lines until either side closes.</summary>
    public async IAsyncEnumerable<JsonElement> StreamAsync(
        string command,
        object? fields = null,
        [EnumeratorCancellation] CancellationToken ct = default
    )
    {
        await WriteAsync(command, fields, ct);
        while (await ReadAsync(ct) is { } line)
            yield return Checked(line);
    }

    /// <summary>Completes when the host has closed its end; only for a connection without a call in progress.</summary>
    public async Task ClosedAsync(CancellationToken ct = default)
    {
        try
        {
            while (await ReadAsync(ct) is not null) { }
        }
        catch (SocketException)
        {
            // A reset counts as a close.
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public void Dispose() => Close();

    private static JsonElement Checked(JsonElement answer) =>
        answer.GetProperty("ok").GetBoolean()
            ? answer
            : throw new HiveException(
                answer.GetProperty("code").GetString()!,
                answer.GetProperty("error").GetString()!,
                RetryAfter(answer)
            );

    private static double? RetryAfter(JsonElement answer) =>
        answer.TryGetProperty("retry_after", out var after) ? after.GetDouble() : null;

    // True after the wait that the host asked for.
    private async Task<bool> WaitedAsync(JsonElement answer, CancellationToken ct)
    {
        if (patience is null || RetryAfter(answer) is not { } after)
            return false;
        await Task.Delay(TimeSpan.FromSeconds(after), patience, ct);
        return true;
    }

    private async Task WriteAsync(string command, object? fields, CancellationToken ct)
    {
        var line = new ArrayBufferWriter<byte>(512);
        // The usual encoder would make six bytes of each quote and each letter that is not ASCII.
        using (var json = new Utf8JsonWriter(line, new JsonWriterOptions { Encoder = WireJson.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("cmd"u8, command);
            if (fields is not null)
            {
                foreach (var member in JsonSerializer.SerializeToElement(fields, WireJson.Options).EnumerateObject())
                    member.WriteTo(json);
            }

            json.WriteEndObject();
        }

        line.Write("\n"u8);
        for (var rest = line.WrittenMemory; !rest.IsEmpty; )
            rest = rest[await socket.SendAsync(rest, SocketFlags.None, ct)..];
    }

    private async Task<JsonElement?> ReadAsync(CancellationToken ct)
    {
        var looked = start;
        while (true)
        {
            var newline = buffer.AsSpan(looked, end - looked).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var line = buffer.AsMemory(start, looked + newline - start);
                start = looked + newline + 1;
                var reader = new Utf8JsonReader(line.Span);
                return JsonElement.ParseValue(ref reader);
            }

            if (start > 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }

            looked = end;
            if (end == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            var read = await socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, ct);
            if (read == 0)
                return null;
            end += read;
        }
    }

    // Closing alone tells the host only when no other process holds the socket, and a child that is just starting may
    // hold it for a moment: the host would not notice that its next answer is lost.
    private void Close()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection was closed already.
        }

        socket.Dispose();
    }
}
