using Dapper;
using Hive.Common.Storage;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>The stored state of one agent's container.</summary>
internal sealed record ContainerRow
{
    public required string Agent { get; init; }

    /// <summary><c>running</c> or <c>stopped</c>.</summary>
    public required string Wanted { get; init; }

    public required bool Failed { get; init; }

    public string? Note { get; init; }

    public string? Restarts { get; init; }

    public string? RunsOn { get; init; }

    /// <summary>The current run was told to end so that another follows.</summary>
    public required bool Restarting { get; init; }

    /// <summary>When its last run ended, or that was last tried to change.</summary>
    public long? ChangedAt { get; init; }

    /// <summary>Why it waits for a start until its files fit; null when it does not.</summary>
    public string? OverLimit { get; init; }

    public bool ShouldRun => Wanted == "running" && !Failed;
}

/// <summary>Reads the stored states of all containers.</summary>
internal sealed class ContainerRows(IStore store)
{
    private const string Select =
        "SELECT agent, wanted, failed, note, restarts, runs_on, restarting, changed_at, over_limit FROM containers";

    public async Task<Dictionary<string, ContainerRow>> Read(CancellationToken ct) =>
        (await store.Read(db => db.Query<ContainerRow>(Select).ToList(), ct)).ToDictionary(r => r.Agent);

    public async Task<ContainerRow?> Find(string agent) =>
        (await Read(CancellationToken.None)).GetValueOrDefault(agent);
}
