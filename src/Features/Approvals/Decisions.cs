using System.Collections.Concurrent;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Stores the operator's decisions one at a time, and runs the approved work in the background, one per agent.
/// </summary>
internal sealed partial class Decisions(
    IStore store,
    ApprovalQueue queue,
    AppliedRepository applied,
    Builds builds,
    IEnumerable<IApprovedWork> works,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<Decisions> log
) : IDisposable
{
    private readonly Dictionary<string, IApprovedWork> byKind = works.ToDictionary(w => w.Kind);
    private readonly ConcurrentDictionary<long, Task> running = new();
    private readonly SemaphoreSlim oneAtATime = new(1, 1);

    /// <summary>Completes when all work that runs now has ended.</summary>
    public Task WhenIdle => Task.WhenAll(running.Values);

    public IApprovedWork WorkFor(ApprovalRow approval) => byKind[approval.Kind];

    /// <summary>Stores the approval and starts its work.</summary>
    public async Task Approve(long id)
    {
        await oneAtATime.WaitAsync();
        try
        {
            var approval = await store.Write(write => queue.MarkBuilding(write, id), CancellationToken.None);
            LogStep(log, id, "stored as approved");
            Start(approval, async () => await WorkFor(approval).Run(approval, lifetime.ApplicationStopping));
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    /// <summary>Stores the denial and tags the proposal with the reason.</summary>
    public async Task Deny(long id, string? note)
    {
        await oneAtATime.WaitAsync();
        try
        {
            var approval = await store.Read(db => ApprovalQueue.RequirePending(db, id));
            // The tag comes before the row: the next start removes a tag without a denied row, but nothing would add a
            // missing tag.
            if (approval.FetchedSha is { } sha)
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
                if (approval.FetchedSha is not null)
                    await RemoveDeniedTag(approval);
                throw;
            }
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    private async Task RemoveDeniedTag(ApprovalRow approval)
    {
        try
        {
            await applied.RemoveTag(approval.Agent, $"denied/{approval.Id}");
        }
        catch (Problem e)
        {
            // An approval of it or the next start removes the tag.
            LogTagLeft(log, approval.Id, e);
        }
    }

    /// <summary>Runs work in the background and resolves its approval with the result.</summary>
    /// <param name="approval">The approval, which is building.</param>
    /// <param name="work">Returns the outcome, or null when work interrupted by an earlier host was rolled
    /// back.</param>
    public void Start(ApprovalRow approval, Func<Task<ApprovalOutcome?>> work)
    {
        var task = Task.Run(async () =>
        {
            try
            {
                await Finish(approval, work);
            }
            catch (Exception e)
            {
                LogUnresolved(log, approval.Id, e);
            }
        });
        running[approval.Id] = task;
        _ = task.ContinueWith(_ => running.TryRemove(approval.Id, out var _), TaskScheduler.Default);
    }

    public void Dispose() => oneAtATime.Dispose();

    private async Task Finish(ApprovalRow approval, Func<Task<ApprovalOutcome?>> work)
    {
        var build = builds.Of(approval.Id);
        ApprovalOutcome? outcome = null;
        var note = "the host ended while this was building; request it again";
        try
        {
            outcome = await work();
            build.End();
        }
        catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            LogFailed(log, approval.Id, approval.Kind, approval.Agent, e);
            note = TextRules.Cut(e.Message, Limits.HostBodyBytes);
            build.Fail(note);
        }
        finally
        {
            builds.Ended(approval.Id);
        }

        var (status, finalNote) = outcome is null
            ? (ApprovalStatus.Failed, note)
            : (
                ApprovalStatus.Approved,
                outcome.Note is null ? null : TextRules.Cut(outcome.Note, Limits.HostBodyBytes)
            );
        LogStep(log, approval.Id, "the work has ended");
        await store.WriteUntilStored(
            write =>
            {
                queue.Resolve(write, approval.Id, status, finalNote, outcome);
                WorkFor(approval).Resolved(write, approval);
            },
            clock,
            lifetime.ApplicationStopping
        );
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
    private static partial void LogStep(ILogger logger, long id, string step);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not remove the tag denied/{Id} of an approval "
            + "that is still pending; the next start removes it"
    )]
    private static partial void LogTagLeft(ILogger logger, long id, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "approval {Id} ({Kind} of {Agent}) failed")]
    private static partial void LogFailed(ILogger logger, long id, string kind, string agent, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not resolve approval {Id}; the next start will")]
    private static partial void LogUnresolved(ILogger logger, long id, Exception error);
}
