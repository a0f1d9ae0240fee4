using Hive.Common.Errors;
using Hive.Features.StateFiles.Contracts;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>Does the work of the queue, one account and one push at a time, and puts back what failed.</summary>
internal sealed partial class ForgeTasks(
    ForgeQueue queue,
    ForgeRepositories repositories,
    ForgeStatus status,
    CoreAccount core,
    IForgeTokenFile tokenFiles,
    TimeProvider clock,
    ILogger<ForgeTasks> log
)
{
    /// <summary>Does all work that is due.</summary>
    /// <param name="admin">Creates accounts.</param>
    /// <param name="login">Hive's own login; null when there is none, so that nothing is pushed.</param>
    /// <param name="mayLeave">Ends early when a sweep is asked for, which then begins at once.</param>
    /// <param name="ct">Stops between two tasks.</param>
    /// <returns>False when it ended early.</returns>
    public async Task<bool> Run(IForgeAdmin admin, ForgeLogin? login, bool mayLeave, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        while (queue.TakeDue(login is null ? ForgeWorkKind.Account : null, now) is { } task)
        {
            if (task.Work.Kind == ForgeWorkKind.Account)
                await Finish(task, EnsureAccount(admin, login, task.Work.Agent!, ct), ct);
            else
                await PushAndServeAccounts(task, admin, login!, ct);
            if (mayLeave && queue.IsSweepWanted)
                return false;
        }

        return true;
    }

    // A push may take minutes; agents that are spawned during it get their accounts in the meantime.
    private async Task PushAndServeAccounts(ForgeTask task, IForgeAdmin admin, ForgeLogin login, CancellationToken ct)
    {
        var push = Push(login, task.Work.Agent, ct);
        try
        {
            while (await queue.IsAddedBefore(_ => push, ct))
            {
                queue.TakeAdded();
                var now = clock.GetUtcNow();
                while (queue.TakeDue(ForgeWorkKind.Account, now) is { } account)
                    await Finish(account, EnsureAccount(admin, login, account.Work.Agent!, ct), ct);
                await status.Publish(atOnce: true);
            }
        }
        finally
        {
            await Finish(task, push, ct);
        }
    }

    private async Task EnsureAccount(IForgeAdmin admin, ForgeLogin? login, string agent, CancellationToken ct)
    {
        using var slot = tokenFiles.Reserve(agent);
        if (slot is not null)
        {
            slot.Fill(await admin.Issue(agent, isCore: false, login, ct));
            LogIssued(log, agent);
        }

        if (!status.HasToken(agent))
            status.HasAccount(agent);
    }

    private async Task Push(ForgeLogin login, string? agent, CancellationToken ct)
    {
        var (refs, head) = await repositories.Measure(agent, ct);
        if (head is null)
            return;
        status.Measured(agent, refs);
        await repositories.Push(agent, login, ct);
        await status.Pushed(agent, refs, head);
    }

    // Puts failed work back; only a fault that would fail all other work as well ends the round.
    private async Task Finish(ForgeTask task, Task work, CancellationToken ct)
    {
        try
        {
            await work;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // A refused token of Hive itself is not the fault of this work, which is done with the next token.
            if (e is ForgeFault { Scope: FaultScope.CoreToken })
                queue.PutBack(task);
            else
                queue.Retry(task);
            if (e is not (ForgeFault { Scope: FaultScope.One } or Problem or IOException))
                throw;
            await NoteFailure(task.Work, e.Message);
        }

        await status.Publish(atOnce: false);
    }

    private async Task NoteFailure(ForgeWork work, string reason)
    {
        if (work.Kind == ForgeWorkKind.Account)
        {
            LogNoAccount(log, work.Agent!, reason);
            status.HasNoAccount(work.Agent!, reason);
            return;
        }

        LogNotPushed(log, ForgeNames.RepositoryOf(work.Agent), reason);
        // Hive's account may have lost its rights.
        core.DoubtToken();
        await status.Failed(work.Agent, reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "issued a forge token for {Account}")]
    private static partial void LogIssued(ILogger logger, string account);

    [LoggerMessage(Level = LogLevel.Warning, Message = "forge token for {Agent} failed; will retry: {Reason}")]
    private static partial void LogNoAccount(ILogger logger, string agent, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "push of {Repository} to the forge failed; will retry: {Reason}"
    )]
    private static partial void LogNotPushed(ILogger logger, string repository, string reason);
}
