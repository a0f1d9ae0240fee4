using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;

namespace Hive.Features.Tasks;

/// <summary>Lets the slice that keeps evidence look at what agents hand in, before the write that stores it.</summary>
internal sealed class HandIns(IStore store, OwnTask own, IdempotencyKeys keys, Lazy<IEnumerable<ITaskChecks>> checks)
{
    /// <summary>The things that one check has collected.</summary>
    public sealed record Part(ITaskChecks Check, object Collected);

    /// <summary>All that was collected, and the run that it is of: by then the caller may have another.</summary>
    public sealed record HandedInParts(long Task, long Ticket, long? Run, IReadOnlyList<Part> Parts);

    /// <summary>Opens what a call hands in, and then does its work in a write, once for each key.</summary>
    /// <returns>The answer of the work, or of the call that this one repeats.</returns>
    public async Task<T> Once<T>(
        (Caller Caller, string Name, string? Key) call,
        (long? Task, long? Run) about,
        IReadOnlyList<HandedIn>? artifacts,
        Func<IWrite, HandedInParts, T> work,
        CancellationToken ct
    )
        where T : class
    {
        var (answer, parts) = await Collect<T>(call, about, artifacts, ct);
        if (parts is null)
            return answer!;
        try
        {
            return await store.Write(
                write => keys.Once(write, call.Caller.Name, call.Name, call.Key, () => work(write, parts)),
                CancellationToken.None
            );
        }
        finally
        {
            foreach (var part in parts.Parts)
                part.Check.Done(parts.Ticket, part.Collected);
        }
    }

    // The task must be the caller's, so that nobody else's call opens anything. The answer is that of the call that
    // this one repeats by its key.
    private async Task<(T? Answer, HandedInParts? Parts)> Collect<T>(
        (Caller Caller, string Name, string? Key) call,
        (long? Task, long? Run) about,
        IReadOnlyList<HandedIn>? artifacts,
        CancellationToken ct
    )
        where T : class
    {
        // In one read: the call that this one repeats may be storing its result now, and ends the task.
        var (answer, row) = await store.Read(
            db =>
                Answered(db) is { } stored
                    ? (stored, null)
                    : ((T?)null, own.Require(db, call.Caller, about.Task, about.Run)),
            ct
        );
        // In a write of its own: the agent is at it, even if what it hands in is refused. Without artifacts nothing is
        // opened, and the work's own write begins the task.
        if (artifacts is { Count: > 0 } && row is { Status: TaskState.Assigned, Id: var task, Run: var run })
            (answer, row) = await store.Write(
                write =>
                    Answered(write.Db) is { } stored
                        ? (stored, null)
                        : ((T?)null, own.Begin(write, call.Caller, task, run)),
                CancellationToken.None
            );
        if (row is null)
            return (answer, null);
        List<Part> parts = [];
        foreach (var check in checks.Value)
            parts.Add(
                new Part(check, await check.Collect(call.Caller.Name, (row.Ticket, row.Id), artifacts ?? [], ct))
            );
        return (null, new HandedInParts(row.Id, row.Ticket, row.Run, parts));

        T? Answered(DbConnection db) => call.Key is { } key ? keys.Find<T>(db, call.Caller.Name, call.Name, key) : null;
    }

    /// <summary>Stores what was collected with a report.</summary>
    public static void Handed(IWrite write, TaskRow row, IReadOnlyList<Part> parts, string agent)
    {
        foreach (var part in parts)
            part.Check.Handed(write, row.ToEntry(), part.Collected, agent);
    }
}
