using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Containers.Logs;

/// <summary>What agents have printed, from wherever their runtimes keep it.</summary>
internal sealed class AgentLogs(IRoster roster, Runtimes runtimes)
{
    private const int DefaultLines = 200;
    private const int MaxLines = 5000;

    /// <summary>The newest lines, oldest first; none for an agent without a container.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: there is no such agent.</exception>
    public async Task<IReadOnlyList<string>> Tail(string agent, long? lines, CancellationToken ct) =>
        runtimes.Find(roster.Require(agent).Runtime) is { } runtime
            ? await runtime.Tail(agent, Bounded(lines), ct)
            : [];

    /// <summary>The newest lines, then what is added, as it is added.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: there is no such agent. Code <c>conflict</c>: it has no
    /// container.</exception>
    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, long? lines, CancellationToken ct) =>
        runtimes.Find(roster.Require(agent).Runtime) is { } runtime
            ? runtime.Follow(agent, Bounded(lines), ct)
            : throw Problem.Conflict($"{agent} is external: what it prints is where it runs");

    private static int Bounded(long? lines) => (int)Math.Clamp(lines ?? DefaultLines, 1, MaxLines);
}
