using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;

namespace Hive.Runtimes;

/// <summary>A way to run agents: one container each, found again by every later host. Whoever calls sees to it that one
/// thing happens with an agent at a time.</summary>
internal interface IRuntime
{
    /// <summary>Its name in configuration and on rows.</summary>
    string Name { get; }

    /// <summary>Why it does not work here, found by a trial run, then behind the last semicolon what helps; null when
    /// it works.</summary>
    Task<string?> Fault(CancellationToken ct);

    /// <summary>What is weak about it here (no isolation, limits it cannot enforce), said on every row it runs; null
    /// for nothing.</summary>
    Task<string?> Weakness(CancellationToken ct);

    /// <summary>Why no agent of that name can run on it, with what helps; null when one can.</summary>
    string? NameFault(string agent) => null;

    /// <summary>Creates an agent's container anew where it is not as the blueprint says, and starts it.</summary>
    /// <exception cref="Problem">It could not be started; nothing of the attempt runs.</exception>
    Task<IRunning> Start(Blueprint blueprint, CancellationToken ct);

    /// <summary>The agent's container if it runs, whoever started it; null when it does not.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: whether it runs cannot be found out now.</exception>
    Task<IRunning?> Find(string agent, CancellationToken ct);

    /// <summary>The agents of this host's data folder of which there is a container, and whether it runs. Notices every
    /// end that was missed until then.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: that cannot be found out now.</exception>
    Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct);

    /// <summary>Ends whatever there is of an agent's container and removes it with its log; nothing there is no
    /// error.</summary>
    Task Remove(string agent);

    /// <summary>The newest lines an agent has printed, oldest first.</summary>
    Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct);

    /// <summary>The newest lines, then what is added, as it is added.</summary>
    IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, CancellationToken ct);

    /// <summary>Runs a program inside the agent's running container, as the operator.</summary>
    Task<Executed> Exec(string agent, IReadOnlyList<string> command, CancellationToken ct);
}

/// <summary>One run of an agent's container, from its start to its end.</summary>
internal interface IRunning
{
    /// <summary>What the system calls it, for a person: <c>pid 4711</c>.</summary>
    string Id { get; }

    DateTimeOffset StartedAt { get; }

    /// <summary>The run folder in which it has its socket; null when that is not known.</summary>
    string? RunDir { get; }

    /// <summary>Completes when it has ended and its last words are in its log.</summary>
    Task Ended { get; }

    /// <summary>How it ended, for a person; known after it has.</summary>
    Task<Outcome> Outcome();

    /// <summary>Asks it to end (TERM).</summary>
    Task Terminate();

    /// <summary>Ends it at once (KILL).</summary>
    Task Kill();
}

/// <summary>How a container ended.</summary>
/// <param name="Clean">With exit code 0.</param>
/// <param name="Note">What else there was, for a person.</param>
internal readonly record struct Outcome(bool Clean, string? Note)
{
    /// <summary>What an exit code says; over 128 it is a signal's number, as shells have it.</summary>
    public static Outcome Of(int exitCode) =>
        exitCode == 0
            ? new Outcome(true, null)
            : new Outcome(
                false,
                exitCode > 128 ? $"ended by signal {exitCode - 128}" : $"ended with exit code {exitCode}"
            );
}

/// <summary>What a program that was run inside a container came to.</summary>
internal sealed record Executed(int ExitCode, string Output);

/// <summary>What a container is made from.</summary>
/// <param name="Agent">Whose it is.</param>
/// <param name="Command">The program in it and its arguments, by their paths in the container.</param>
/// <param name="Mounts">All that it sees of the host's files, beside what its runtime gives to every container.</param>
/// <param name="Environment">The variables of its program, with paths as in the container.</param>
/// <param name="Limits">What it may use.</param>
internal sealed record Blueprint(
    AgentEntry Agent,
    IReadOnlyList<string> Command,
    IReadOnlyList<Mount> Mounts,
    IReadOnlyDictionary<string, string> Environment,
    AgentLimits Limits
)
{
    /// <summary>Where its program starts.</summary>
    public string WorkingDirectory => $"/agents/{Agent.Name}/state";
}

/// <summary>A folder of the host that a container sees.</summary>
/// <param name="Source">Where it is on the host.</param>
/// <param name="Target">Where it is in the container.</param>
/// <param name="Writable">It may be changed from inside.</param>
internal sealed record Mount(string Source, string Target, bool Writable);
