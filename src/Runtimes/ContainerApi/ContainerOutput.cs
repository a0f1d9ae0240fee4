using System.Runtime.CompilerServices;
using System.Text;
using Hive.Common.Errors;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Reads what containers and programs in them print.</summary>
internal static class ContainerOutput
{
    // What a program that was run in a container may say; the rest is dropped.
    private const int MaxExecOutput = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The newest lines of a container, oldest first.</summary>
    /// <param name="api">Its daemon.</param>
    /// <param name="id">The container.</param>
    /// <param name="lines">How many.</param>
    /// <param name="position">Where to read on afterwards; null when that is not wanted.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyList<string>> Tail(
        ContainerApi api,
        string id,
        int lines,
        OutputPosition? position,
        CancellationToken ct
    )
    {
        var reading = position ?? new OutputPosition();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        var newest = new Queue<string>();
        try
        {
            await using var stream = await api.Logs(id, reading.Query(id, follow: false), limit.Token);
            await foreach (
                var line in reading
                    .Read(stream, unfinished: position is null, limit.Token)
                    .SelectMany(some => some)
                    .WithCancellation(limit.Token)
            )
            {
                newest.Enqueue(line);
                if (newest.Count > lines)
                    newest.Dequeue();
            }
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw Problem.Unavailable(
                $"{api.Daemon.Name} did not send all that the container has printed; try again",
                e
            );
        }

        return [.. newest];
    }

    /// <summary>All that a program prints, until it ends.</summary>
    public static async Task<string> All(Stream stream, CancellationToken ct)
    {
        var output = new StringBuilder();
        await foreach (var some in Read(stream, stamped: false, unfinished: true, ct))
        {
            foreach (var line in some)
            {
                if (output.Length < MaxExecOutput)
                    output.Append(line.Text).Append('\n');
            }
        }

        return output.ToString();
    }

    /// <summary>The lines of a stream, as many at a time as there are.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<OutputLine>> Read(
        Stream stream,
        bool stamped,
        bool unfinished,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var decoder = new OutputDecoder(stamped);
        var buffer = new byte[LineText.MaxLine];
        while (await stream.ReadAsync(buffer, ct) is var count and > 0)
        {
            if (decoder.Add(buffer.AsSpan(0, count)) is { Count: > 0 } lines)
                yield return lines;
        }

        if (unfinished && decoder.End() is { Count: > 0 } last)
            yield return last;
    }
}
