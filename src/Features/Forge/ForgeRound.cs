using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>One pass over the forge: finds it, measures what it lacks, ensures Hive's own account, and does the work
/// that is due.</summary>
internal sealed partial class ForgeRound(
    ForgeSettings settings,
    ForgeApi api,
    HttpAdmin http,
    ContainerAdmin container,
    ForgeConnection connection,
    ForgeStatus status,
    ForgeQueue queue,
    CoreAccount core,
    ForgeTasks tasks,
    ForgeRepositories repositories,
    TimeProvider clock,
    ILogger<ForgeRound> log
)
{
    // A forge that works is checked this often too: it may go and come back.
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(5);

    /// <summary>Runs the steps of a round.</summary>
    /// <param name="isSweep">Everything is looked at, also before the pause of a failed forge is over.</param>
    /// <param name="mayLeave">The round may end early when a sweep is asked for.</param>
    /// <param name="ct">The host stops.</param>
    public async Task<RoundResult> Run(bool isSweep, bool mayLeave, CancellationToken ct)
    {
        await status.Load(ct);
        while (true)
        {
            // Until an admin is found, only the container's runs a program that can fail.
            var mode = container.Mode;
            try
            {
                var (admin, mayAppear) = await FindAdmin(ct);
                if (admin is null)
                    return TurnOff(mayAppear);
                mode = admin.Mode;
                return await Run(admin, isSweep, mayLeave, ct);
            }
            catch (ForgeFault fault)
            {
                // Retry immediately with a new token.
                if (fault.Scope == FaultScope.CoreToken && core.DiscardToken(fault))
                    continue;
                return new RoundResult(connection.Fail(mode, fault));
            }
        }
    }

    private async Task<RoundResult> Run(IForgeAdmin admin, bool isSweep, bool mayLeave, CancellationToken ct)
    {
        var looksAtAll = isSweep || !connection.IsUp;
        if (looksAtAll)
            queue.AddEverything();
        await Measure(ct);
        if (!isSweep && !connection.MayTry)
            return new RoundResult(connection.RetryAt);
        await api.Version(admin.Login, ct);
        if (looksAtAll)
            core.Forget();
        connection.Reached(admin.Mode, core.HookFault);
        await status.Publish(atOnce: false);
        var login = await EnsureCore(admin, ct);
        var isDone = await tasks.Run(admin, login, mayLeave, ct);
        connection.Complete(isComplete: login is not null);
        core.Complete();
        var check = clock.GetUtcNow() + CheckInterval;
        return new RoundResult(queue.NextDue is { } due && due < check ? due : check, Left: !isDone);
    }

    private async Task<(IForgeAdmin? Admin, bool MayAppear)> FindAdmin(CancellationToken ct)
    {
        var absence = await http.Absence(ct);
        if (absence is null)
            return (http, false);
        // A configuration that names a forge is not replaced by the container; its fault is shown.
        if (settings.Fault() is null && await container.Absence(ct) is null)
            return (container, false);
        connection.TurnOff(absence);
        return (null, settings.Fault() is null && container.IsPossible);
    }

    // A file that cannot be read just now may be readable later.
    private RoundResult TurnOff(bool mayAppear)
    {
        core.Forget();
        queue.Clear();
        return new RoundResult(mayAppear || settings.IsConfigured ? clock.GetUtcNow() + CheckInterval : null);
    }

    // Missing commits and tags are known, and shown, whether the forge answers or not.
    private async Task Measure(CancellationToken ct)
    {
        foreach (var agent in queue.Repositories)
        {
            try
            {
                status.Measured(agent, (await repositories.Measure(agent, ct)).Refs);
            }
            catch (Problem)
            {
                // The push reports what is wrong.
            }
        }

        await status.Publish(atOnce: false);
    }

    // Without Hive's own account agents still get their accounts; nothing is pushed.
    private async Task<ForgeLogin?> EnsureCore(IForgeAdmin admin, CancellationToken ct)
    {
        var hookFault = core.HookFault;
        try
        {
            var login = await core.Ensure(admin, ct);
            if (core.HookFault != hookFault)
                connection.Note(admin.Mode, core.HookFault);
            return login;
        }
        catch (Exception e)
            when (e is ForgeFault { Scope: FaultScope.One } or IOException or UnauthorizedAccessException)
        {
            if (connection.IsNew(e.Message))
                LogNoCore(log, e.Message);
            connection.Note(admin.Mode, e.Message);
            queue.DelayRepositories();
            return null;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Hive's own account on the forge is missing, so nothing is pushed: {Reason}"
    )]
    private static partial void LogNoCore(ILogger logger, string reason);
}

/// <summary>The result of a round.</summary>
/// <param name="Next">When the next round is due; null when only new work begins one.</param>
/// <param name="Left">The round ended early in favour of a sweep.</param>
internal readonly record struct RoundResult(DateTimeOffset? Next, bool Left = false);
