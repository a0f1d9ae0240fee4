using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Features.Egress.Contracts;
using Microsoft.AspNetCore.Connections;

namespace Hive.Features.Egress;

/// <summary>Serves the connections that begin with CONNECT: passes on bytes to the one host that it names. Kestrel, the
/// server behind it, reads all other requests but has no CONNECT of HTTP/1.1.</summary>
/// <param name="connector">Connects to the hosts.</param>
/// <param name="clock">Measures the limits of time.</param>
/// <param name="closed">Ends all tunnels.</param>
internal sealed partial class EgressTunnel(EgressConnector connector, TimeProvider clock, CancellationToken closed)
{
    /// <summary>The largest request, in bytes; a name has at most 253.</summary>
    public const int MaxHeadBytes = 8 << 10;

    /// <summary>A tunnel without a byte in either direction is closed; an API may think for minutes.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(15);

    // After the program has sent its last byte.
    private static readonly TimeSpan HalfOpen = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan HeadPatience = TimeSpan.FromSeconds(10);

    private static ReadOnlySpan<byte> Method => "CONNECT "u8;

    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    /// <summary>Serves a connection, and leaves it to <paramref name="next"/> if it does not begin with
    /// CONNECT.</summary>
    public async Task Run(ConnectionContext connection, ConnectionDelegate next)
    {
        string? head;
        try
        {
            using var patience = new CancellationTokenSource(HeadPatience, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, closed);
            head = await ReadHead(connection.Transport.Input, either.Token);
        }
        catch (EgressException e)
        {
            await Answer(connection, e);
            return;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return;
        }

        if (head is null)
            await next(connection);
        else
            await Serve(connection, head);
    }

    private async Task Serve(ConnectionContext connection, string head)
    {
        try
        {
            var (host, port) = Target(head);
            using var upstream = await connector.Connect(host, port, closed);
            await connection.Transport.Output.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray());
            await Relay(connection, upstream);
        }
        catch (EgressException e)
        {
            await Answer(connection, e);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // Either side has gone.
        }
    }

    // The head without its end; null for another method.
    private static async Task<string?> ReadHead(PipeReader input, CancellationToken ct)
    {
        while (true)
        {
            var read = await input.ReadAsync(ct);
            var buffer = read.Buffer;
            if (!MayBeConnect(buffer))
            {
                input.AdvanceTo(buffer.Start);
                return null;
            }

            if (EndOf(buffer) is { } end)
            {
                var head = Encoding.Latin1.GetString(buffer.Slice(0, end));
                input.AdvanceTo(buffer.GetPosition(HeadEnd.Length, end));
                return head;
            }

            if (buffer.Length > MaxHeadBytes)
                throw EgressException.Malformed($"the request is larger than {MaxHeadBytes} bytes");
            if (read.IsCompleted)
                throw new IOException("the request is not complete");
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static bool MayBeConnect(ReadOnlySequence<byte> buffer)
    {
        Span<byte> begin = stackalloc byte[(int)Math.Min(buffer.Length, Method.Length)];
        buffer.Slice(0, begin.Length).CopyTo(begin);
        return Method.StartsWith(begin) && !begin.IsEmpty;
    }

    private static SequencePosition? EndOf(ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer.Slice(0, Math.Min(buffer.Length, MaxHeadBytes)));
        return reader.TryReadTo(out ReadOnlySequence<byte> head, HeadEnd) ? head.End : null;
    }

    private static (string Host, int Port) Target(string head)
    {
        if (
            head.Split("\r\n") is not [var line, .. var headers]
            || RequestLine().Match(line) is not { Success: true } match
        )
            throw EgressException.Malformed("a tunnel is asked for as CONNECT host:port HTTP/1.1");
        if (!headers.All(Header().IsMatch))
            throw EgressException.Malformed("a header of the request is malformed");
        var (given, port) = HostForm.Split(match.Groups["target"].Value);
        return HostForm.Canonical(given) is { } host && port > 0
            ? (host, port.Value)
            : throw EgressException.Malformed(
                "the host must be a name or an address with a port, such as example.org:443"
            );
    }

    // The server's own mark of a closed connection is set as soon as the program sends no more; it is not used.
    private async Task Relay(ConnectionContext connection, Socket upstream)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(closed);
        using var idle = new IdleTimer(end, clock);
        var up = Send(connection.Transport.Input, upstream, idle, end);
        try
        {
            await Receive(upstream, connection.Transport.Output, idle, end.Token);
        }
        finally
        {
            await end.CancelAsync();
            await up;
        }
    }

    private static async Task Send(PipeReader input, Socket upstream, IdleTimer idle, CancellationTokenSource end)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(end.Token);
                foreach (var part in read.Buffer)
                {
                    for (var rest = part; rest.Length > 0; )
                        rest = rest[await upstream.SendAsync(rest, end.Token)..];
                }

                input.AdvanceTo(read.Buffer.End);
                idle.Restart();
                if (read.IsCompleted)
                    break;
            }

            // The host may still answer.
            upstream.Shutdown(SocketShutdown.Send);
            idle.Shorten(HalfOpen);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // Only an end without a fault leaves the other direction open: nobody may be there to read from it.
            await end.CancelAsync();
        }
    }

    private static async Task Receive(Socket upstream, PipeWriter output, IdleTimer idle, CancellationToken ct)
    {
        while (await upstream.ReceiveAsync(output.GetMemory(4096), ct) is > 0 and var count)
        {
            output.Advance(count);
            idle.Restart();
            if ((await output.FlushAsync(ct)).IsCompleted)
                return;
        }
    }

    private static async Task Answer(ConnectionContext connection, EgressException fault)
    {
        var body = Encoding.UTF8.GetBytes($"{fault.Message}\n");
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {fault.Status} {Reason(fault.Status)}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n"
        );
        await connection.Transport.Output.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]);
    }

    private static string Reason(int status) => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);

    [GeneratedRegex(@"\ACONNECT (?<target>[A-Za-z0-9._:\[\]-]{1,300}) HTTP/1\.[01]\z")]
    private static partial Regex RequestLine();

    // RFC 9112, without line folding.
    [GeneratedRegex(@"\A[!#$%&'*+.^_`|~A-Za-z0-9-]+:[\t\x20-\x7e\x80-\xff]*\z")]
    private static partial Regex Header();

    // Ends a tunnel in which nothing moves.
    private sealed class IdleTimer : IDisposable
    {
        private readonly ITimer timer;
        private TimeSpan after = Idle;

        public IdleTimer(CancellationTokenSource end, TimeProvider clock) =>
            timer = clock.CreateTimer(_ => Cancel(end), null, Idle, Timeout.InfiniteTimeSpan);

        public void Restart() => timer.Change(after, Timeout.InfiniteTimeSpan);

        public void Shorten(TimeSpan time)
        {
            after = time;
            Restart();
        }

        public void Dispose() => timer.Dispose();

        private static void Cancel(CancellationTokenSource end)
        {
            try
            {
                end.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The tunnel has just ended.
            }
        }
    }
}
