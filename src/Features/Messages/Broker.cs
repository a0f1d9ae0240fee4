using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Messages;

/// <summary>
/// The message broker. Every step runs inside a write, on the writer's thread, which therefore decides the order of all
/// of them:
/// a receiver that starts to wait and a message that arrives at the same moment cannot miss each other.
/// </summary>
internal sealed partial class Broker(
    IStore store,
    IRoster roster,
    ILostTurns lostTurns,
    IWakeNotes wakeNotes,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IOutbox, IInflight, ITurnEnds
{
    /// <summary>The error of messages whose turn the operator cancelled, unless the harness says more.</summary>
    public const string CancelledByOperator = "cancelled by the operator";

    // Leased messages kept in memory, per agent: acknowledging one then needs no look at its row. Most agents hold one
    // to a few.
    private const int RememberedLeases = 256;

    private const string LostNote = "the agent's process ended in the middle of it";

    // Turns of one agent that run at a time. A harness runs one; whoever begins many and ends none is stopped here.
    private const int MostTurns = 32;

    private readonly Dictionary<string, Inbox> inboxes = new(StringComparer.Ordinal);

    /// <summary>Asked to make delayed messages ready at that time (unix milliseconds); set once by the
    /// clockwork.</summary>
    public Action<long>? Alarm { get; set; }

    /// <summary>Messages that wait for a recipient; from any thread.</summary>
    public long Unread(string name) => Waiting(name).Unread;

    /// <summary>Messages that wait for a recipient, those of them in back-off, and parked ones; from any
    /// thread.</summary>
    public (long Unread, long Delayed, long Parked) Waiting(string name)
    {
        lock (inboxes)
        {
            return inboxes.TryGetValue(name, out var inbox)
                ? (inbox.Unread, inbox.InBackoff, inbox.SetAside)
                : (0, 0, 0);
        }
    }

    /// <summary>Stores one message and, when its recipient waits, leases it to the receiver at once: one commit instead
    /// of two.</summary>
    public Message Send(IWrite write, Outgoing message)
    {
        var inbox = Of(message.To);
        var now = Now();
        if (inbox.Ready.Count == 0 && WaitingReceiver(write, inbox) is { } waiter)
        {
            // First, as it is the older news.
            if (waiter.Room > 1 && TakeWakeNote(write, inbox) is { } note)
                SendTo(write, inbox, waiter, note, now);
            return SendTo(write, inbox, waiter, message, now);
        }

        var sent = Insert(write, message, now, deliveredAt: null, turn: null);
        MakeReady(write, inbox, sent.Id);
        write.Raise(new MessageChanged("sent", sent));
        Serve(write, inbox);
        return sent;
    }

    // Stores a message as leased to a receiver that waits.
    private static Message SendTo(IWrite write, Inbox inbox, Waiter waiter, Outgoing message, long now)
    {
        var delivered = InsertLeased(write, inbox, waiter.Connection, message, now);
        Grant(write, waiter, delivered with { Redelivered = false });
        return delivered;
    }

    private static Message InsertLeased(IWrite write, Inbox inbox, long connection, Outgoing message, long now)
    {
        var lease = LeaseOf(inbox, connection);
        var delivered = Insert(write, message, now, deliveredAt: now, InTurn(lease));
        Hold(write, inbox, lease, delivered);
        write.Raise(new MessageChanged("sent", delivered with { DeliveredAt = null }));
        return delivered;
    }

    // The note of an agent's start goes with the first message that it receives: alone it would cost a turn.
    private Outgoing? TakeWakeNote(IWrite write, Inbox inbox) =>
        wakeNotes.Take(write, inbox.Owner) is { } text ? new Outgoing(Principals.System, inbox.Owner, text, []) : null;

    /// <inheritdoc />
    public void Append(IWrite write, string from, string to, string body, IReadOnlyList<string>? fileRefs = null)
    {
        if (to == Principals.Operator || roster.Find(to) is not null)
            Send(write, new Outgoing(from, to, body, fileRefs ?? []));
    }

    /// <summary>Leases what is ready, or lets the receiver wait if there is nothing.</summary>
    /// <returns>What was leased; empty when <paramref name="waiter"/> now waits or nobody is to wait.</returns>
    public IReadOnlyList<Message> Receive(IWrite write, Caller caller, int max, Waiter? waiter)
    {
        var inbox = Of(caller.Name);
        var connection = caller.Connection!.Id;
        var paused = roster.Require(caller.Name).Paused;
        // Whoever asks again inside its turn has not got what nobody is known to have seen.
        if (
            !paused
            && inbox.Ready.Count == 0
            && inbox.TurnOfConnection.TryGetValue(connection, out var turn)
            && inbox.Turns.Contains(turn)
        )
            Requeue(write, inbox, lease => lease.Turn == turn && lease.IsDoubtful);
        if (!paused && inbox.Ready.Count > 0)
        {
            List<Message> messages = [];
            while (messages.Count < max && inbox.Ready.Count > 0)
                messages.Add(LeaseOldest(write, inbox, connection));
            if (messages.Count < max && TakeWakeNote(write, inbox) is { } note)
            {
                var told = InsertLeased(write, inbox, connection, note, Now());
                write.Raise(new MessageChanged("delivered", told));
                messages.Add(told with { Redelivered = false });
            }

            return messages;
        }

        if (waiter is not null)
        {
            inbox.Waiters.AddLast(waiter);
            // By who it is, not by its place: the undoing of a later step may have put it back in another.
            write.OnRollback(() => inbox.Waiters.Remove(waiter));
        }

        return [];
    }

    /// <summary>Ends a wait that has not been served; one that has is left to its messages.</summary>
    public void Withdraw(IWrite write, string name, Waiter waiter)
    {
        var inbox = Of(name);
        if (waiter.Granted.Count > 0 || !inbox.Waiters.Remove(waiter))
            return;
        write.OnRollback(() => inbox.Waiters.AddFirst(waiter));
        write.AfterCommit(waiter.Answer);
    }

    /// <summary>Tells what is ready to be received; lets <paramref name="lookout"/> wait when nothing of that is new to
    /// it.</summary>
    public (AwaitMessages.Result Found, bool Waits) LookOut(IWrite write, string name, Lookout? lookout)
    {
        var paused = roster.Require(name).Paused;
        var inbox = Of(name);
        var waits = lookout is not null && (paused || !IsNews(inbox, lookout));
        if (waits)
        {
            inbox.Lookouts.Add(lookout!);
            write.OnRollback(() => inbox.Lookouts.Remove(lookout!));
        }
        else if (lookout is not null)
        {
            Tell(write, inbox);
        }

        return (Found(inbox, paused), waits);
    }

    /// <summary>Ends a wait without receiving, and tells what is ready.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">Whose.</param>
    /// <param name="lookout">The wait.</param>
    /// <param name="heard">False when nobody is there any more to be told.</param>
    public AwaitMessages.Result LookAway(IWrite write, string name, Lookout lookout, bool heard)
    {
        var paused = roster.Require(name).Paused;
        var inbox = Of(name);
        if (inbox.Lookouts.Remove(lookout))
            write.OnRollback(() => inbox.Lookouts.Add(lookout));
        if (heard && !paused && IsNews(inbox, lookout))
            Tell(write, inbox);
        return Found(inbox, paused);
    }

    private static AwaitMessages.Result Found(Inbox inbox, bool paused) =>
        paused || inbox.Ready.Count == 0
            ? new AwaitMessages.Result(0, null, inbox.Told)
            : new AwaitMessages.Result(inbox.Ready.Count, inbox.Ready.Max, inbox.Told);

    private static void Tell(IWrite write, Inbox inbox)
    {
        var before = inbox.Told;
        inbox.Told = Math.Max(before, inbox.Ready.Max);
        write.OnRollback(() => inbox.Told = before);
    }

    /// <summary>Undoes leases whose answer never reached anybody: as if they had not been given.</summary>
    public void Undo(IWrite write, Caller caller, IEnumerable<long> ids)
    {
        var inbox = Of(caller.Name);
        // Somebody else may hold one of them by now: the turn it belonged to has ended meanwhile.
        foreach (
            var id in ids.Where(id =>
                    inbox.Leased.TryGetValue(id, out var lease) && lease.Connection == caller.Connection!.Id
                )
                .ToArray()
        )
        {
            var row = write
                .Prepare(
                    $"UPDATE messages SET delivered_at = NULL, turn = NULL, deliveries = deliveries - 1 WHERE id = ?1 RETURNING {MessageRow.Columns}"
                )
                .Bind(1, id);
            Release(write, inbox, id);
            MakeReady(write, inbox, id);
            write.Raise(new MessageChanged("requeued", One(row)));
        }

        Serve(write, inbox);
    }

    /// <summary>Acknowledges what is leased among <paramref name="ids"/>.</summary>
    /// <returns>How many were.</returns>
    public int Ack(IWrite write, string name, IEnumerable<long> ids)
    {
        var inbox = Of(name);
        var now = Now();
        var count = 0;
        foreach (var id in ids)
        {
            if (!inbox.Leased.ContainsKey(id))
                continue;
            Acked(write, id, now, Release(write, inbox, id).Message);
            count++;
        }

        return count;
    }

    /// <summary>The ids leased to a connection or to the turn it belongs to.</summary>
    /// <param name="caller">Names the connection.</param>
    /// <param name="among">Looks at these ids only.</param>
    public IReadOnlyList<long> LeasedTo(Caller caller, IEnumerable<long>? among = null)
    {
        var inbox = Of(caller.Name);
        var connection = caller.Connection!.Id;
        var turn = inbox.TurnOfConnection.TryGetValue(connection, out var t) ? t : (long?)null;
        return among is null
            ? [.. inbox.Leased.Where(l => IsHeld(l.Value)).Select(l => l.Key)]
            : [.. among.Where(id => inbox.Leased.TryGetValue(id, out var lease) && IsHeld(lease))];

        bool IsHeld(Lease lease) =>
            lease.Connection == connection || (turn is not null && lease.Turn == turn && !lease.IsDoubtful);
    }

    /// <summary>Gives leased messages back: after a delay, or set aside when it was the last time.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">Whose.</param>
    /// <param name="ids">Which.</param>
    /// <param name="delaySeconds">How long they wait; null for the usual time.</param>
    /// <param name="error">What went wrong.</param>
    /// <param name="blame">Whether that counts against them.</param>
    public (int Requeued, int Parked) Nack(
        IWrite write,
        string name,
        IEnumerable<long> ids,
        long? delaySeconds,
        string? error,
        Blame blame = Blame.Counts
    )
    {
        var inbox = Of(name);
        var now = Now();
        var (requeued, parked) = (0, 0);
        // A message named twice is given back once.
        foreach (var id in ids.Where(inbox.Leased.ContainsKey).Distinct().ToArray())
        {
            Release(write, inbox, id);
            var attempts =
                write.Db.ExecuteScalar<int>("SELECT attempts FROM messages WHERE id = @id", new { id })
                + (blame == Blame.None ? 0 : 1);
            if (blame == Blame.Parks || (blame == Blame.Counts && attempts >= Limits.NacksBeforeParking))
            {
                Park(write, inbox, id, attempts, error, now);
                parked++;
                continue;
            }

            Delay(
                write,
                inbox,
                id,
                attempts,
                error,
                now + (1000 * (delaySeconds ?? Backoff.Seconds(Math.Max(attempts, 1)))),
                now
            );
            requeued++;
        }

        Serve(write, inbox);
        return (requeued, parked);
    }

    /// <summary>Begins a turn: the leases of <paramref name="ids"/> move to it.</summary>
    public long BeginTurn(IWrite write, string name, IReadOnlyList<long> ids, string wakeFrom)
    {
        var inbox = Of(name);
        foreach (var id in ids)
        {
            if (!inbox.Leased.TryGetValue(id, out var lease))
                throw Problem.Conflict($"message {id} is not leased to {name}; receive again");
            if (lease.Turn is { } running)
                throw Problem.Conflict(
                    $"message {id} belongs to turn {running}, which is running; end that first, or give it up with requeue_inflight"
                );
        }

        if (inbox.Turns.Count >= MostTurns)
            throw Problem.Conflict(
                $"{name} has {MostTurns} running turns, which is the limit; end some, or give them up with requeue_inflight"
            );
        var turn = write.Db.ExecuteScalar<long>(
            "INSERT INTO turns (agent, wake_from, started_at) VALUES (@name, @wakeFrom, @now) RETURNING id",
            new
            {
                name,
                wakeFrom,
                now = Now(),
            }
        );
        inbox.Turns.Add(turn);
        write.OnRollback(() => inbox.Turns.Remove(turn));
        foreach (var id in ids)
            MoveToTurn(write, inbox, id, turn, noted: turn);
        return turn;
    }

    /// <summary>Binds a connection to a turn: what it holds and what it will receive belongs to the turn.</summary>
    /// <returns>What it holds, to be given to <see cref="JoinPiece"/>.</returns>
    public long[] Join(IWrite write, Caller caller, long turn)
    {
        var inbox = Of(caller.Name);
        if (!inbox.Turns.Contains(turn))
            throw Problem.NotFound($"{caller.Name} has no running turn {turn}");
        var connection = caller.Connection!.Id;
        var before = inbox.TurnOfConnection.TryGetValue(connection, out var t) ? t : (long?)null;
        inbox.TurnOfConnection[connection] = turn;
        write.OnRollback(() => Restore(inbox.TurnOfConnection, connection, before));
        return
        [
            .. inbox.Leased.Where(l => l.Value.Connection == connection && l.Value.Turn != turn).Select(l => l.Key),
        ];
    }

    /// <summary>Moves what a connection holds still to the turn that it has joined, unless that has ended.</summary>
    public int JoinPiece(IWrite write, Caller caller, long turn, IEnumerable<long> ids)
    {
        var inbox = Of(caller.Name);
        var connection = caller.Connection!.Id;
        var count = 0;
        foreach (var id in inbox.Turns.Contains(turn) ? ids : [])
        {
            if (!inbox.Leased.TryGetValue(id, out var lease) || lease.Connection != connection)
                continue;
            MoveToTurn(write, inbox, id, turn, noted: -turn);
            count++;
        }

        return count;
    }

    /// <inheritdoc />
    public IReadOnlyList<long> HeldByLargeTurn(string agent, long turn)
    {
        var inbox = Of(agent);
        if (inbox.Leased.Count <= ITurnEnds.Piece)
            return [];
        var held = HeldBy(inbox, turn).ToArray();
        return held.Length <= ITurnEnds.Piece ? [] : held;
    }

    /// <inheritdoc />
    public void EndPiece(
        IWrite write,
        string agent,
        long turn,
        IReadOnlyList<long> ids,
        string result,
        string? note,
        long? delaySeconds
    )
    {
        var inbox = Of(agent);
        long[] held = [.. ids.Where(id => inbox.Leased.TryGetValue(id, out var lease) && IsHeldBy(lease, turn))];
        var (acked, requeued, parked) = Release(write, agent, held, result, note, delaySeconds);
        write.Db.Execute(
            """
            UPDATE turns
               SET acked = acked + @acked, requeued = requeued + @requeued, parked = parked + @parked
             WHERE id = @turn AND ended_at IS NULL
            """,
            new
            {
                turn,
                acked,
                requeued,
                parked,
            }
        );
    }

    /// <inheritdoc />
    public EndedTurn End(IWrite write, string agent, long turn, string result, string? note, long? delaySeconds)
    {
        var inbox = Of(agent);
        var row =
            write.Db.QuerySingleOrDefault<TurnRow>(
                $"SELECT {TurnRow.Columns} FROM turns WHERE id = @turn AND agent = @agent",
                new { turn, agent }
            ) ?? throw Problem.NotFound($"{agent} has no turn {turn}");
        if (row.EndedAt is not null && !row.Lost)
            return row.ToEnded(isNews: false);
        if (row.Lost)
            TakeBack(write, inbox, turn);
        var held = HeldBy(inbox, turn).Order().ToArray();
        // Over before anything is given back, or a receiver inside it would get that for a turn that has ended.
        if (inbox.Turns.Remove(turn))
            write.OnRollback(() => inbox.Turns.Add(turn));
        var (acked, requeued, parked) = Release(write, agent, held, result, note, delaySeconds);
        // What the tool may never have seen is neither dealt with nor a failure.
        requeued += Requeue(write, inbox, lease => lease.Turn == turn);
        // Pieces of a turn that held many were counted before.
        row = row with
        {
            EndedAt = Now(),
            Result = result,
            Note = note,
            Acked = row.Acked + acked,
            Requeued = row.Requeued + requeued,
            Parked = row.Parked + parked,
            Lost = false,
        };
        write.Db.Execute(
            """
            UPDATE turns
               SET ended_at = @EndedAt, result = @Result, note = @Note, acked = @Acked, requeued = @Requeued, parked = @Parked, lost = 0
             WHERE id = @Id
            """,
            row
        );
        return row.ToEnded(isNews: true);
    }

    /// <inheritdoc />
    public DateTimeOffset? StartedAt(DbConnection db, string agent, long turn) =>
        db.ExecuteScalar<long?>("SELECT started_at FROM turns WHERE id = @turn AND agent = @agent", new { turn, agent })
            is { } at
            ? DateTimeOffset.FromUnixTimeMilliseconds(at)
            : null;

    /// <summary>Leases of closed connections and of turns not named come again; those turns are over.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">Whose.</param>
    /// <param name="exceptTurns">Turns that go on.</param>
    /// <param name="lastWords">The end of what the agent's process printed, for the notes of the lost turns.</param>
    public int RequeueInflight(
        IWrite write,
        string name,
        IReadOnlyCollection<long> exceptTurns,
        string? lastWords = null
    )
    {
        var inbox = Of(name);
        EndLostTurns(write, inbox, [.. inbox.Turns.Where(t => !exceptTurns.Contains(t))], lastWords);
        MarkOpen(write, inbox);
        return Requeue(
            write,
            inbox,
            lease => lease.Turn is { } turn ? !exceptTurns.Contains(turn) : IsClosed(inbox, lease)
        );
    }

    /// <summary>Leases of closed connections come again; turns go on and keep theirs.</summary>
    public int RequeueClosed(IWrite write, string name)
    {
        var inbox = Of(name);
        MarkOpen(write, inbox);
        return Requeue(write, inbox, lease => lease.Turn is null && IsClosed(inbox, lease));
    }

    private static bool IsClosed(Inbox inbox, Lease lease) =>
        lease.Connection is not { } connection || !inbox.Connections.Contains(connection);

    // Of these some may have ended already, and it is only not noted yet: what they hold comes again as soon as it is.
    private static void MarkOpen(IWrite write, Inbox inbox)
    {
        var before = inbox.OpenAtRequeue;
        inbox.OpenAtRequeue = [.. inbox.Connections];
        write.OnRollback(() => inbox.OpenAtRequeue = before);
    }

    /// <inheritdoc />
    public int RequeueAll(IWrite write, string agent, string? lastWords = null)
    {
        var inbox = Of(agent);
        EndLostTurns(write, inbox, [.. inbox.Turns], lastWords);
        return Requeue(write, inbox, _ => true);
    }

    /// <summary>For an agent without a harness: what a connection held comes again some time after it closed; when none
    /// has been open since, what its turns held too.</summary>
    /// <param name="write">The write.</param>
    /// <param name="name">The agent.</param>
    /// <param name="connection">The closed connection; null for those of an earlier run of the host.</param>
    public void RequeueAbandoned(IWrite write, string name, long? connection)
    {
        var inbox = Of(name);
        // By the order in which they closed, not by the clock: it may have been set, and the database may have been
        // slow to note a close.
        if (inbox.Connections.Count == 0 && inbox.LastClosed == connection)
            RequeueAll(write, name);
        else
            Requeue(write, inbox, lease => lease.Turn is null && lease.Connection == connection);
    }

    /// <inheritdoc />
    public void Forget(IWrite write, string agent)
    {
        write.Db.Execute("DELETE FROM messages WHERE recipient = @agent", new { agent });
        write.Db.Execute("DELETE FROM turns WHERE agent = @agent", new { agent });
        lock (inboxes)
        {
            if (!inboxes.Remove(agent, out var inbox))
                return;
            write.OnRollback(() =>
            {
                lock (inboxes)
                    inboxes[agent] = inbox;
            });
            foreach (var waiter in inbox.Waiters)
                write.AfterCommit(waiter.Answer);
        }
    }

    /// <summary>Puts a message that failed back in line, its record cleared.</summary>
    public Message Retry(IWrite write, long id)
    {
        var inbox = RequireFailed(write, id);
        var row = write
            .Prepare(
                $"UPDATE messages SET parked_at = NULL, attempts = 0, last_error = NULL, available_at = NULL WHERE id = ?1 RETURNING {MessageRow.Columns}"
            )
            .Bind(1, id);
        var message = One(row);
        Unqueue(write, inbox, id);
        MakeReady(write, inbox, id);
        write.Raise(new MessageChanged("requeued", message));
        Serve(write, inbox);
        return message;
    }

    /// <summary>Gives a message that failed up: nobody will receive it.</summary>
    public Message Drop(IWrite write, long id)
    {
        var inbox = RequireFailed(write, id);
        var row = write.Prepare(
            $"UPDATE messages SET acked_at = ?2, available_at = NULL WHERE id = ?1 RETURNING {MessageRow.Columns}"
        );
        var message = One(row.Bind(1, id).Bind(2, Now()));
        Unqueue(write, inbox, id);
        write.Raise(new MessageChanged("dropped", message));
        return message;
    }

    /// <summary>The ids that wait for the operator.</summary>
    public IReadOnlyList<long> UnreadByOperator() => [.. Of(Principals.Operator).Ready];

    /// <summary>The operator has read messages: they are acked without having been leased.</summary>
    public int Read(IWrite write, IEnumerable<long> ids)
    {
        var inbox = Of(Principals.Operator);
        var now = Now();
        long[] read = [.. ids.Where(inbox.Ready.Contains).Distinct().Order()];
        // At once: each alone would move all behind it.
        inbox.Ready.RemoveRange(read);
        Changed(write, inbox, () => inbox.Ready.AddRange(read));
        foreach (var id in read)
            Acked(write, id, now, known: null);
        return read.Length;
    }

    /// <summary>Counts for one agent, exact at one moment.</summary>
    public (int Unread, int Leased, int Parked) Counts(string name)
    {
        var inbox = Of(name);
        return (inbox.Ready.Count + inbox.Delayed.Count, inbox.Leased.Count, inbox.Parked.Count);
    }

    /// <inheritdoc />
    public int Leased(IWrite write, string agent) => Of(agent).Leased.Count;

    /// <summary>Makes ready what has waited long enough, and says when the next is due.</summary>
    public void ReleaseDue(IWrite write)
    {
        var now = Now();
        Inbox[] all;
        lock (inboxes)
            all = [.. inboxes.Values];
        foreach (var inbox in all.Where(i => i.Delayed.Count > 0))
        {
            var due = inbox.Delayed.Where(d => d.Value <= now).OrderBy(d => d.Key).ToArray();
            long[] ids = [.. due.Select(d => d.Key)];
            Array.ForEach(ids, id => inbox.Delayed.Remove(id));
            inbox.Ready.AddRange(ids);
            Changed(
                write,
                inbox,
                () =>
                {
                    inbox.Ready.RemoveRange(ids);
                    Array.ForEach(due, d => inbox.Delayed.Add(d.Key, d.Value));
                }
            );
            Serve(write, inbox);
        }

        if (all.SelectMany(i => i.Delayed.Values).DefaultIfEmpty(0).Min() is > 0 and var next)
            write.AfterCommit(() => Alarm?.Invoke(next));
    }

    /// <summary>Hands what is ready to who waits; after a pause ended.</summary>
    public void Serve(IWrite write, string name) => Serve(write, Of(name));

    /// <summary>A connection opened or closed.</summary>
    public void Connected(IWrite write, Caller caller, bool open)
    {
        var inbox = Of(caller.Name);
        var id = caller.Connection!.Id;
        if (open)
        {
            // Noted late, because the disk was full: it may have gone meanwhile.
            if (caller.Connection.Gone.IsCancellationRequested)
                return;
            inbox.Connections.Add(id);
            write.OnRollback(() => inbox.Connections.Remove(id));
            return;
        }

        if (!inbox.Connections.Remove(id))
            return;
        var before = inbox.LastClosed;
        inbox.LastClosed = id;
        write.OnRollback(() =>
        {
            inbox.Connections.Add(id);
            inbox.LastClosed = before;
        });
        if (inbox.TurnOfConnection.Remove(id, out var turn))
            write.OnRollback(() => inbox.TurnOfConnection[id] = turn);
        if (!inbox.OpenAtRequeue.Remove(id))
            return;
        write.OnRollback(() => inbox.OpenAtRequeue.Add(id));
        Requeue(write, inbox, lease => lease.Turn is null && lease.Connection == id);
    }

    /// <summary>Reads what is open, at start: nothing is leased to a connection, since there is none yet.</summary>
    public void Load(IEnumerable<OpenRow> messages, IEnumerable<TurnRow> turns)
    {
        foreach (var row in messages)
        {
            var inbox = Of(LooseValue.Text(row.Recipient)!);
            var turn = LooseValue.Long(row.Turn);
            if (row.ParkedAt is not null)
                inbox.Parked.Add(row.Id);
            else if (row.DeliveredAt is not null)
                inbox.Leased[row.Id] = turn < 0 ? new Lease(-turn, null, IsDoubtful: true) : new Lease(turn, null);
            else if (LooseValue.Long(row.AvailableAt) is { } at)
                inbox.Delayed[row.Id] = at;
            else
                inbox.Ready.Add(row.Id);
        }

        foreach (var running in turns)
            Of(running.Agent).Turns.Add(running.Id);
        foreach (var inbox in inboxes.Values)
            inbox.Count();
    }

    private static Message One(Statement row)
    {
        if (!row.Step())
        {
            row.Reset();
            throw new InvalidOperationException("an open message has no row");
        }

        var message = MessageRow.Read(row);
        row.Reset();
        return message;
    }

    private static void Restore(Dictionary<long, long> map, long key, long? before)
    {
        if (before is { } value)
            map[key] = value;
        else
            map.Remove(key);
    }

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private Inbox Of(string name)
    {
        lock (inboxes)
        {
            if (!inboxes.TryGetValue(name, out var inbox))
                inboxes.Add(name, inbox = new Inbox(name));
            return inbox;
        }
    }

    private static Message Insert(IWrite write, Outgoing message, long now, long? deliveredAt, long? turn)
    {
        var insert = write.Prepare(
            """
            INSERT INTO messages (sender, recipient, body, sent_at, in_reply_to, broadcast, file_refs, delivered_at, deliveries, turn)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            RETURNING id
            """
        );
        insert
            .Bind(1, message.From)
            .Bind(2, message.To)
            .Bind(3, message.Body)
            .Bind(4, now)
            .Bind(5, message.InReplyTo)
            .Bind(6, message.Broadcast ? 1 : 0)
            .Bind(7, MessageRow.Text(message.FileRefs))
            .Bind(8, deliveredAt)
            .Bind(9, deliveredAt is null ? 0 : 1)
            .Bind(10, turn);
        insert.Step();
        var id = insert.Long(0);
        insert.Reset();
        return new Message(
            id,
            message.From,
            message.To,
            message.Body,
            DateTimeOffset.FromUnixTimeMilliseconds(now),
            message.FileRefs,
            DeliveredAt: deliveredAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            InReplyTo: message.InReplyTo,
            Broadcast: message.Broadcast ? true : null
        );
    }

    // The receiver that has waited longest, if the agent may receive now.
    private Waiter? WaitingReceiver(IWrite write, Inbox inbox)
    {
        while (inbox.Waiters.First is { } first)
        {
            if (first.Value.TakesMore(write.Batch))
                return roster.Find(inbox.Owner) is { Paused: false } ? first.Value : null;
            // Served; it stayed in line only so that more of the same batch could be added.
            inbox.Waiters.RemoveFirst();
            var served = first.Value;
            write.OnRollback(() => inbox.Waiters.AddFirst(served));
        }

        return null;
    }

    private void Serve(IWrite write, Inbox inbox)
    {
        while (inbox.Ready.Count > 0 && WaitingReceiver(write, inbox) is { } waiter)
        {
            Grant(write, waiter, LeaseOldest(write, inbox, waiter.Connection, raise: false));
            if (inbox.Ready.Count == 0 && waiter.Room > 0 && TakeWakeNote(write, inbox) is { } note)
                SendTo(write, inbox, waiter, note, Now());
        }

        Rouse(write, inbox);
    }

    // Wakes those who wait for a message without receiving it; a receiver would have taken it before.
    private void Rouse(IWrite write, Inbox inbox)
    {
        if (inbox.Lookouts.Count == 0 || roster.Find(inbox.Owner) is not { Paused: false })
            return;
        foreach (var lookout in inbox.Lookouts.Where(lookout => IsNews(inbox, lookout)))
            write.AfterCommit(lookout.Answer);
    }

    private static bool IsNews(Inbox inbox, Lookout lookout) =>
        inbox.Ready.Count > 0 && inbox.Ready.Max > lookout.After;

    private static void Grant(IWrite write, Waiter waiter, Message message)
    {
        waiter.Granted.Add(message);
        waiter.GrantedInBatch = write.Batch;
        write.OnRollback(() => waiter.Granted.Remove(message));
        write.Raise(new MessageChanged("delivered", message with { Redelivered = null }));
        write.AfterCommit(waiter.Answer);
    }

    private Message LeaseOldest(IWrite write, Inbox inbox, long connection, bool raise = true)
    {
        var id = inbox.Ready.Min;
        inbox.Ready.Remove(id);
        Changed(write, inbox, () => inbox.Ready.Add(id));
        var lease = LeaseOf(inbox, connection);
        var row = write
            .Prepare(
                $"UPDATE messages SET delivered_at = ?2, deliveries = deliveries + 1, turn = ?3, available_at = NULL WHERE id = ?1 RETURNING {MessageRow.Columns}"
            )
            .Bind(1, id)
            .Bind(2, Now())
            .Bind(3, InTurn(lease));
        row.Step();
        var redelivered = row.Long(9) > 1;
        var message = MessageRow.Read(row);
        row.Reset();
        Hold(write, inbox, lease, message);
        if (raise)
            write.Raise(new MessageChanged("delivered", message));
        return message with { Redelivered = redelivered };
    }

    private static Lease LeaseOf(Inbox inbox, long connection) =>
        inbox.TurnOfConnection.TryGetValue(connection, out var turn) && inbox.Turns.Contains(turn)
            ? new Lease(turn, connection)
            : new Lease(null, connection);

    // What is received inside a turn is noted with the turn's number below zero, so that a host that is started since
    // knows: its answer may have reached nobody.
    private static long? InTurn(Lease lease) => -lease.Turn;

    private static void Hold(IWrite write, Inbox inbox, Lease lease, Message message)
    {
        var id = message.Id;
        inbox.Leased[id] = inbox.Leased.Count < RememberedLeases ? lease with { Message = message } : lease;
        write.OnRollback(() => inbox.Leased.Remove(id));
    }

    private static Lease Release(IWrite write, Inbox inbox, long id)
    {
        inbox.Leased.Remove(id, out var lease);
        write.OnRollback(() => inbox.Leased[id] = lease);
        return lease;
    }

    private static void MakeReady(IWrite write, Inbox inbox, long id)
    {
        inbox.Ready.Add(id);
        Changed(write, inbox, () => inbox.Ready.Remove(id));
    }

    // After a change of what waits: keeps the count that other threads read true, also when the change is taken back.
    private static void Changed(IWrite write, Inbox inbox, Action undo)
    {
        inbox.Count();
        write.OnRollback(() =>
        {
            undo();
            inbox.Count();
        });
    }

    private static void Acked(IWrite write, long id, long now, Message? known)
    {
        Message acked;
        if (known is null)
        {
            acked = One(
                write
                    .Prepare(
                        $"UPDATE messages SET acked_at = ?2, turn = NULL WHERE id = ?1 RETURNING {MessageRow.Columns}"
                    )
                    .Bind(1, id)
                    .Bind(2, now)
            );
        }
        else
        {
            write
                .Prepare("UPDATE messages SET acked_at = ?2, turn = NULL WHERE id = ?1")
                .Bind(1, id)
                .Bind(2, now)
                .Step();
            acked = known with { AckedAt = DateTimeOffset.FromUnixTimeMilliseconds(now) };
        }

        write.Raise(new MessageChanged("acked", acked));
    }

    private static void MoveToTurn(IWrite write, Inbox inbox, long id, long turn, long noted)
    {
        var before = inbox.Leased[id];
        inbox.Leased[id] = before with { Turn = turn };
        write.OnRollback(() => inbox.Leased[id] = before);
        write.Db.Execute("UPDATE messages SET turn = @noted WHERE id = @id", new { id, noted });
    }

    private static IEnumerable<long> HeldBy(Inbox inbox, long turn) =>
        inbox.Leased.Where(l => IsHeldBy(l.Value, turn)).Select(l => l.Key);

    private static bool IsHeldBy(Lease lease, long turn) => lease.Turn == turn && !lease.IsDoubtful;

    private (int Acked, int Requeued, int Parked) Release(
        IWrite write,
        string agent,
        long[] held,
        string result,
        string? note,
        long? delaySeconds
    )
    {
        if (result == TurnResult.Ok)
            return (Ack(write, agent, held), 0, 0);
        var (requeued, parked) = Nack(write, agent, held, delaySeconds, ErrorOf(result, note), BlameOf(result));
        return (0, requeued, parked);
    }

    // Many come again in writes of their own: should the host end between them, the next start or reconnect requeues
    // the rest, whose holder is gone for good.
    private int Requeue(IWrite write, Inbox inbox, Func<Lease, bool> which)
    {
        (long Id, Lease Lease)[] found = [.. inbox.Leased.Where(l => which(l.Value)).Select(l => (l.Key, l.Value))];
        if (found.Length <= ITurnEnds.Piece)
            Requeue(write, inbox, [.. found.Select(l => l.Id).Order()]);
        else
            write.AfterCommit(() => _ = RequeueInPieces(inbox, found));
        return found.Length;
    }

    private async Task RequeueInPieces(Inbox inbox, (long Id, Lease Lease)[] found)
    {
        foreach (var piece in found.OrderBy(l => l.Id).Chunk(ITurnEnds.Piece))
            await store.WriteUntilStored(
                write => RequeuePiece(write, inbox, piece),
                clock,
                lifetime.ApplicationStopping
            );
    }

    // Some may have been acked in the meantime, or belong to another holder.
    private void RequeuePiece(IWrite write, Inbox inbox, (long Id, Lease Lease)[] piece)
    {
        if (Of(inbox.Owner) == inbox)
            Requeue(write, inbox, [.. piece.Where(IsHeldStill).Select(l => l.Id)]);

        bool IsHeldStill((long Id, Lease Lease) found) =>
            inbox.Leased.TryGetValue(found.Id, out var lease)
            && (lease.Turn, lease.Connection) == (found.Lease.Turn, found.Lease.Connection);
    }

    private void Requeue(IWrite write, Inbox inbox, long[] ids)
    {
        foreach (var id in ids)
        {
            // Its turn stays noted until somebody else gets it: whoever ends that turn late has dealt with it after
            // all.
            var lease = Release(write, inbox, id);
            var turn = lease.IsDoubtful ? null : lease.Turn;
            var row = write
                .Prepare(
                    $"UPDATE messages SET delivered_at = NULL, turn = ?2 WHERE id = ?1 RETURNING {MessageRow.Columns}"
                )
                .Bind(1, id)
                .Bind(2, turn);
            write.Raise(new MessageChanged("requeued", One(row)));
        }

        // At once: each alone would move all that came since.
        inbox.Ready.AddRange(ids);
        Changed(write, inbox, () => inbox.Ready.RemoveRange(ids));
        Serve(write, inbox);
    }

    private void EndLostTurns(IWrite write, Inbox inbox, long[] turns, string? lastWords = null)
    {
        var note = LostNote + (lastWords is null ? "" : $"; the end of its log:\n{lastWords}");
        foreach (var turn in turns)
        {
            inbox.Turns.Remove(turn);
            write.OnRollback(() => inbox.Turns.Add(turn));
            var row = write.Db.QuerySingle<TurnRow>(
                $"UPDATE turns SET ended_at = @now, result = @result, note = @note, lost = 1 WHERE id = @turn RETURNING {TurnRow.Columns}",
                new
                {
                    turn,
                    now = Now(),
                    result = TurnResult.Lost,
                    note,
                }
            );
            lostTurns.Add(write, row.ToEnded(isNews: true));
        }
    }

    // What a lost turn held and nobody was given since belongs to it again.
    private void TakeBack(IWrite write, Inbox inbox, long turn)
    {
        var ids = write
            .Db.Query<long>(
                """
                UPDATE messages INDEXED BY messages_open
                   SET delivered_at = @now
                 WHERE acked_at IS NULL AND delivered_at IS NULL AND turn = @turn
                RETURNING id
                """,
                new { now = Now(), turn }
            )
            .Order()
            .ToArray();
        inbox.Ready.RemoveRange(ids);
        Changed(write, inbox, () => inbox.Ready.AddRange(ids));
        foreach (var id in ids)
        {
            inbox.Leased[id] = new Lease(turn, null);
            write.OnRollback(() => inbox.Leased.Remove(id));
        }
    }

    private static void Park(IWrite write, Inbox inbox, long id, int attempts, string? error, long now)
    {
        var row = write
            .Prepare(
                $"UPDATE messages SET delivered_at = NULL, turn = NULL, attempts = ?2, last_error = ?3, parked_at = ?4 WHERE id = ?1 RETURNING {MessageRow.Columns}"
            )
            .Bind(1, id)
            .Bind(2, attempts)
            .Bind(3, error)
            .Bind(4, now);
        inbox.Parked.Add(id);
        Changed(write, inbox, () => inbox.Parked.Remove(id));
        write.Raise(new MessageChanged("parked", One(row)));
    }

    private void Delay(IWrite write, Inbox inbox, long id, int attempts, string? error, long until, long now)
    {
        var row = write
            .Prepare(
                $"UPDATE messages SET delivered_at = NULL, turn = NULL, attempts = ?2, last_error = ?3, available_at = ?4 WHERE id = ?1 RETURNING {MessageRow.Columns}"
            )
            .Bind(1, id)
            .Bind(2, attempts)
            .Bind(3, error)
            .Bind(4, until > now ? until : null);
        write.Raise(new MessageChanged("requeued", One(row)));
        if (until <= now)
        {
            MakeReady(write, inbox, id);
            return;
        }

        inbox.Delayed[id] = until;
        Changed(write, inbox, () => inbox.Delayed.Remove(id));
        write.AfterCommit(() => Alarm?.Invoke(until));
    }

    // Parked, in back-off, or waiting after a back-off that is over; what somebody works on is not to be taken away.
    private Inbox RequireFailed(IWrite write, long id)
    {
        var recipient =
            write.Db.ExecuteScalar<string?>(
                """
                SELECT recipient
                  FROM messages
                 WHERE id = @id AND acked_at IS NULL
                   AND (parked_at IS NOT NULL OR available_at IS NOT NULL OR attempts > 0 OR last_error IS NOT NULL)
                """,
                new { id }
            )
            ?? throw Problem.NotFound(
                $"message {id} is neither parked nor waiting to be tried again; hive inbox --parked lists those"
            );
        var inbox = Of(recipient);
        if (!inbox.Leased.TryGetValue(id, out var lease))
            return inbox;
        var wayOut = lease.Turn is null
            ? "it comes again when that client closes or gives it back"
            : "cancel its turn first, which parks the message";
        throw Problem.Conflict($"{recipient} works on message {id} now; {wayOut}");
    }

    private static void Unqueue(IWrite write, Inbox inbox, long id)
    {
        var parked = inbox.Parked.Remove(id);
        var delayed = inbox.Delayed.Remove(id, out var until);
        var ready = inbox.Ready.Contains(id);
        inbox.Ready.Remove(id);
        Changed(
            write,
            inbox,
            () =>
            {
                if (parked)
                    inbox.Parked.Add(id);
                if (delayed)
                    inbox.Delayed.Add(id, until);
                if (ready)
                    inbox.Ready.Add(id);
            }
        );
    }

    // The operator has decided about a cancelled turn: what it held does not come again by itself (docs/adr/0088).
    private static Blame BlameOf(string result) =>
        result switch
        {
            TurnResult.RateLimited => Blame.None,
            TurnResult.Cancelled => Blame.Parks,
            _ => Blame.Counts,
        };

    private static string ErrorOf(string result, string? note) =>
        note ?? (result == TurnResult.Cancelled ? CancelledByOperator : result);

    /// <summary>An open row, as the broker needs it at start.</summary>
    internal sealed record OpenRow
    {
        public required long Id { get; init; }

        public required object Recipient { get; init; }

        public object? DeliveredAt { get; init; }

        public object? AvailableAt { get; init; }

        public object? ParkedAt { get; init; }

        public object? Turn { get; init; }
    }
}

/// <summary>What giving a message back says of it.</summary>
internal enum Blame
{
    /// <summary>Nothing: something else was in the way.</summary>
    None,

    /// <summary>It failed; the third time parks it.</summary>
    Counts,

    /// <summary>It is not to be tried again by itself.</summary>
    Parks,
}

/// <summary>A message that is about to be stored.</summary>
internal sealed record Outgoing(
    string From,
    string To,
    string Body,
    IReadOnlyList<string> FileRefs,
    long? InReplyTo = null,
    bool Broadcast = false
);

/// <summary>How long a nacked message waits when its receiver does not say.</summary>
internal static class Backoff
{
    /// <summary>5 s after the first nack, 20 s after the second; the third parks it.</summary>
    public static long Seconds(int attempts) => 5L << (2 * (attempts - 1));
}
