namespace Hive.Tests.Tickets;

/// <summary>An entry of a ticket's history.</summary>
internal sealed record Noted
{
    public required long Id { get; init; }

    public required long Ticket { get; init; }

    public required string Kind { get; init; }

    public string? ToPhase { get; init; }

    public string? Reason { get; init; }

    public required long Priority { get; init; }
}

/// <summary>
/// A naive model of the board of <see cref="Ticketing.Ways"/>: replays the histories of all tickets in the order of the
/// writes, and checks each step against the limits and the order of those that wait.
/// </summary>
internal sealed class WipModel
{
    private readonly SortedDictionary<long, State> tickets = [];

    private sealed class State
    {
        public required long Priority { get; init; }

        public required string Phase { get; set; }

        public bool Blocked { get; set; }

        public bool Held { get; set; }

        public long? WaitsSince { get; set; }

        public bool MayEnter => WaitsSince is not null && !Blocked && !Held;
    }

    /// <summary>The tickets in a phase.</summary>
    public int In(string phase) => tickets.Values.Count(t => t.Phase == phase);

    /// <summary>How many are blocked.</summary>
    public int Blocked => tickets.Values.Count(t => t.Blocked);

    /// <summary>The tickets that would enter Test.</summary>
    public int Waiting => tickets.Values.Count(t => t.MayEnter);

    /// <summary>Replays an entry.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="limits">The limit of each phase's column at that time.</param>
    public void Replay(Noted entry, IReadOnlyDictionary<string, int> limits)
    {
        if (entry.Kind == "created")
        {
            MustHaveRoom(entry, limits);
            tickets.Add(entry.Ticket, new State { Priority = entry.Priority, Phase = entry.ToPhase! });
            return;
        }

        var ticket = tickets[entry.Ticket];
        switch (entry.Kind)
        {
            case "moved" or "regressed" or "forced":
                if (entry.Kind != "forced")
                    MustHaveRoom(entry, limits);
                Enter(ticket, entry.ToPhase!);
                ticket.Blocked = false;
                break;
            case "advanced":
                MustHaveRoom(entry, limits);
                Assert.False(ticket.Blocked || ticket.Held, $"{entry}: a ticket went on that was kept");
                Assert.Equal(ticket.WaitsSince is null ? null : entry.Ticket, NextToEnter());
                Enter(ticket, entry.ToPhase!);
                break;
            case "waiting":
                ticket.WaitsSince = entry.Id;
                break;
            case "gate" when entry.Reason == "failed":
                ticket.WaitsSince = null;
                break;
            case "blocked":
                ticket.Blocked = true;
                break;
            case "unblocked":
                ticket.Blocked = false;
                break;
            case "held":
                ticket.Held = true;
                break;
            case "released":
                ticket.Held = false;
                break;
        }
    }

    private static void Enter(State ticket, string phase)
    {
        ticket.Phase = phase;
        ticket.WaitsSince = null;
        if (phase == "PHASE_END")
            ticket.Held = false;
    }

    private void MustHaveRoom(Noted entry, IReadOnlyDictionary<string, int> limits)
    {
        if (limits.TryGetValue(entry.ToPhase!, out var limit))
            Assert.True(In(entry.ToPhase!) < limit, $"{entry}: the column had {In(entry.ToPhase!)} of {limit}");
    }

    // The highest priority, then the longest wait.
    private long? NextToEnter() =>
        tickets
            .Where(t => t.Value.MayEnter)
            .OrderByDescending(t => t.Value.Priority)
            .ThenBy(t => t.Value.WaitsSince)
            .Select(t => (long?)t.Key)
            .FirstOrDefault();
}
