using System.Collections.Concurrent;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>The operator's decisions, and the work that follows a yes. One decision at a time; the work goes on beside
/// them, for each agent one.</summary>
internal sealed partial class Decisions(
    IStore store,
    ApprovalQueue queue,
    AppliedRepository applied,
    IEnumerable<IApprovedWork> works,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<Decisions> log
) : IDisposable
{
    private readonly Dictionary<string, IApprovedWork> byKind = works.ToDictionary(w => w.Kind);
    private readonly ConcurrentDictionary<long, Task> underWay = new();
    private readonly SemaphoreSlim oneAtATime = new(1, 1);

    /// <summary>Everything that goes on now.</summary>
    public Task UnderWay => Task.WhenAll(underWay.Values);

    public IApprovedWork Of(ApprovalRow approval) => byKind[approval.Kind];

    /// <summary>Stores the yes and begins what follows.</summary>
    public async Task Approve(long id)
    {
        await oneAtATime.WaitAsync();
        try
        {
            var approval = await store.Write(write => ApprovalQueue.Begin(write, id), CancellationToken.None);
            LogStep(log, id, "stored as approved");
            Begin(approval, async () => await Of(approval).Do(approval, lifetime.ApplicationStopping));
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    /// <summary>Stores the no.</summary>
    public async Task Deny(long id, string? note)
    {
        await oneAtATime.WaitAsync();
        try
        {
            var approval = await store.Read(db => ApprovalQueue.RequirePending(db, id));
            // Before the row: a tag without it is taken away at the next start, a row without it would lack its trace
            // for good.
            if (approval.Fetched_sha is { } sha)
                await applied.Annotate(
                    approval.Agent,
                    $"denied/{id}",
                    sha,
                    string.IsNullOrWhiteSpace(note) ? "denied" : note
                );
            LogStep(log, id, "tagged as denied");
            try
            {
                await store.Write(
                    write =>
                    {
                        ApprovalQueue.RequirePending(write.Db, id);
                        queue.Resolve(write, id, ApprovalStatus.Denied, note);
                    },
                    CancellationToken.None
                );
            }
            catch
            {
                if (approval.Fetched_sha is not null)
                    await Untag(approval);
                throw;
            }
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    private async Task Untag(ApprovalRow approval)
    {
        try
        {
            await applied.Untag(approval.Agent, $"denied/{approval.Id}");
        }
        catch (Problem e)
        {
            // A yes or the next start takes it away.
            LogNotUntagged(log, approval.Id, e);
        }
    }

    /// <summary>Runs a piece of work to the end of its approval.</summary>
    /// <param name="approval">Which is building.</param>
    /// <param name="work">Gives what came of it, or null when an earlier host had begun it and it was not done.</param>
    public void Begin(ApprovalRow approval, Func<Task<Deployed?>> work)
    {
        var task = Task.Run(async () =>
        {
            try
            {
                await Finish(approval, work);
            }
            catch (Exception e)
            {
                LogUnfinished(log, approval.Id, e);
            }
        });
        underWay[approval.Id] = task;
        _ = task.ContinueWith(_ => underWay.TryRemove(approval.Id, out var _), TaskScheduler.Default);
    }

    public void Dispose() => oneAtATime.Dispose();

    private async Task Finish(ApprovalRow approval, Func<Task<Deployed?>> work)
    {
        Deployed? deployed = null;
        var note = "the host ended while it was building; ask again";
        try
        {
            deployed = await work();
        }
        catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            LogFailed(log, approval.Id, approval.Kind, approval.Agent, e);
            note = TextRules.Cut(e.Message, Limits.HostBodyBytes);
        }

        var (status, said) = deployed is null
            ? (ApprovalStatus.Failed, note)
            : (
                ApprovalStatus.Approved,
                deployed.Note is null ? null : TextRules.Cut(deployed.Note, Limits.HostBodyBytes)
            );
        await store.WriteUntilStored(
            write => queue.Resolve(write, approval.Id, status, said, deployed),
            clock,
            lifetime.ApplicationStopping
        );
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);

    [LoggerMessage(Level = LogLevel.Warning, Message = "approval {Id} is pending still, and tagged as denied")]
    private static partial void LogNotUntagged(ILogger logger, long id, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "approval {Id} ({Kind} of {Agent}) failed")]
    private static partial void LogFailed(ILogger logger, long id, string kind, string agent, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "approval {Id} has not come to its end; the next start brings it there"
    )]
    private static partial void LogUnfinished(ILogger logger, long id, Exception error);
}
