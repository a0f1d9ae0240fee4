using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Making;

/// <summary>The two scripted agents for a first look: their names and scripts, and which of them exist.</summary>
internal sealed class DemoAgents(IStore store, IRoster roster) : IAgentDataCleanup
{
    /// <summary>Bob first: ann writes to him as soon as she starts. On nixos a name has at most nine
    /// characters.</summary>
    public static readonly IReadOnlyList<(string Name, string Script)> All =
    [
        ("demo-bob", "demo-bob.yaml"),
        ("demo-ann", "demo-ann.yaml"),
    ];

    /// <summary>Records in the write that creates an agent that it is one of these.</summary>
    public static void Add(IWrite write, string name) =>
        write.Db.Execute("INSERT OR REPLACE INTO demo_agents (agent) VALUES (@name)", new { name });

    /// <summary>Those that exist. An agent that the operator named like one of them does not count.</summary>
    public Task<IReadOnlyList<string>> Existing(CancellationToken ct) =>
        store.Read<IReadOnlyList<string>>(
            db =>
                [
                    .. db.Query<string>("SELECT agent FROM demo_agents ORDER BY agent")
                        .Where(agent => roster.Find(agent) is not null),
                ],
            ct
        );

    public void Remove(IWrite write, string agent, bool purge)
    {
        if (purge)
            Forget(write, agent);
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (!revived)
            Forget(write, agent);
    }

    private static void Forget(IWrite write, string agent) =>
        write.Db.Execute("DELETE FROM demo_agents WHERE agent = @agent", new { agent });
}
