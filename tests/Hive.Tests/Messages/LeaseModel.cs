namespace Hive.Tests.Messages;

/// <summary>A single-threaded model in memory of the rules for leases, turns and parking (docs/protocol.md), with which
/// the broker must agree after each step.</summary>
internal sealed class LeaseModel
{
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private readonly List<(DateTimeOffset At, string Agent, int? Connection)> graces = [];

    public LeaseModel(DateTimeOffset now, IEnumerable<string> agents)
    {
        Now = now;
        foreach (var name in agents)
            Agents.Add(name, new Agent(name));
    }

    public enum Place
    {
        Ready,
        Delayed,
        Leased,
        Parked,
        Done,
    }

    public DateTimeOffset Now { get; private set; }

    public SortedDictionary<string, Agent> Agents { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<long, Held> Messages { get; } = [];

    /// <summary>The answers that waiting receivers must have got since this was last read, by connection.</summary>
    public Dictionary<int, List<(long Id, bool Redelivered)>> Answers { get; } = [];

    /// <summary>The next time at which something is due.</summary>
    public DateTimeOffset? NextDue =>
        graces
            .Select(g => g.At)
            .Concat(Messages.Values.Where(m => m.Place == Place.Delayed).Select(m => m.Until))
            .Concat(Agents.Values.SelectMany(a => a.Waiters).Select(w => w.Until))
            .Order()
            .Cast<DateTimeOffset?>()
            .FirstOrDefault();

    public void Pass(DateTimeOffset until)
    {
        Now = until;
        foreach (var agent in Agents.Values)
        {
            foreach (var waiter in agent.Waiters.Where(w => w.Until <= Now).ToArray())
                Withdraw(agent, waiter);
            foreach (var message in Of(agent).Where(m => m.Place == Place.Delayed && m.Until <= Now))
                message.Place = Place.Ready;
            Serve(agent);
        }

        foreach (var (at, name, connection) in graces.Where(g => g.At <= Now).ToArray())
        {
            graces.Remove((at, name, connection));
            Abandoned(Agents[name], connection);
        }
    }

    public void Open(Agent agent, int connection) => agent.Connections.Add(connection);

    public void Close(Agent agent, int connection)
    {
        if (agent.Waiters.Find(w => w.Connection == connection) is { } waiter)
            Withdraw(agent, waiter);
        agent.Connections.Remove(connection);
        agent.TurnOfConnection.Remove(connection);
        agent.LastClosed = Now;
        if (agent.OpenAtRequeue.Remove(connection))
            Requeue(agent, m => m.Turn is null && m.Connection == connection);
        graces.Add((Now + Grace, agent.Name, connection));
    }

    public void Send(long id, string to)
    {
        Messages.Add(id, new Held(id, to));
        Serve(Agents[to]);
    }

    /// <summary>Returns what a receiver gets at once; null when it now waits.</summary>
    public List<(long Id, bool Redelivered)>? Receive(Agent agent, int connection, int max, TimeSpan wait)
    {
        // A connection that asks again inside its turn gets the messages that it may not have seen.
        if (
            !agent.Paused
            && !Of(agent).Any(m => m.Place == Place.Ready)
            && agent.TurnOfConnection.TryGetValue(connection, out var turn)
            && agent.Runs(turn)
        )
            Requeue(agent, m => m.Turn == turn && m.IsDoubtful);
        var ready = Of(agent).Where(m => m.Place == Place.Ready).Take(max).ToList();
        if (!agent.Paused && ready.Count > 0)
            return ready.ConvertAll(m => Lease(agent, m, connection));
        if (wait == TimeSpan.Zero)
            return [];
        agent.Waiters.Add(new Waiter(connection, max, Now + wait));
        return null;
    }

    public int Ack(Agent agent, IEnumerable<long> ids)
    {
        var held = Leased(agent, ids);
        held.ForEach(m => m.Place = Place.Done);
        return held.Count;
    }

    public int AckAll(Agent agent, int connection)
    {
        var turn = agent.TurnOfConnection.TryGetValue(connection, out var t) ? t : (long?)null;
        return Ack(
            agent,
            [
                .. Of(agent)
                    .Where(m =>
                        m.Place == Place.Leased
                        && (m.Connection == connection || (turn is not null && m.Turn == turn && !m.IsDoubtful))
                    )
                    .Select(m => m.Id),
            ]
        );
    }

    public (int Requeued, int Parked) Nack(Agent agent, IEnumerable<long> ids, long? delaySeconds)
    {
        var (requeued, parked) = (0, 0);
        foreach (var message in Leased(agent, ids))
        {
            message.Attempts++;
            (message.Turn, message.IsDoubtful) = (null, false);
            if (message.Attempts == 3)
            {
                message.Place = Place.Parked;
                parked++;
                continue;
            }

            message.Until = Now + TimeSpan.FromSeconds(delaySeconds ?? (message.Attempts == 1 ? 5 : 20));
            message.Place = message.Until > Now ? Place.Delayed : Place.Ready;
            requeued++;
        }

        Serve(agent);
        return (requeued, parked);
    }

    /// <summary>Returns false when the agent is paused, or one of them is not leased to it.</summary>
    public bool MayBegin(Agent agent, IReadOnlyCollection<long> ids) =>
        !agent.Paused && Leased(agent, ids).Count(m => m.Turn is null) == ids.Distinct().Count();

    /// <summary>Returns what a connection of a paused agent received and began no turn with.</summary>
    public void GiveBack(Agent agent, int connection, IEnumerable<long> ids)
    {
        foreach (var message in Leased(agent, ids).Where(m => m.Connection == connection && m.Turn is null))
        {
            message.Place = Place.Ready;
            message.Deliveries--;
        }
    }

    public void Begin(Agent agent, long turn, IEnumerable<long> ids)
    {
        agent.Turns.Add(turn, null);
        Leased(agent, ids).ForEach(m => (m.Turn, m.ReceivedInTurn) = (turn, false));
    }

    /// <summary>Returns null when the agent does not have that turn.</summary>
    public (int Acked, int Requeued, int Parked)? End(Agent agent, long turn, bool ok, long? delaySeconds)
    {
        if (!agent.Turns.TryGetValue(turn, out var ended))
            return null;
        if (ended is not null && !agent.Lost.Remove(turn))
            return ended;
        // A lost turn gets back what nobody was given since.
        if (ended is not null)
            Of(agent)
                .Where(m => m.Place == Place.Ready && m.Turn == turn)
                .ToList()
                .ForEach(m => m.Place = Place.Leased);
        // From here on a connection that belonged to the turn receives for itself, also what this end requeues.
        agent.Turns[turn] = (0, 0, 0);
        var held = Of(agent)
            .Where(m => m.Place == Place.Leased && m.Turn == turn && !m.IsDoubtful)
            .Select(m => m.Id)
            .ToArray();
        var acked = ok ? Ack(agent, held) : 0;
        var (requeued, parked) = ok ? (0, 0) : Nack(agent, held, delaySeconds);
        // Messages that may not have been seen are neither handled nor failed.
        requeued += Requeue(agent, m => m.Turn == turn && m.IsDoubtful);
        agent.Turns[turn] = (acked, requeued, parked);
        return agent.Turns[turn];
    }

    /// <summary>Returns false when the turn is not running.</summary>
    public bool Join(Agent agent, int connection, long turn)
    {
        if (!agent.Runs(turn))
            return false;
        agent.TurnOfConnection[connection] = turn;
        foreach (
            var message in Of(agent).Where(m => m.Place == Place.Leased && m.Connection == connection && m.Turn != turn)
        )
            (message.Turn, message.ReceivedInTurn) = (turn, true);
        return true;
    }

    public int RequeueInflight(Agent agent, IReadOnlyCollection<long> exceptTurns)
    {
        EndLost(agent, turn => !exceptTurns.Contains(turn));
        agent.OpenAtRequeue = [.. agent.Connections];
        return Requeue(
            agent,
            m =>
                m.Turn is { } turn
                    ? !exceptTurns.Contains(turn)
                    : m.Connection is not { } c || !agent.Connections.Contains(c)
        );
    }

    public int RequeueClosed(Agent agent)
    {
        agent.OpenAtRequeue = [.. agent.Connections];
        return Requeue(agent, m => m.Turn is null && (m.Connection is not { } c || !agent.Connections.Contains(c)));
    }

    public void Pause(Agent agent, bool paused)
    {
        agent.Paused = paused;
        Serve(agent);
    }

    public bool Retry(long id)
    {
        if (!Messages.TryGetValue(id, out var message) || !message.HasFailed)
            return false;
        (message.Place, message.Attempts) = (Place.Ready, 0);
        Serve(Agents[message.To]);
        return true;
    }

    public bool Drop(long id)
    {
        if (!Messages.TryGetValue(id, out var message) || !message.HasFailed)
            return false;
        message.Place = Place.Done;
        return true;
    }

    /// <summary>Restarts the host: turns keep the messages they began with, connections are gone, and messages received
    /// inside a turn may not have been seen.</summary>
    public void Restart()
    {
        graces.Clear();
        foreach (var agent in Agents.Values)
        {
            agent.Connections.Clear();
            agent.Waiters.Clear();
            agent.TurnOfConnection.Clear();
            agent.OpenAtRequeue.Clear();
            agent.LastClosed = DateTimeOffset.MinValue;
            graces.Add((Now + Grace, agent.Name, null));
        }

        foreach (var message in Messages.Values)
        {
            message.Connection = null;
            message.IsDoubtful |= message is { Place: Place.Leased, ReceivedInTurn: true, Turn: not null };
        }
    }

    public (int Unread, int Leased, int Parked) Counts(Agent agent)
    {
        var all = Of(agent).ToArray();
        return (
            all.Count(m => m.Place is Place.Ready or Place.Delayed),
            all.Count(m => m.Place == Place.Leased),
            all.Count(m => m.Place == Place.Parked)
        );
    }

    public IEnumerable<Held> Of(Agent agent) => Messages.Values.Where(m => m.To == agent.Name);

    private void Abandoned(Agent agent, int? connection)
    {
        if (agent.Connections.Count == 0 && agent.LastClosed <= Now - Grace)
        {
            EndLost(agent, _ => true);
            Requeue(agent, _ => true);
        }
        else
        {
            Requeue(agent, m => m.Turn is null && m.Connection == connection);
        }
    }

    private int Requeue(Agent agent, Func<Held, bool> which)
    {
        var again = Of(agent).Where(m => m.Place == Place.Leased && which(m)).ToList();
        foreach (var message in again)
        {
            message.Place = Place.Ready;
            if (message.IsDoubtful)
                (message.Turn, message.IsDoubtful) = (null, false);
        }

        Serve(agent);
        return again.Count;
    }

    private static void EndLost(Agent agent, Func<long, bool> which)
    {
        foreach (var turn in agent.Turns.Keys.Where(t => agent.Runs(t) && which(t)).ToArray())
        {
            agent.Turns[turn] = (0, 0, 0);
            agent.Lost.Add(turn);
        }
    }

    private List<Held> Leased(Agent agent, IEnumerable<long> ids) =>
        [.. Of(agent).Where(m => m.Place == Place.Leased && ids.Contains(m.Id))];

    private void Withdraw(Agent agent, Waiter waiter)
    {
        agent.Waiters.Remove(waiter);
        Answers.Add(waiter.Connection, []);
    }

    // Messages made ready in one step go to the receiver that has waited longest, up to its maximum, then to the next.
    private void Serve(Agent agent)
    {
        if (agent.Paused)
            return;
        foreach (var message in Of(agent).Where(m => m.Place == Place.Ready))
        {
            if (agent.Waiters.Find(w => w.Granted.Count < w.Max) is not { } waiter)
                break;
            waiter.Granted.Add(Lease(agent, message, waiter.Connection));
        }

        foreach (var served in agent.Waiters.Where(w => w.Granted.Count > 0).ToArray())
        {
            agent.Waiters.Remove(served);
            Answers.Add(served.Connection, served.Granted);
        }
    }

    private static (long Id, bool Redelivered) Lease(Agent agent, Held message, int connection)
    {
        message.Place = Place.Leased;
        message.Connection = connection;
        message.Turn = agent.TurnOfConnection.TryGetValue(connection, out var turn) && agent.Runs(turn) ? turn : null;
        message.ReceivedInTurn = message.Turn is not null;
        message.Deliveries++;
        return (message.Id, message.Deliveries > 1);
    }

    public sealed class Agent(string name)
    {
        public string Name => name;

        public bool Paused { get; set; }

        public HashSet<int> Connections { get; } = [];

        public HashSet<int> OpenAtRequeue { get; set; } = [];

        public DateTimeOffset LastClosed { get; set; } = DateTimeOffset.MinValue;

        public List<Waiter> Waiters { get; } = [];

        public Dictionary<int, long> TurnOfConnection { get; } = [];

        /// <summary>The result of each turn; null while it runs.</summary>
        public SortedDictionary<long, (int Acked, int Requeued, int Parked)?> Turns { get; } = [];

        /// <summary>Lost turns whose end has not been reported since.</summary>
        public HashSet<long> Lost { get; } = [];

        public bool Runs(long turn) => Turns.TryGetValue(turn, out var ended) && ended is null;
    }

    public sealed class Held(long id, string to)
    {
        public long Id => id;

        public string To => to;

        public Place Place { get; set; } = Place.Ready;

        /// <summary>The message failed and is not leased: the operator may retry or drop it.</summary>
        public bool HasFailed => Attempts > 0 && Place is (Place.Parked or Place.Delayed or Place.Ready);

        public DateTimeOffset Until { get; set; }

        public long? Turn { get; set; }

        /// <summary>The message was received inside its turn, after the turn began.</summary>
        public bool ReceivedInTurn { get; set; }

        /// <summary>The message was received inside its turn, and the host was restarted since.</summary>
        public bool IsDoubtful { get; set; }

        public int? Connection { get; set; }

        public int Deliveries { get; set; }

        public int Attempts { get; set; }
    }

    public sealed record Waiter(int Connection, int Max, DateTimeOffset Until)
    {
        public List<(long Id, bool Redelivered)> Granted { get; } = [];
    }
}
