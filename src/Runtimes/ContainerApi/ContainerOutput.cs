using System.Runtime.CompilerServices;
using Hive.Common.Errors;
using Hive.Runtimes.Logs;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Reads the output of containers.</summary>
internal static class ContainerOutput
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Reads the newest lines of a container, oldest first.</summary>
    /// <param name="api">The container's daemon.</param>
    /// <param name="id">The container.</param>
    /// <param name="lines">How many.</param>
    /// <param name="position">Notes where to continue; null when nobody reads on.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyList<string>> Tail(
        DaemonApi api,
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
                $"{api.Daemon.Name} did not send the whole output of the container; try again",
                e
            );
        }

        return [.. newest];
    }

    /// <summary>Reads the lines of a stream in batches, as they arrive.</summary>
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
