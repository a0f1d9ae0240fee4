using System.Threading.Channels;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>
/// Everything that is done on the forge, beside all else: one account and one push at a time. Nobody waits for it, and
/// what fails is tried again later.
/// What there is to do follows from what there is here, so that a kill loses nothing: a sweep at start looks at
/// everything, and so does one whenever the forge comes back.
/// </summary>
internal sealed partial class ForgeWorker(
    ForgeSettings settings,
    ForgeApi api,
    HttpAdmin http,
    ContainerAdmin container,
    CoreToken coreToken,
    ForgeRepositories repositories,
    ForgeHook hook,
    ForgeStanding standing,
    IForgeTokenFile tokenFiles,
    IRoster roster,
    TimeProvider clock,
    ILogger<ForgeWorker> log
) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    // A forge that is well is looked at this often too: it may go and come back.
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(5);

    private readonly Channel<bool> bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly Lock gate = new();
    private readonly HashSet<Work> rung = [];
    private readonly HashSet<string> seen = [];
    private TaskCompletionSource? nextSweep = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The worker's own: what is still to be done, and from when on.
    private readonly Dictionary<Work, Due> todo = [];

    // Who waits for the sweep that is under way, and for one that was left in favour of it.
    private readonly List<TaskCompletionSource> sweeps = [];
    private bool hasLeft;
    private string? hookFault;
    private bool hasOrganisations;
    private bool isCoreSure;
    private bool isCoreNew;
    private bool mayAppear;
    private int failures;
    private DateTimeOffset notBefore;
    private string? lastFault;

    /// <summary>Asks for a look at everything.</summary>
    /// <returns>Completes when a sweep that began after this call has ended.</returns>
    public Task Sweep()
    {
        lock (gate)
        {
            nextSweep ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            bell.Writer.TryWrite(true);
            return nextSweep.Task;
        }
    }

    /// <summary>Says that an agent's applied configuration may have changed; null for the swarm's lock.</summary>
    public void RepositoryChanged(string? agent) => Ring(new Work(WorkKind.Repository, agent));

    /// <summary>Says that there is an agent; the first time, it gets its account.</summary>
    public void AgentSeen(string agent)
    {
        lock (gate)
        {
            if (!seen.Add(agent))
                return;
        }

        Ring(new Work(WorkKind.Account, agent));
        Ring(new Work(WorkKind.Repository, agent));
    }

    /// <summary>Says that an agent is gone; one that comes under its name is another.</summary>
    public void AgentGone(string agent)
    {
        lock (gate)
            seen.Remove(agent);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var next = await Round(stoppingToken);
                await Wait(next, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            sweeps.ForEach(s => s.TrySetCanceled(stoppingToken));
            lock (gate)
                nextSweep?.TrySetCanceled(stoppingToken);
        }
    }

    private void Ring(Work work)
    {
        lock (gate)
            rung.Add(work);
        bell.Writer.TryWrite(true);
    }

    private async Task Wait(DateTimeOffset? until, CancellationToken ct)
    {
        lock (gate)
        {
            // Said while a push went on.
            if (nextSweep is not null || rung.Count > 0)
                return;
        }

        var rest = until is { } at ? at - clock.GetUtcNow() : Timeout.InfiniteTimeSpan;
        await RungBefore(
            over => Task.Delay(until is null || rest > TimeSpan.Zero ? rest : TimeSpan.Zero, clock, over),
            ct
        );
    }

    // Until the bell rings or that has ended.
    private async Task<bool> RungBefore(Func<CancellationToken, Task> that, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var rings = bell.Reader.WaitToReadAsync(over.Token).AsTask();
        var first = await Task.WhenAny(that(over.Token), rings);
        ct.ThrowIfCancellationRequested();
        await over.CancelAsync();
        return first == rings;
    }

    // What was said until now. Who says something after this is heard later.
    private void Listen()
    {
        bell.Reader.TryRead(out _);
        lock (gate)
        {
            foreach (var work in rung)
                todo[work] = todo.GetValueOrDefault(work) with { At = clock.GetUtcNow() };
            rung.Clear();
        }
    }

    // Does all that is due; gives the time at which something is due again.
    private async Task<DateTimeOffset?> Round(CancellationToken ct)
    {
        TaskCompletionSource? sweep;
        lock (gate)
            (sweep, nextSweep) = (nextSweep, null);
        if (sweep is not null)
            sweeps.Add(sweep);
        Listen();
        DateTimeOffset? next;
        // Of two in a row one is done to its end, however often somebody asks.
        (var mayLeave, hasLeft) = (!hasLeft, false);
        try
        {
            next = await Round(sweep is not null, mayLeave, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // A full disk, or a fault of ours: what is to be done is still to be done.
            LogBroken(log, e);
            next = Down(
                null,
                new ForgeFault(
                    $"Hive's own work on it broke off, and the log has more of it: {api.Clean(e.Message)}",
                    FaultScope.Forge,
                    inner: e
                )
            );
        }

        try
        {
            standing.NextAttempt(
                next is { } at && at > clock.GetUtcNow() && (todo.Count > 0 || standing.State == ForgeState.Down)
                    ? at
                    : null
            );
            await standing.Tell(atOnce: true);
        }
        catch (Exception e)
        {
            LogBroken(log, e);
        }

        if (!hasLeft)
        {
            sweeps.ForEach(s => s.TrySetResult());
            sweeps.Clear();
        }

        return next;
    }

    private async Task<DateTimeOffset?> Round(bool sweep, bool mayLeave, CancellationToken ct)
    {
        await standing.Load(ct);
        IForgeAdmin? admin;
        try
        {
            admin = await FindAdmin(ct);
        }
        catch (ForgeFault fault)
        {
            // Only that of the container runs something.
            return Down(container.Mode, fault);
        }

        if (admin is null)
        {
            hasOrganisations = isCoreSure = false;
            todo.Clear();
            // A file that cannot be read just now may come as well.
            return mayAppear || settings.IsMeant ? clock.GetUtcNow() + Look : null;
        }

        var wasUp = standing.State == ForgeState.Up;
        if (sweep || !wasUp)
            AddEverything();
        await Measure(ct);
        // What happens here meanwhile is no reason to ask again; the operator is.
        if (!sweep && clock.GetUtcNow() < notBefore)
            return notBefore;
        try
        {
            await api.Version(admin.Login, ct);
            if (!wasUp && standing.State == ForgeState.Down)
                LogUp(log, settings.Url);
            if (sweep || !wasUp)
                hasOrganisations = isCoreSure = false;
            standing.Up(admin.Mode, hookFault);
            await standing.Tell(atOnce: false);
            var core = await EnsureCore(admin, ct);
            hasLeft = !await Do(admin, core, mayLeave, ct);
            (failures, notBefore) = (0, default);
            isCoreNew = false;
            if (core is not null)
                lastFault = null;
        }
        catch (ForgeFault fault) when (fault.Scope == FaultScope.CoreToken)
        {
            coreToken.Forget();
            isCoreSure = false;
            // Another is made at once; a forge that refuses that one too is left alone for a while.
            if (isCoreNew)
                return Down(admin.Mode, fault);
            isCoreNew = true;
            LogCoreRefused(log, fault.Message);
            return await Round(sweep, mayLeave, ct);
        }
        catch (ForgeFault fault)
        {
            return Down(admin.Mode, fault);
        }

        return todo.Count == 0 ? clock.GetUtcNow() + Look : Min(todo.Values.Min(d => d.At), clock.GetUtcNow() + Look);
    }

    private DateTimeOffset Down(string? mode, ForgeFault fault)
    {
        if (fault.Message != lastFault)
            LogDown(log, fault.Message);
        lastFault = fault.Message;
        if (fault.Scope == FaultScope.Busy)
            standing.Up(mode, fault.Message);
        else
            standing.Down(mode, fault.Message);
        return notBefore =
            clock.GetUtcNow()
            + (Backoff(++failures) is var pause && fault.RetryAfter > pause ? fault.RetryAfter.Value : pause);
    }

    private async Task<IForgeAdmin?> FindAdmin(CancellationToken ct)
    {
        var absence = await http.Absence(ct);
        if (absence is null)
            return http;
        // Whoever has said something about a forge is told what is wrong with that.
        if (settings.Fault() is null && await container.Absence(ct) is null)
            return container;
        mayAppear = settings.Fault() is null && container.IsPossible;
        if (standing.State != ForgeState.Off || standing.View.Note != absence)
            standing.Off(absence);
        if (settings.IsMeant && lastFault != absence)
            LogOff(log, absence);
        lastFault = absence;

        return null;
    }

    private void AddEverything()
    {
        var at = clock.GetUtcNow();
        foreach (
            var work in roster
                .Names.SelectMany(a => new[] { new Work(WorkKind.Account, a), new Work(WorkKind.Repository, a) })
                .Prepend(new Work(WorkKind.Repository, null))
        )
            todo[work] = todo.GetValueOrDefault(work) with { At = at };
    }

    // What is behind is known, and shown, whether the forge answers or not.
    private async Task Measure(CancellationToken ct)
    {
        foreach (var work in todo.Keys.Where(w => w.Kind == WorkKind.Repository).ToArray())
        {
            try
            {
                standing.Measured(work.Agent, (await repositories.Measure(work.Agent, ct)).Refs);
            }
            catch (Problem)
            {
                // Its push says what is wrong.
            }
        }

        await standing.Tell(atOnce: false);
    }

    private async Task<ForgeLogin?> EnsureCore(IForgeAdmin admin, CancellationToken ct)
    {
        try
        {
            var core = coreToken.Read();
            if (core is null)
            {
                isCoreSure = false;
                coreToken.Reserve();
                coreToken.Write(await admin.Issue(ForgeNames.Core, isCore: true, null, ct));
                LogIssued(log, ForgeNames.Core);
                core =
                    coreToken.Read()
                    ?? throw new ForgeFault(
                        $"the token of '{ForgeNames.Core}' was written to {settings.CoreTokenPath} and cannot be read there",
                        FaultScope.One
                    );
            }

            if (!isCoreSure)
            {
                var self = await api.Send(HttpMethod.Get, "user", core, null, ct);
                if (!self.IsSuccess)
                    throw self.Refusal($"say who '{ForgeNames.Core}' is");
                // Who is none is shown no other's rights either.
                if (!self.Is("is_admin"))
                    throw new ForgeFault(
                        $"Hive's own account '{ForgeNames.Core}' is no site admin on the forge any more; make it one there (Site administration → User accounts)",
                        FaultScope.One
                    );
                isCoreSure = true;
            }

            if (!hasOrganisations)
                await repositories.EnsureOrganisations(core, ct);
            if (!hasOrganisations || hook.NeedsLook)
                await TellHook(admin, core, ct);
            hasOrganisations = true;
            return core;
        }
        catch (Exception e)
            when (e is ForgeFault { Scope: FaultScope.One } or IOException or UnauthorizedAccessException)
        {
            // Agents get their accounts all the same; nothing is pushed.
            if (e.Message != lastFault)
                LogNoCore(log, e.Message);
            lastFault = e.Message;
            standing.Up(admin.Mode, e.Message);
            foreach (var (work, due) in todo.Where(t => t.Key.Kind == WorkKind.Repository).ToArray())
                Later(work, due.Attempts);
            return null;
        }
    }

    private async Task TellHook(IForgeAdmin admin, ForgeLogin core, CancellationToken ct)
    {
        var before = hookFault;
        try
        {
            await hook.Ensure(core, ct);
            hookFault = null;
        }
        catch (Exception e)
            when (e is ForgeFault { Scope: FaultScope.One } or Problem or IOException or UnauthorizedAccessException)
        {
            hookFault = $"what happens on the forge is not told to agents: {e.Message}";
            if (hookFault != before)
                LogNoHook(log, hookFault);
        }

        if (hookFault != before)
            standing.Up(admin.Mode, hookFault);
    }

    // What becomes due meanwhile is for the next round: it may be what failed in this one. False when a sweep was asked
    // for, which begins at once.
    private async Task<bool> Do(IForgeAdmin admin, ForgeLogin? core, bool mayLeave, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        while (TakeDue(core is null ? WorkKind.Account : null, now) is { } due)
        {
            if (due.Work.Kind == WorkKind.Account)
                await Done(due, Account(admin, core, due.Work.Agent!, ct), ct);
            else
                await Push(due, admin, core!, ct);
            lock (gate)
            {
                if (mayLeave && nextSweep is not null)
                    return false;
            }
        }

        return true;
    }

    private async Task Push((Work Work, int Attempts) due, IForgeAdmin admin, ForgeLogin core, CancellationToken ct)
    {
        var push = Push(core, due.Work.Agent, ct);
        try
        {
            // It may take minutes, and who comes meanwhile is not to wait for it.
            while (await RungBefore(_ => push, ct))
            {
                Listen();
                var now = clock.GetUtcNow();
                while (TakeDue(WorkKind.Account, now) is { } account)
                    await Done(account, Account(admin, core, account.Work.Agent!, ct), ct);
                await standing.Tell(atOnce: true);
            }
        }
        finally
        {
            await Done(due, push, ct);
        }
    }

    // Accounts first; but what has failed comes last, so that it keeps nothing else from being done.
    private (Work Work, int Attempts)? TakeDue(WorkKind? kind, DateTimeOffset now)
    {
        foreach (var gone in todo.Keys.Where(w => w.Agent is not null && roster.Find(w.Agent) is null).ToArray())
            todo.Remove(gone);
        var found = todo.Where(t => t.Value.At <= now && (kind is null || t.Key.Kind == kind))
            .OrderBy(t => t.Value.Attempts)
            .ThenBy(t => t.Key.Kind)
            .ThenBy(t => t.Key.Agent, StringComparer.Ordinal)
            .Select(t => ((Work Work, int Attempts)?)(t.Key, t.Value.Attempts))
            .FirstOrDefault();
        if (found is { } due)
            todo.Remove(due.Work);
        return found;
    }

    private async Task Account(IForgeAdmin admin, ForgeLogin? core, string agent, CancellationToken ct)
    {
        using var slot = tokenFiles.Reserve(agent);
        if (slot is not null)
        {
            slot.Fill(await admin.Issue(agent, isCore: false, core, ct));
            LogIssued(log, agent);
        }

        if (!standing.HasToken(agent))
            standing.HasAccount(agent);
    }

    private async Task Push(ForgeLogin core, string? agent, CancellationToken ct)
    {
        var (refs, head) = await repositories.Measure(agent, ct);
        if (head is null)
            return;
        standing.Measured(agent, refs);
        await repositories.Push(agent, core, ct);
        await standing.Pushed(agent, refs, head);
    }

    // What fails is tried again later, and only what would fail the rest as well ends the round.
    private async Task Done((Work Work, int Attempts) due, Task done, CancellationToken ct)
    {
        try
        {
            await done;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // A refused token of Hive itself says nothing of this work, which is done with the next token.
            if (e is ForgeFault { Scope: FaultScope.CoreToken })
                todo[due.Work] = new Due(clock.GetUtcNow(), due.Attempts);
            else
                Later(due.Work, due.Attempts);
            if (e is not (ForgeFault { Scope: FaultScope.One } or Problem or IOException))
                throw;
            await Failed(due.Work, e.Message);
        }

        await standing.Tell(atOnce: false);
    }

    private async Task Failed(Work work, string reason)
    {
        if (work.Kind == WorkKind.Account)
        {
            LogNoAccount(log, work.Agent!, reason);
            standing.HasNoAccount(work.Agent!, reason);
            return;
        }

        LogNotPushed(log, ForgeNames.RepositoryOf(work.Agent), reason);
        // Perhaps it is not let in any more.
        isCoreSure = false;
        await standing.Failed(work.Agent, reason);
    }

    private void Later(Work work, int attempts) =>
        todo[work] = new Due(clock.GetUtcNow() + Backoff(attempts + 1), attempts + 1);

    private static TimeSpan Backoff(int failures) =>
        FirstPause * Math.Pow(2, Math.Min(failures - 1, 20)) is var pause && pause < LongestPause
            ? pause
            : LongestPause;

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    [LoggerMessage(Level = LogLevel.Warning, Message = "the forge is off: {Reason}")]
    private static partial void LogOff(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the forge does not work now, and is tried again: {Reason}")]
    private static partial void LogDown(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "the forge at {Url} is back")]
    private static partial void LogUp(ILogger logger, Uri url);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Account} has a token for the forge")]
    private static partial void LogIssued(ILogger logger, string account);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Hive has no account of its own on the forge, so nothing is pushed: {Reason}"
    )]
    private static partial void LogNoCore(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}")]
    private static partial void LogCoreRefused(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}")]
    private static partial void LogNoHook(ILogger logger, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Agent} has no token for the forge, which is tried again: {Reason}"
    )]
    private static partial void LogNoAccount(ILogger logger, string agent, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Repository} could not be pushed, which is tried again: {Reason}"
    )]
    private static partial void LogNotPushed(ILogger logger, string repository, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the work on the forge broke off, and is tried again")]
    private static partial void LogBroken(ILogger logger, Exception error);

    private enum WorkKind
    {
        Account,
        Repository,
    }

    /// <param name="Kind">What is to be done.</param>
    /// <param name="Agent">For whom; null for the swarm's lock.</param>
    private readonly record struct Work(WorkKind Kind, string? Agent);

    /// <param name="At">From when on.</param>
    /// <param name="Attempts">How often it has failed in a row.</param>
    private readonly record struct Due(DateTimeOffset At, int Attempts);
}
