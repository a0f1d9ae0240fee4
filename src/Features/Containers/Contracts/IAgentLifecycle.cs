using Hive.Common.Errors;

namespace Hive.Features.Containers.Contracts;

/// <summary>What others may do with agents' containers. Each call shows as a transient while it lasts, and excludes
/// every other one on that agent.</summary>
internal interface IAgentLifecycle
{
    /// <summary>Which runtime an agent gets when <paramref name="asked"/> is left out or <c>auto</c>.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: none works here. Code <c>invalid</c>: there is none of that
    /// name.</exception>
    Task<string> ChooseRuntime(string? asked, CancellationToken ct);

    /// <summary>Makes an agent, with folders, roster entry and socket, and starts it unless it is external. When it
    /// cannot be made, nothing of it is left; when it cannot be started, its row says why.</summary>
    Task Spawn(string name, string runtime);

    /// <summary>Brings an agent to what is applied for it, and has it run.</summary>
    /// <exception cref="Problem">It does not run on that now; the message says why.</exception>
    Task Rebuild(string name);

    /// <summary>Does something with an agent between whose steps nobody else does anything with it, as soon as nobody
    /// does. It shows as being rebuilt meanwhile.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="work">Done once.</param>
    /// <param name="stopping">Gives up waiting for others.</param>
    Task Hold(string name, Func<IHeldAgent, Task> work, CancellationToken stopping);

    /// <summary>True when somebody wants it to run, whether it does or not; an external agent always is.</summary>
    Task<bool> IsMeantToRun(string name);

    /// <summary>True when it runs, and on what is applied for it now, or is not meant to run. An external agent need
    /// not run just now.</summary>
    Task<bool> RunsOnApplied(string name);
}

/// <summary>An agent with which nobody else does anything meanwhile.</summary>
internal interface IHeldAgent
{
    /// <summary>Brings it to what is applied for it, and has it run. What is changed by hand meanwhile is left to
    /// whoever holds it: it is neither committed nor locked.</summary>
    /// <exception cref="Problem">It does not run on that now; the message says why.</exception>
    Task Rebuild();

    /// <summary>As <see cref="IAgentLifecycle.Rebuild"/>, after something was taken back or taken up again: what it is
    /// to run on is right, so when it does not run on it, its row and the log say why and no more is to be
    /// done.</summary>
    Task RebuildAfterwards();
}
