using Hive.Common.Errors;

namespace Hive.Features.Containers.Contracts;

/// <summary>Lets other slices spawn, rebuild and hold agents. Each call shows as a transient while it lasts, and
/// excludes all other operations on that agent.</summary>
internal interface IAgentLifecycle
{
    /// <summary>Chooses an agent's runtime when <paramref name="asked"/> is left out or <c>auto</c>.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: none works on this machine. Code <c>invalid</c>: unknown
    /// runtime.</exception>
    Task<string> ChooseRuntime(string? asked, CancellationToken ct);

    /// <summary>Creates an agent, with folders, roster entry and socket, and starts it unless it is external. A failed
    /// creation leaves nothing behind; if only the start fails, the agent's row says why.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the name is taken, or something is kept under it and
    /// <paramref name="setup"/> has a configuration of its own. Code <c>invalid</c>: the configuration cannot be
    /// used.</exception>
    Task<SpawnedAgent> Spawn(string name, string runtime, AgentSetup? setup = null);

    /// <summary>Destroys an agent; with a purge nothing is kept of it.</summary>
    Task Destroy(string name, bool purge);

    /// <summary>Recreates an agent from its applied configuration, and starts it.</summary>
    /// <exception cref="Problem">It does not run on that configuration; the message says why.</exception>
    Task Rebuild(string name);

    /// <summary>Stops an agent and starts it again on its current configuration.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: another operation on it is in progress, or it is external. Its
    /// configuration may also be refused; nothing is stopped then.</exception>
    Task Restart(string name);

    /// <summary>Waits until no other operation on an agent is in progress, and runs several steps that no other
    /// operation can interrupt. The agent shows as rebuilding.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="work">Run once.</param>
    /// <param name="stopping">Gives up waiting.</param>
    Task Hold(string name, Func<IHeldAgent, Task> work, CancellationToken stopping);

    /// <summary>True when the agent should run, whether it does or not; always true for an external agent.</summary>
    Task<bool> IsMeantToRun(string name);

    /// <summary>True when the agent runs on its current applied configuration, or should not run. An external agent
    /// need not run at this moment.</summary>
    Task<bool> RunsOnApplied(string name);
}

/// <summary>An agent that has just been created.</summary>
/// <param name="Running">It was started.</param>
/// <param name="Note">Why it does not run, or a weakness of its container.</param>
internal sealed record SpawnedAgent(bool Running, string? Note);

/// <summary>An agent that is kept from all other operations.</summary>
internal interface IHeldAgent
{
    /// <summary>Recreates it from its applied configuration, and starts it. Changes by hand in the meantime are left to
    /// the caller: they are neither committed nor locked.</summary>
    /// <param name="progress">Is told how far the rebuild has come.</param>
    /// <exception cref="Problem">It does not run on that configuration; the message says why.</exception>
    Task Rebuild(IRebuildProgress? progress = null);

    /// <summary>Does the same as <see cref="IAgentLifecycle.Rebuild"/> after a rollback or a recovery. The
    /// configuration is right then, so if the agent does not run on it, its row and the log say why and nothing is
    /// thrown.</summary>
    Task RebuildAfterwards();
}

/// <summary>Is told how far the rebuild of an agent has come.</summary>
internal interface IRebuildProgress
{
    /// <summary>The current run is being ended.</summary>
    void Stopping();

    /// <summary>The next run is being started.</summary>
    void Starting();

    /// <summary>The next run has printed lines; the last ones may come after the rebuild.</summary>
    void Printed(IReadOnlyList<string> lines);

    /// <summary>The rebuild, or what was done with its result, has failed.</summary>
    void Failed(string error);

    /// <summary>The earlier configuration is being restored.</summary>
    void RollingBack();

    /// <summary>It is restored.</summary>
    void RolledBack();
}
