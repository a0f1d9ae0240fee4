using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Waiting.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Waiting;

/// <summary>
/// The one list of what waits for the operator, in memory. Each kind follows the notifications of its slice, so that a
/// change costs the work of one row and nothing is queried while nothing changes. All doors read this list.
/// </summary>
internal sealed class WaitingList : ICommitObserver, IHostedService, IWaitingReports, ITicketWaits, IDisposable
{
    /// <summary>A snoozed row comes back this long before its deadline.</summary>
    public static readonly TimeSpan BeforeDeadline = TimeSpan.FromMinutes(10);

    private const int TitleCharacters = 200;
    private const int DetailCharacters = 500;

    // Marks of rows that are not in the list are kept this long: a harness that is to report its state again may take
    // a while after a restart of the host.
    private static readonly TimeSpan MarkKept = TimeSpan.FromDays(30);

    // A row that its slice changes again and again is published as often as an agent's row.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly IStore store;
    private readonly EventHub hub;
    private readonly TimeProvider clock;
    private readonly IHostApplicationLifetime lifetime;
    private readonly IAgentRowFeed agents;
    private readonly IAgentDirectory directory;
    private readonly ITaskRuns runs;
    private readonly Dictionary<string, Changes> kinds;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WaitingMarked> marks = new(StringComparer.Ordinal);
    private readonly DueRows due;
    private List<INotification>? early = [];

    // The key of the most urgent shown row of each ticket that stands still; null after a change.
    private Dictionary<long, string>? keys;

    public WaitingList(
        IEnumerable<IWaiting> kinds,
        IStore store,
        IAgentRowFeed agents,
        IAgentDirectory directory,
        ITaskRuns runs,
        EventHub hub,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    )
    {
        (this.store, this.agents, this.directory, this.runs) = (store, agents, directory, runs);
        (this.hub, this.clock, this.lifetime) = (hub, clock, lifetime);
        this.kinds = kinds.ToDictionary(k => k.Kind, k => new Changes(this, k), StringComparer.Ordinal);
        due = new DueRows(clock, OnDue);
    }

    /// <summary>Called after each change of a shown row, under the list's lock: it must be quick.</summary>
    public event Action<WaitingView?, string>? Changed;

    /// <inheritdoc />
    public event Action<IReadOnlyCollection<long>>? TicketsChanged;

    /// <summary>The names of all kinds.</summary>
    public IEnumerable<string> Kinds => kinds.Keys.Order(StringComparer.Ordinal);

    /// <summary>All rows that are shown, snoozed ones included, the most urgent first.</summary>
    public IReadOnlyList<WaitingView> Rows
    {
        get
        {
            lock (gate)
                return WaitingUrgency.Sorted(entries.Values.Select(e => e.Shown).OfType<WaitingView>());
        }
    }

    /// <summary>The shown rows of urgency <c>now</c>, in no order.</summary>
    public IReadOnlyList<UrgentRow> Urgent
    {
        get
        {
            var now = clock.GetUtcNow();
            lock (gate)
                return
                [
                    .. entries
                        .Values.Where(e => e.Shown?.Urgency == WaitingUrgency.Now)
                        .Select(e => new UrgentRow(
                            e.Shown!,
                            MarkOf(e.Shown!.Key, e.Thing)?.SnoozedUntilAt is { } at && at <= now ? at : null
                        )),
                ];
        }
    }

    /// <inheritdoc />
    public IReadOnlyDictionary<long, string> Keys
    {
        get
        {
            lock (gate)
                return keys ??= KeysNow();
        }
    }

    /// <summary>Finds what a key names, seen or not.</summary>
    /// <exception cref="Problem">Nothing waits under that key, with what became of it.</exception>
    public (IWaiting Kind, WaitingThing Thing, WaitingMarked? Mark) Require(DbConnection db, string key)
    {
        var dash = key.IndexOf('-', StringComparison.Ordinal);
        var kind = dash < 0 ? null : kinds.GetValueOrDefault(key[..dash])?.Kind;
        if (kind is null)
            throw Problem.NotFound(
                "that key names nothing that waits: a key is a kind and an id, such as question-12; `hive waiting` "
                    + "lists all"
            );
        // Asked first: the list learns of a decision a moment after it was made.
        if (kind.Outcome(db, key[(dash + 1)..]) is { } outcome)
            throw Problem.Conflict($"{outcome}; it no longer waits");
        lock (gate)
        {
            // A turn that has told something a moment ago is in the list, and does not wait.
            if (entries.TryGetValue(key, out var entry) && !(entry.Thing.ShownFrom > clock.GetUtcNow()))
                return (kind, entry.Thing, MarkOf(key, entry.Thing));
        }

        throw Problem.NotFound($"{key} does not wait (any more); `hive waiting` lists what does");
    }

    /// <summary>The row of a key, also one that was marked as seen.</summary>
    /// <exception cref="Problem">Nothing waits under that key, with what became of it.</exception>
    public WaitingView Find(DbConnection db, string key)
    {
        var (_, _, mark) = Require(db, key);
        lock (gate)
        {
            if (entries.TryGetValue(key, out var entry))
                return entry.Shown ?? entry.View with { SnoozedUntilAt = mark?.SnoozedUntilAt };
        }

        throw Problem.NotFound($"{key} does not wait (any more); `hive waiting` lists what does");
    }

    /// <inheritdoc />
    IWaitingChanges IWaitingReports.Of(IWaiting kind) => kinds[kind.Kind];

    /// <inheritdoc />
    void ICommitObserver.OnCommitted(INotification notification) => FollowInOrder(notification);

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before the rows are read: a change after that is told.
        agents.Changed += OnRows;
        var (things, stored) = await store.Read(
            db =>
                (
                    kinds.Values.SelectMany(k => k.Kind.Read(db).Select(thing => (Kind: k, thing))).ToArray(),
                    WaitingMarks.Read(db)
                ),
            cancellationToken
        );
        lock (gate)
        {
            foreach (var mark in stored)
                marks[mark.Key] = mark;
            foreach (var (kind, thing) in things)
                kind.Load(thing);
            // The commits around the read are followed again, in their order; so every row ends in its newest state,
            // whether or not the read saw it.
            foreach (var notification in early!.Prepend(new AgentRowsPublished(agents.All)))
                Follow(notification);
            early = null;
        }

        DeleteOld(stored);
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken)
    {
        agents.Changed -= OnRows;
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
            due.Dispose();
    }

    private void OnRows(IReadOnlyList<ContainerView> rows) => FollowInOrder(new AgentRowsPublished(rows));

    private void FollowInOrder(INotification notification)
    {
        lock (gate)
        {
            if (early is not null)
                early.Add(notification);
            else
                Follow(notification);
        }
    }

    private void Follow(INotification notification)
    {
        if (notification is WaitingMarked mark)
        {
            if (entries.ContainsKey(mark.Key))
            {
                marks[mark.Key] = mark;
                Update(mark.Key);
            }
            else
            {
                Delete(mark);
            }

            return;
        }

        foreach (var kind in kinds.Values)
            kind.Kind.Follow(notification, kind);
        if (notification is AgentTasksChanged changed)
            ShowStopped(changed.Agent);
    }

    // The things that stop an agent name the tasks that it has now.
    private void ShowStopped(string agent)
    {
        foreach (var (_, entry) in entries.Where(e => e.Value.Thing.Stops == agent).ToArray())
            kinds[entry.View.Kind].Put(entry.Thing);
    }

    private void OnDue()
    {
        lock (gate)
        {
            foreach (var key in due.Take())
                Update(key);
        }
    }

    // A mark counts for the version that was marked, and for earlier ones.
    private WaitingMarked? MarkOf(string key, WaitingThing thing) =>
        marks.GetValueOrDefault(key) is { } mark && mark.Version >= thing.Version ? mark : null;

    // Compares what should be shown of a row with what was published of it, and publishes the difference.
    private void Update(string key, bool quiet = false, bool canWait = false)
    {
        if (!entries.TryGetValue(key, out var entry))
            return;
        var now = clock.GetUtcNow();
        var thing = entry.Thing;
        if (thing.ShownUntil <= now)
        {
            Remove(key);
            return;
        }

        var mark = MarkOf(key, thing);
        var snoozed = mark?.SnoozedUntilAt is { } until && until > now ? mark.SnoozedUntilAt : null;
        var view = thing.ShownFrom > now || mark?.IsSeen == true ? null : entry.View with { SnoozedUntilAt = snoozed };
        var before = entry.Shown;
        entry.Shown = view;
        Stop(before, view, quiet);
        var next = entry.PublishedAt + Pause;
        // A snapshot in the meantime may have shown another row than the last event, even if it has changed back.
        if (!quiet && (entry.IsHeld || !IsSame(before, view)))
        {
            // A clock that was set back holds nothing.
            entry.IsHeld = canWait && before is not null && view is not null && entry.PublishedAt <= now && next > now;
            if (!entry.IsHeld)
            {
                entry.PublishedAt = now;
                Publish(key, view, before is not null);
            }
        }

        due.Set(
            key,
            Earliest(
                thing.ShownFrom > now ? thing.ShownFrom : null,
                thing.ShownUntil,
                snoozed,
                entry.IsHeld ? next : null
            )
        );
    }

    private void Remove(string key)
    {
        if (!entries.Remove(key, out var entry))
            return;
        due.Set(key, null);
        // A revival brings the rows of a destroyed agent back, snoozed as they were.
        var revivable = entry.Thing.Agent is { } agent && !directory.Names.Contains(agent);
        if (!revivable && marks.Remove(key, out var mark))
            Delete(mark);
        Stop(entry.Shown, null);
        if (entry.Shown is not null)
            Publish(key, null, wasShown: true);
    }

    private Dictionary<long, string> KeysNow()
    {
        Dictionary<long, string> now = [];
        var rows = entries.Values.Select(e => e.Shown).OfType<WaitingView>().Where(row => row.Tickets is not null);
        foreach (var row in WaitingUrgency.Sorted(rows))
        {
            foreach (var ticket in row.Tickets!)
                now.TryAdd(ticket, row.Key);
        }

        return now;
    }

    // Another row may be the most urgent one of their tickets now.
    private void Stop(WaitingView? before, WaitingView? view, bool quiet = false)
    {
        if ((before?.Tickets ?? view?.Tickets) is null || IsSame(before, view))
            return;
        keys = null;
        if (!quiet)
            TicketsChanged?.Invoke([.. before?.Tickets ?? [], .. view?.Tickets ?? []]);
    }

    private void Publish(string key, WaitingView? view, bool wasShown)
    {
        if (view is not null)
            hub.Publish(new DashboardEvent("waiting_changed", "waiting", view));
        else if (wasShown)
            hub.Publish(new DashboardEvent("waiting_removed", "key", key));
        Changed?.Invoke(view, key);
    }

    private void Delete(WaitingMarked mark) =>
        _ = store.WriteUntilStored(write => WaitingMarks.Delete(write, mark), clock, lifetime.ApplicationStopping);

    // Marks whose rows have not come back for long.
    private void DeleteOld(IReadOnlyList<WaitingMarked> stored)
    {
        WaitingMarked[] gone;
        lock (gate)
            gone = [.. stored.Where(mark => !entries.ContainsKey(mark.Key))];
        if (gone.Length > 0)
            _ = store.WriteUntilStored(
                write => WaitingMarks.DeleteBefore(write, gone, clock.GetUtcNow() - MarkKept),
                clock,
                lifetime.ApplicationStopping
            );
    }

    private static DateTimeOffset? Earliest(params ReadOnlySpan<DateTimeOffset?> times)
    {
        DateTimeOffset? earliest = null;
        foreach (var time in times)
        {
            if (time is not null && (earliest is null || time < earliest))
                earliest = time;
        }

        return earliest;
    }

    // A record with a list in it is equal to itself only.
    private static bool IsSame(WaitingView? one, WaitingView? other) =>
        one is null || other is null
            ? one is null && other is null
            : one.Refs.SequenceEqual(other.Refs)
                && (one.Tickets ?? []).SequenceEqual(other.Tickets ?? [])
                && (one.Tasks ?? []).SequenceEqual(other.Tasks ?? [])
                && one with { Refs = other.Refs, Tickets = other.Tickets, Tasks = other.Tasks } == other;

    /// <summary>A shown row, and when its last snooze ran out by itself.</summary>
    public readonly record struct UrgentRow(WaitingView Row, DateTimeOffset? SnoozeEndedAt);

    /// <summary>One thing, what all doors show of it, and when that was last published.</summary>
    private sealed class Entry(WaitingThing thing, WaitingView view)
    {
        public WaitingThing Thing => thing;

        public WaitingView View => view;

        public WaitingView? Shown { get; set; }

        public DateTimeOffset? PublishedAt { get; set; }

        /// <summary>It has changed since, and is published a little later.</summary>
        public bool IsHeld { get; set; }
    }

    /// <summary>Takes the changes of one kind. A kind that follows a notification already holds the lock.</summary>
    private sealed class Changes(WaitingList list, IWaiting kind) : IWaitingChanges
    {
        public IWaiting Kind => kind;

        public void Put(WaitingThing thing) => Put(thing, quiet: false);

        public void Remove(string id)
        {
            lock (list.gate)
                list.Remove(KeyOf(id));
        }

        public void Load(WaitingThing thing) => Put(thing, quiet: true);

        private void Put(WaitingThing thing, bool quiet)
        {
            var key = KeyOf(thing.Id);
            lock (list.gate)
            {
                var before = list.entries.GetValueOrDefault(key);
                list.entries[key] = new Entry(thing, View(key, thing))
                {
                    Shown = before?.Shown,
                    PublishedAt = before?.PublishedAt,
                    IsHeld = before?.IsHeld == true,
                };
                list.Update(key, quiet, canWait: true);
            }
        }

        private string KeyOf(string id) => $"{kind.Kind}-{id}";

        private WaitingView View(string key, WaitingThing thing)
        {
            var stopped = thing.Stops is { } agent ? list.runs.Of(agent) : [];
            return new(
                key,
                kind.Kind,
                thing.Id,
                ShownText.OneLine(thing.Title, TitleCharacters),
                thing.SinceAt,
                thing.Urgency,
                thing.Refs,
                thing.Url ?? $"/waiting/{key}",
                thing.Agent,
                thing.Detail is { } detail ? TextRules.CutCharacters(detail, DetailCharacters) : null,
                thing.DeadlineAt,
                CanBePutAside: thing.CanBePutAside ? true : null,
                Tickets: Several(thing.Ticket, stopped.Select(one => one.Ticket)),
                Tasks: Several(thing.Task, stopped.Select(one => one.Task))
            );
        }

        private static long[]? Several(long? one, IEnumerable<long> others)
        {
            long[] all = [.. (one is { } first ? others.Prepend(first) : others).Distinct()];
            return all.Length == 0 ? null : all;
        }
    }
}
