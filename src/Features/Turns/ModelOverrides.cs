using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Turns;

/// <summary>The stored settings of an agent's harness.</summary>
/// <param name="Model">The model that the operator set; null for the configured one.</param>
/// <param name="ModelSet">True when the operator set it, also when that is the configured one.</param>
/// <param name="NeedsLogin">Whether the manager was last told that the agent needs a login.</param>
internal sealed record ModelOverride(string? Model = null, bool ModelSet = false, bool NeedsLogin = false)
{
    public static ModelOverride None { get; } = new();
}

/// <summary>Keeps the models that the operator set, whether a harness is connected or not. Read from memory at any
/// time; changed only inside a write.</summary>
internal sealed class ModelOverrides(IStore store) : IHostedService
{
    private readonly ConcurrentDictionary<string, ModelOverride> overrides = new(StringComparer.Ordinal);

    public ModelOverride Of(string agent) => overrides.GetValueOrDefault(agent) ?? ModelOverride.None;

    public void Change(IWrite write, string agent, Func<ModelOverride, ModelOverride> change)
    {
        var before = Of(agent);
        var after = change(before);
        if (after == before)
            return;
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO harness_wishes (agent, model, model_set, needs_login)
            VALUES (@agent, @Model, @ModelSet, @NeedsLogin)
            """,
            new
            {
                agent,
                after.Model,
                after.ModelSet,
                after.NeedsLogin,
            }
        );
        overrides[agent] = after;
        write.OnRollback(() => overrides[agent] = before);
    }

    public void Forget(IWrite write, string agent)
    {
        write.Db.Execute("DELETE FROM harness_wishes WHERE agent = @agent", new { agent });
        if (overrides.TryRemove(agent, out var before))
            write.OnRollback(() => overrides[agent] = before);
    }

    async Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        var rows = await store.Read(
            db => db.Query<Row>("SELECT agent, model, model_set, needs_login FROM harness_wishes").ToArray(),
            cancellationToken
        );
        foreach (var row in rows)
            overrides[row.Agent] = new ModelOverride(row.Model, row.ModelSet, row.NeedsLogin);
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private sealed record Row
    {
        public required string Agent { get; init; }

        public string? Model { get; init; }

        public required bool ModelSet { get; init; }

        public required bool NeedsLogin { get; init; }
    }
}
