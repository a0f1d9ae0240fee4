using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Containers.Tombstones;

/// <summary>The properties of a destroyed agent that a revival restores.</summary>
internal sealed record FormerAgent
{
    public required string Runtime { get; init; }

    /// <summary>It was meant to run.</summary>
    public required bool Ran { get; init; }

    public required bool Paused { get; init; }

    public string? StatusText { get; init; }

    public long? StatusSetAt { get; init; }

    public string? WorkOverride { get; init; }

    /// <summary>The operator's changes of the tasks that it takes.</summary>
    public WorkOverride? Override =>
        WorkOverride is null ? null : JsonSerializer.Deserialize<WorkOverride>(WorkOverride, WireJson.Options);
}

/// <summary>Stores the properties of destroyed agents until they are revived or purged.</summary>
internal static class FormerAgents
{
    public static Task<FormerAgent?> Find(IStore store, string name, CancellationToken ct) =>
        store.Read(
            db =>
                db.QuerySingleOrDefault<FormerAgent>(
                    """
                    SELECT runtime, ran, paused, status_text, status_set_at, work_override
                      FROM former_agents
                     WHERE agent = @name
                    """,
                    new { name }
                ),
            ct
        );

    public static void Keep(IWrite write, AgentEntry agent, bool ran) =>
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO former_agents (agent, runtime, ran, paused, status_text, status_set_at,
                                                  work_override)
            VALUES (@Name, @Runtime, @ran, @Paused, @StatusText, @At, @WorkOverride)
            """,
            new
            {
                agent.Name,
                agent.Runtime,
                ran,
                agent.Paused,
                agent.StatusText,
                At = agent.StatusSetAt?.ToUnixTimeMilliseconds(),
                WorkOverride = agent.Override is { } changes
                    ? JsonSerializer.Serialize(changes, WireJson.Options)
                    : null,
            }
        );

    public static void Forget(IWrite write, string name) =>
        write.Db.Execute("DELETE FROM former_agents WHERE agent = @name", new { name });
}
