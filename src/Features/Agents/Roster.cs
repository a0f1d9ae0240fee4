using System.Collections.Immutable;
using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <inheritdoc />
internal sealed class Roster(TimeProvider clock) : IRoster
{
    private volatile State state = State.Empty;

    public IReadOnlyList<AgentEntry> All => state.Ordered;

    public IReadOnlyList<string> Names => state.Names;

    public AgentEntry? Find(string name) => state.ByName.GetValueOrDefault(name);

    public AgentEntry Require(string name)
    {
        var now = state;
        if (now.ByName.TryGetValue(name, out var agent))
            return agent;
        var near = NearNames.Of(name, now.Names.Append(Principals.Operator));
        throw Problem.NotFound(
            near.Length > 0
                ? $"agent '{Shown(name)}' not found; did you mean {string.Join(" or ", near)}?"
                : $"agent '{Shown(name)}' not found; existing agents: {Some(now.Names)}"
        );
    }

    public void Add(IWrite write, AgentEntry agent)
    {
        if (Find(agent.Name) is not null)
            throw Problem.Conflict($"agent '{agent.Name}' already exists; choose another name");
        write.Db.Execute(
            """
            INSERT INTO agents (name, runtime, recipients, active_model, created_at)
            VALUES (@Name, @Runtime, @Recipients, @ActiveModel, @At)
            """,
            new
            {
                agent.Name,
                agent.Runtime,
                Recipients = Json(agent.Recipients),
                agent.ActiveModel,
                At = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            }
        );
        Replace(write, state.ByName.Add(agent.Name, agent), agent.Name);
    }

    public AgentEntry Change(IWrite write, string name, Func<AgentEntry, AgentEntry> change)
    {
        var before = Require(name);
        var after = change(before);
        if (after == before)
            return after;
        write.Db.Execute(
            """
            UPDATE agents
               SET runtime = @Runtime, paused = @Paused, recipients = @Recipients, active_model = @ActiveModel,
                   status_text = @StatusText, status_set_at = @StatusSetAt, paused_at = @PausedAt
             WHERE name = @Name
            """,
            new
            {
                after.Name,
                after.Runtime,
                after.Paused,
                Recipients = Json(after.Recipients),
                after.ActiveModel,
                after.StatusText,
                StatusSetAt = after.StatusSetAt?.ToUnixTimeMilliseconds(),
                PausedAt = after.PausedAt?.ToUnixTimeMilliseconds(),
            }
        );
        Replace(write, state.ByName.SetItem(name, after), name);
        return after;
    }

    public void Remove(IWrite write, string name)
    {
        Require(name);
        write.Db.Execute("DELETE FROM agents WHERE name = @name", new { name });
        Replace(write, state.ByName.Remove(name), name);
    }

    /// <summary>Loads the stored roster at the host's start.</summary>
    public async Task Load(IStore store, CancellationToken ct)
    {
        var rows = await store.Read(db => db.Query<Row>(Select).ToList(), ct);
        state = State.Of(rows.Select(r => r.ToEntry()).ToImmutableDictionary(e => e.Name));
    }

    private const string Select = """
        SELECT name, runtime, paused, recipients, active_model, status_text, status_set_at, paused_at
          FROM agents
        """;

    private void Replace(IWrite write, ImmutableDictionary<string, AgentEntry> entries, string changed)
    {
        var before = state;
        state = State.Of(entries);
        write.OnRollback(() => state = before);
        write.Raise(new AgentChanged(changed));
    }

    private static string? Json(IReadOnlyList<string>? recipients) =>
        recipients is null ? null : JsonSerializer.Serialize(recipients, WireJson.Options);

    private static string Shown(string name) => name.Length <= 40 ? name : string.Concat(name.AsSpan(0, 40), "…");

    private static string Some(IReadOnlyList<string> names) =>
        names.Count switch
        {
            0 => "none yet",
            <= 10 => string.Join(", ", names),
            _ => $"{string.Join(", ", names.Take(10))} and {names.Count - 10} more",
        };

    private sealed record State(
        ImmutableDictionary<string, AgentEntry> ByName,
        IReadOnlyList<AgentEntry> Ordered,
        IReadOnlyList<string> Names
    )
    {
        public static State Empty { get; } = Of(ImmutableDictionary<string, AgentEntry>.Empty);

        public static State Of(ImmutableDictionary<string, AgentEntry> entries)
        {
            AgentEntry[] ordered =
            [
                .. entries.Values.OrderByDescending(e => e.IsManager).ThenBy(e => e.Name, StringComparer.Ordinal),
            ];
            return new State(entries, ordered, [.. ordered.Select(e => e.Name)]);
        }
    }

    private sealed record Row
    {
        public required string Name { get; init; }

        public required string Runtime { get; init; }

        public required bool Paused { get; init; }

        public string? Recipients { get; init; }

        public string? ActiveModel { get; init; }

        public string? StatusText { get; init; }

        public long? StatusSetAt { get; init; }

        public long? PausedAt { get; init; }

        public AgentEntry ToEntry() =>
            new(
                Name,
                Runtime,
                Paused,
                Recipients is null ? null : JsonSerializer.Deserialize<string[]>(Recipients, WireJson.Options),
                ActiveModel,
                StatusText,
                Instant(StatusSetAt),
                Instant(PausedAt)
            );

        private static DateTimeOffset? Instant(long? at) =>
            at is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;
    }
}
