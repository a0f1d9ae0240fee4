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
        var added = agent with { CreatedAt = clock.GetUtcNow() };
        write.Db.Execute(
            """
            INSERT INTO agents (name, runtime, recipients, active_model, created_at, duty, capabilities, capacity,
                                phases, tags)
            VALUES (@Name, @Runtime, @Recipients, @ActiveModel, @CreatedAt, @Duty, @Capabilities, @Capacity,
                    @Phases, @Tags)
            """,
            Row.Of(added)
        );
        Replace(write, state.ByName.Add(agent.Name, added), agent.Name);
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
                   status_text = @StatusText, status_set_at = @StatusSetAt, paused_at = @PausedAt,
                   duty = @Duty, capabilities = @Capabilities, capacity = @Capacity, phases = @Phases, tags = @Tags,
                   capacity_delta = @CapacityDelta, work_override = @WorkOverride, held = @Held
             WHERE name = @Name
            """,
            Row.Of(after)
        );
        Replace(write, state.ByName.SetItem(name, after), name);
        if (after.MayReceive && !before.MayReceive)
            write.Raise(new AgentResumed(name));
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
        SELECT name, runtime, paused, recipients, active_model, status_text, status_set_at, paused_at, created_at,
               duty, capabilities, capacity, phases, tags, capacity_delta, work_override, held
          FROM agents
        """;

    private void Replace(IWrite write, ImmutableDictionary<string, AgentEntry> entries, string changed)
    {
        var before = state;
        state = State.Of(entries);
        write.OnRollback(() => state = before);
        write.Raise(new AgentChanged(changed));
    }

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

        public long CreatedAt { get; init; }

        public string? Duty { get; init; }

        public string? Capabilities { get; init; }

        public int Capacity { get; init; }

        public string? Phases { get; init; }

        public string? Tags { get; init; }

        public int CapacityDelta { get; init; }

        public string? WorkOverride { get; init; }

        public string? Held { get; init; }

        public static Row Of(AgentEntry agent)
        {
            var work = agent.Configured ?? AgentWork.None;
            return new Row
            {
                Name = agent.Name,
                Runtime = agent.Runtime,
                Paused = agent.Paused,
                Recipients = Json(agent.Recipients),
                ActiveModel = agent.ActiveModel,
                StatusText = agent.StatusText,
                StatusSetAt = agent.StatusSetAt?.ToUnixTimeMilliseconds(),
                PausedAt = agent.PausedAt?.ToUnixTimeMilliseconds(),
                CreatedAt = agent.CreatedAt?.ToUnixTimeMilliseconds() ?? 0,
                Duty = work.Duty.Word(),
                Capabilities = work.Capabilities.Count == 0 ? null : Json(work.Capabilities),
                Capacity = work.Capacity,
                Phases = Json(work.Phases),
                Tags = work.Tags.Count == 0 ? null : Json(work.Tags),
                CapacityDelta = agent.CapacityDelta,
                WorkOverride = Json(agent.Override),
                Held = agent.Held,
            };
        }

        public AgentEntry ToEntry() =>
            new(
                Name,
                Runtime,
                Paused,
                Of<string[]>(Recipients),
                ActiveModel,
                StatusText,
                Instant(StatusSetAt),
                Instant(PausedAt),
                new AgentWork(
                    WorkWords.DutyOf(Duty ?? "none") ?? Common.Doors.Duty.None,
                    Of<string[]>(Capabilities) ?? [],
                    Capacity,
                    Of<string[]>(Phases),
                    Of<string[]>(Tags) ?? []
                ),
                Of<WorkOverride>(WorkOverride),
                CapacityDelta,
                Held,
                Instant(CreatedAt)
            );

        private static string? Json<T>(T? value)
            where T : class => value is null ? null : JsonSerializer.Serialize(value, WireJson.Options);

        private static T? Of<T>(string? json)
            where T : class => json is null ? null : JsonSerializer.Deserialize<T>(json, WireJson.Options);

        private static DateTimeOffset? Instant(long? at) =>
            at is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;
    }
}
