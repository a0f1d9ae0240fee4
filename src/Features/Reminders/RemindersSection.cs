using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Reminders;

/// <summary>The pending reminders in the snapshot.</summary>
internal sealed class RemindersSection : IDashboardSection
{
    public string Name => "reminders";

    public Type Type => typeof(IReadOnlyList<ReminderView>);

    public object Read(DbConnection db) => ListReminders.Pending(db);
}

/// <summary>How many reminders an agent has set, on its row.</summary>
internal sealed class PendingRemindersRowFields(PendingReminders pending) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row) => row with { PendingReminders = pending.Of(row.Name) };
}

/// <summary>The reminders that an agent waits for.</summary>
internal sealed class ReminderLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return db.Query<Row>(agent is null ? OfAll : OfOne, new { agent, shown = LooseEnd.ShownCharacters(agent) })
            .Select(r => new LooseEnd(
                "reminder",
                r.Id,
                r.Agent,
                r.Text,
                Math.Max(0, now - r.CreatedAt) / 1000,
                DueAt: DateTimeOffset.FromUnixTimeMilliseconds(r.DueAt)
            ))
            .ToArray();
    }

    private const string Columns = "id, agent, substr(message, 1, @shown) AS Text, created_at, due_at";

    private const string OfAll = $"""
        SELECT {Columns}
          FROM reminders INDEXED BY reminders_pending
         WHERE sent_at IS NULL
         ORDER BY agent, id
        """;

    private const string OfOne = $"""
        SELECT {Columns}
          FROM reminders INDEXED BY reminders_pending
         WHERE sent_at IS NULL AND agent = @agent
         ORDER BY id
        """;

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Agent { get; init; }

        public required string Text { get; init; }

        public required long CreatedAt { get; init; }

        public required long DueAt { get; init; }
    }
}
