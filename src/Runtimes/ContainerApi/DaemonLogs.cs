using System.Runtime.CompilerServices;
using Hive.Common.Errors;
using Hive.Runtimes.Logs;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Reads the output of agents from a daemon, and the output of their earlier containers from Hive's own
/// log.</summary>
internal sealed partial class DaemonLogs(DaemonApi api, DaemonRuns runs, ContainerLog logs, ILogger log)
{
    // As many as can be asked for at once.
    private const int KeptLines = 5000;

    // The time a daemon takes to send the last output.
    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(1);

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        Tail(agent, lines, null, ct);

    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(
        string agent,
        int lines,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        await runs.Follow(ct);
        var change = runs.NextChange;
        var position = new OutputPosition();
        yield return await Tail(agent, lines, position, ct);
        while (true)
        {
            await using var reading = ReadOn(agent, position, ct).GetAsyncEnumerator(ct);
            while (await MoveNext(reading, ct))
                yield return reading.Current;
            // The container has ended, or the daemon has: an event comes before more output.
            await change.WaitAsync(ct);
            change = runs.NextChange;
        }
    }

    /// <summary>Copies the output of a container to Hive's log, before the container is removed.</summary>
    public async Task Keep(string agent, string id)
    {
        try
        {
            logs.Keep(agent, await ContainerOutput.Tail(api, id, KeptLines, null, CancellationToken.None));
        }
        catch (Exception e) when (e is Problem or IOException)
        {
            LogNotKept(log, agent, e.Message);
        }
    }

    /// <summary>Removes an agent's output from Hive's log.</summary>
    public void Remove(string agent) => logs.Remove(agent);

    private async Task<IReadOnlyList<string>> Tail(
        string agent,
        int lines,
        OutputPosition? position,
        CancellationToken ct
    )
    {
        IReadOnlyList<string> newest = await runs.FindNewest(agent, ct) is { } container
            ? await ContainerOutput.Tail(api, container, lines, position, ct)
            : [];
        return newest.Count < lines ? [.. logs.Tail(agent, lines - newest.Count), .. newest] : newest;
    }

    private async IAsyncEnumerable<IReadOnlyList<string>> ReadOn(
        string agent,
        OutputPosition position,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var run = await runs.Find(agent, ct);
        if ((run?.Container ?? await runs.FindNewest(agent, ct)) is not { } container)
            yield break;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var ending = run is null ? Task.CompletedTask : CancelAfterEnd(run, enough);
        try
        {
            await using var stream = await api.Logs(
                container,
                position.Query(container, follow: run is not null),
                enough.Token
            );
            await foreach (var added in position.Read(stream, unfinished: false, enough.Token))
                yield return added;
        }
        finally
        {
            await enough.CancelAsync();
            await ending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // If a container ends just when a follower of its output begins, podman misses the end and never ends the stream.
    private static async Task CancelAfterEnd(ContainerRun run, CancellationTokenSource enough)
    {
        await run.Ended.WaitAsync(enough.Token);
        await Task.Delay(OutputGrace, enough.Token);
        await enough.CancelAsync();
    }

    // However a stream ends, reading continues from its position.
    private static async Task<bool> MoveNext(IAsyncEnumerator<IReadOnlyList<string>> reading, CancellationToken ct)
    {
        try
        {
            return await reading.MoveNextAsync();
        }
        catch (Exception e)
            when (e is IOException or Problem || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the output of the previous container of {Agent} could not be kept: {Error}"
    )]
    private static partial void LogNotKept(ILogger logger, string agent, string error);
}
