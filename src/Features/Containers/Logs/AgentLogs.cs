using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Runtimes;

namespace Hive.Features.Containers.Logs;

/// <summary>Reads the output of agents from their runtimes.</summary>
internal sealed class AgentLogs(IRoster roster, RuntimeCatalog runtimes)
{
    private const int DefaultLines = 200;
    private const int MaxLines = 5000;

    /// <summary>Reads the newest lines, oldest first; none for an agent without a container.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: unknown agent.</exception>
    public async Task<IReadOnlyList<string>> Tail(string agent, long? lines, CancellationToken ct) =>
        runtimes.Find(roster.Require(agent).Runtime) is { } runtime
            ? await runtime.Tail(agent, Bounded(lines), ct)
            : [];

    /// <summary>Reads the newest lines, then every line that is added.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: unknown agent. Code <c>conflict</c>: it has no
    /// container.</exception>
    public IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, long? lines, CancellationToken ct) =>
        runtimes.Find(roster.Require(agent).Runtime) is { } runtime
            ? runtime.Follow(agent, Bounded(lines), ct)
            : throw Problem.Conflict($"{agent} is external; its output is where it runs");

    private static int Bounded(long? lines) => (int)Math.Clamp(lines ?? DefaultLines, 1, MaxLines);
}
