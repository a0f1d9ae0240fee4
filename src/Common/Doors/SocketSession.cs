using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Doors;

/// <summary>Serves one connection: reads a line, answers it, and so on in order.</summary>
internal sealed partial class SocketSession(Socket socket, Caller caller, SocketDoor door)
{
    // How long a peer may stop in the middle of a line, or leave an answer unread.
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);

    // Requests answered without a wait in between. After that the session continues on the pool, because its thread
    // may serve all sockets (docs/adr/0023).
    private const int MostInARow = 32;

    private ArrayBufferWriter<byte> answer = new(512);
    private byte[] buffer = new byte[2048];
    private int start;
    private int end;
    private int looked;
    private int inARow;
    private bool ended;
    private Task<int>? reading;

    public static async Task Refuse(Socket socket, ErrorCode code, string message)
    {
        var line = new ArrayBufferWriter<byte>(256);
        WriteError(line, code, message);
        try
        {
            await socket.SendAsync(line.WrittenMemory, SocketFlags.None);
        }
        catch (SocketException)
        {
            // The peer disconnected without waiting for the reason.
        }
    }

    public async Task Run()
    {
        while (true)
        {
            while (NextLine() is { } line)
            {
                if (line.Length > Limits.LineBytes)
                {
                    await SendLineTooLong();
                    return;
                }

                if (++inARow > MostInARow || door.ThreadTime.IsUsedUp)
                {
                    inARow = 0;
                    await door.ThreadTime.Next();
                }

                var begun = Stopwatch.GetTimestamp();
                var answering = Answer(line);
                door.ThreadTime.Used(begun);
                if (!await answering)
                    return;
            }

            if (ended)
                return;
            // A line of exactly the limit may still end in a carriage return and a newline.
            if (
                end - start > Limits.LineBytes
                && !(end - start == Limits.LineBytes + 1 && buffer[end - 1] == (byte)'\r')
            )
            {
                await SendLineTooLong();
                return;
            }

            if (!await ReadMore())
            {
                await Send(
                    ErrorCode.Invalid,
                    $"the line stopped for {Stall.TotalSeconds:0} s before its end; end each request with a newline"
                );
                return;
            }
        }
    }

    private Task<bool> SendLineTooLong()
    {
        door.Share?.Add(0, end - start);
        return Send(
            ErrorCode.TooLarge,
            $"the line is over {Limits.LineBytes} bytes; put the content in a file and send its path. "
                + "The connection closes"
        );
    }

    private ReadOnlyMemory<byte>? NextLine()
    {
        var newline = buffer.AsSpan(looked, end - looked).IndexOf((byte)'\n');
        if (newline < 0)
        {
            looked = end;
            return null;
        }

        var line = buffer.AsMemory(start, looked + newline - start);
        start = looked = looked + newline + 1;
        if (line.Length > 0 && line.Span[^1] == (byte)'\r')
            line = line[..^1];
        return line;
    }

    // False when the peer stopped in the middle of a line for too long.
    private async Task<bool> ReadMore()
    {
        var pending = reading ?? Receive();
        reading = null;
        if (!pending.IsCompleted)
            inARow = 0;
        // A peer may be silent between requests without limit, but not in the middle of one.
        if (end > start && !pending.IsCompleted)
        {
            using var stalled = new CancellationTokenSource(Stall, door.Context.Clock);
            try
            {
                await pending.WaitAsync(stalled.Token);
            }
            catch (OperationCanceledException) when (stalled.IsCancellationRequested)
            {
                _ = pending.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
                return false;
            }
        }

        Took(await pending);
        return true;
    }

    private void Took(int read)
    {
        if (read == 0)
            ended = true;
        end += read;
    }

    private Task<int> Receive()
    {
        if (start == end)
        {
            start = end = looked = 0;
        }
        else if (start > 0 && end == buffer.Length)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (end, looked, start) = (end - start, looked - start, 0);
        }

        if (end == buffer.Length)
            Array.Resize(ref buffer, Math.Min(buffer.Length * 4, Limits.LineBytes + 2));
        return socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None).AsTask();
    }

    private async Task<bool> Answer(ReadOnlyMemory<byte> line)
    {
        if (door.Share is not { } share)
            return await Run(line, null, null);
        // Which command it is decides how it waits; a line that is not a command waits like any other.
        Command? command = null;
        Problem? fault = null;
        try
        {
            command = Find(line.Span);
        }
        catch (Problem e)
        {
            fault = e;
        }

        var isOneOfFew = command is { IsShort: false, Waits: false } && command.Doors.HasFlag(Doors.Agent);
        if (await Enter(share, line.Length, command is { IsShort: true }, isOneOfFew) is { } refusal)
            return await Send(refusal.Code, refusal.Message, refusal.RetryAfter);
        try
        {
            return await Run(line, command, fault);
        }
        finally
        {
            if (isOneOfFew)
                share.AtOnce.Release();
        }
    }

    // Waits until the share has room, and for those that run. The peer is not read on in the meantime, so that its own
    // sends wait too. A refusal waits as well: answered at once, refusals could be asked for without a limit.
    private async ValueTask<Problem?> Enter(Share share, int bytes, bool isShort, bool isOneOfFew)
    {
        var (pause, waited) = (share.Take(bytes, isShort), TimeSpan.Zero);
        while (true)
        {
            if (pause.Wait > TimeSpan.Zero)
            {
                inARow = 0;
                await Task.Delay(pause.Wait, door.Context.Clock);
                waited += pause.Wait;
            }

            if (pause.Refusal is not null || !isOneOfFew)
                return pause.Refusal;
            await share.AtOnce.WaitAsync();
            pause = share.Again(waited);
            if (pause == default)
                return null;
            share.AtOnce.Release();
        }
    }

    private async Task<bool> Run(ReadOnlyMemory<byte> line, Command? found, Problem? fault)
    {
        object? result = null;
        var command = found;
        try
        {
            if (fault is not null)
                throw fault;
            command ??= Find(line.Span);
            if (command.Duties != Duty.None && !command.IsFor(DutyNow()))
            {
                door.NoteForbidden(command.Name);
                throw Unknown(command.Name, command);
            }

            // Commands that every agent has are quick and run on this thread, which may serve all sockets
            // (docs/adr/0023). Commands of the manager and the operator may start programs and read logs.
            if (!command.Doors.HasFlag(Doors.Agent))
                await Task.Yield();
            // A peer that has shut down its sending side may still read, so only waiting requests end with it.
            var running = command.Run(
                line.Span,
                caller,
                door.Context.Mediator,
                command.Waits ? caller.Connection!.Gone : CancellationToken.None
            );
            if (command.Waits && !running.IsCompleted)
                await WatchPeerWhile(running);
            result = await running;
        }
        catch (Problem problem)
        {
            if (problem.Code == ErrorCode.Forbidden)
                door.NoteForbidden(command!.Name);
            return await Send(problem.Code, problem.Message, problem.RetryAfter);
        }
        catch (OperationCanceledException) when (caller.Connection!.Gone.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (e is not SocketException)
        {
            LogUnknown(door.Context.Log, command?.Name ?? "a request", caller.Name, caller.Connection!.Id, e);
            return await Send(ErrorCode.Internal, "internal error; see the host log");
        }

        if (result is ICountsMessages { Messages: > 1 and var messages } && door.Share is { } share)
        {
            share.Add(messages, 0);
            if (command.Waits)
                return await SendAsOneOfFew(share, result);
        }

        return result is IAsyncEnumerable<object> lines ? await SendAll(lines, command.Name) : await Send(result);
    }

    // A command that waits runs beside the few. Its answer with several messages is as large as theirs, and kept until
    // the peer has read it.
    private async Task<bool> SendAsOneOfFew(Share share, object result)
    {
        await share.AtOnce.WaitAsync();
        try
        {
            return await Send(result);
        }
        finally
        {
            share.AtOnce.Release();
        }
    }

    private Command Find(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw Problem.Invalid("the request must be a JSON object on one line, such as {\"cmd\":\"whoami\"}");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isCommand = reader.ValueTextEquals("cmd"u8);
                reader.Read();
                if (!isCommand)
                {
                    reader.Skip();
                    continue;
                }

                if (reader.TokenType != JsonTokenType.String)
                    throw Problem.Invalid("'cmd' must be a string");
                return door.Commands.Find(reader.ValueSpan) ?? throw Unknown(ref reader);
            }
        }
        catch (JsonException e)
        {
            throw Problem.Invalid($"invalid JSON: unexpected text at byte {e.BytePositionInLine ?? 0}", e);
        }
        catch (InvalidOperationException e)
        {
            // System.Text.Json reports an unpaired surrogate in the name of a field like this.
            throw DoorJson.NotUtf8(e);
        }

        throw Problem.Invalid("'cmd' is missing");
    }

    private Duty DutyNow() => door.Context.Duties.Of(caller);

    private Problem Unknown(ref Utf8JsonReader reader)
    {
        if (door.Context.OfAnyDoor.Find(reader.ValueSpan) is { } command)
            door.NoteForbidden(command.Name);
        return Unknown(Shown(ref reader), null);
    }

    private Problem Unknown(string name, Command? ofOthers)
    {
        var duty = DutyNow();
        var fault = ofOthers is null
            ? $"unknown command '{name}'"
            : $"'{name}' needs the duty {ofOthers.Duties.Words()}";
        var available = door.Commands.All.Where(c => c.IsFor(duty)).Select(c => c.Name);
        return new Problem(ErrorCode.UnknownCommand, $"{fault}; available: {string.Join(", ", available)}");
    }

    private static string Shown(ref Utf8JsonReader reader)
    {
        try
        {
            var name = reader.GetString()!;
            return name.Length <= 64 ? name : string.Concat(name.AsSpan(0, 64), "…");
        }
        catch (InvalidOperationException)
        {
            return "?";
        }
    }

    // Keeps reading while a request waits, to notice when the peer disconnects. Requests that arrive in the meantime
    // are answered afterwards.
    private async Task WatchPeerWhile(Task running)
    {
        while (!running.IsCompleted && !ended)
        {
            if (reading is null)
            {
                if (end - start > Limits.LineBytes)
                {
                    // The peer sends more than a line while it waits. Unread, it would hide a disconnect.
                    ended = true;
                    caller.Connection!.MarkGone();
                    return;
                }

                reading = Receive();
            }

            if (await Task.WhenAny(running, reading) == running)
                return;
            var done = reading;
            reading = null;
            try
            {
                Took(await done);
            }
            catch (SocketException)
            {
                ended = true;
            }

            if (ended)
                caller.Connection!.MarkGone();
        }
    }

    private async Task<bool> SendAll(IAsyncEnumerable<object> lines, string command)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(caller.Connection!.Gone);
        var sending = SendEach(lines, command, stop.Token);
        await WatchPeerWhile(sending);
        return await sending;
    }

    private async Task<bool> SendEach(IAsyncEnumerable<object> lines, string command, CancellationToken ct)
    {
        try
        {
            await foreach (var line in lines.WithCancellation(ct))
            {
                if (!await Send(line))
                    return false;
            }

            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return false;
        }
        catch (Problem e)
        {
            return await Send(e.Code, e.Message, e.RetryAfter);
        }
        catch (Exception e) when (e is not SocketException)
        {
            LogUnknown(door.Context.Log, command, caller.Name, caller.Connection!.Id, e);
            await Send(ErrorCode.Internal, "internal error; see the host log");
            return false;
        }
    }

    private async Task<bool> Send(object result)
    {
        answer.ResetWrittenCount();
        WriteResult(answer, result);
        if (await Flush())
            return true;
        (result as IUndeliverable)?.NotDelivered();
        return false;
    }

    private Task<bool> Send(ErrorCode code, string message, double? retryAfter = null)
    {
        answer.ResetWrittenCount();
        WriteError(answer, code, message, retryAfter);
        return Flush();
    }

    private async Task<bool> Flush()
    {
        door.Share?.Add(0, answer.WrittenCount);
        for (var rest = answer.WrittenMemory; !rest.IsEmpty; )
        {
            try
            {
                var sending = socket.SendAsync(rest, SocketFlags.None);
                if (sending.IsCompleted)
                {
                    rest = rest[await sending..];
                    continue;
                }

                using var stalled = new CancellationTokenSource(Stall, door.Context.Clock);
                rest = rest[await sending.AsTask().WaitAsync(stalled.Token)..];
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }

        // An idle connection must not keep the memory of its largest answer.
        if (answer.Capacity > Limits.LineBytes)
            answer = new ArrayBufferWriter<byte>(512);
        return true;
    }

    private static void WriteResult(ArrayBufferWriter<byte> buffer, object result)
    {
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        buffer.Write("{\"version\":1,\"ok\":true"u8);
        var before = buffer.WrittenCount;
        JsonSerializer.Serialize(json, result, result.GetType(), WireJson.Options);
        json.Flush();
        // The result is serialized as an object: its opening brace becomes a comma, or an empty one is dropped.
        var span = System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer.WrittenMemory).Span;
        if (buffer.WrittenCount - before == 2)
        {
            span[before] = (byte)'}';
            span[before + 1] = (byte)'\n';
            return;
        }

        span[before] = (byte)',';
        buffer.Write("\n"u8);
    }

    private static void WriteError(
        ArrayBufferWriter<byte> buffer,
        ErrorCode code,
        string message,
        double? retryAfter = null
    )
    {
        JsonSerializer.Serialize(
            new Utf8JsonWriter(buffer, WriterOptions),
            new ErrorLine(1, false, message, code, retryAfter),
            WireJson.Options
        );
        buffer.Write("\n"u8);
    }

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = WireJson.Options.Encoder,
        SkipValidation = true,
    };

    private sealed record ErrorLine(int Version, bool Ok, string Error, ErrorCode Code, double? RetryAfter);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Command} of {Caller} failed, on connection {Id}")]
    private static partial void LogUnknown(ILogger logger, string command, string caller, long id, Exception error);
}
