using System.Globalization;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>A step of a generated history. The numbers choose among what exists when the step is done, so any part of a
/// history is a history too.</summary>
internal sealed record Step(StepKind Kind, int Agent, int Which, int Choice)
{
    public override string ToString() => $"new({nameof(StepKind)}.{Kind}, {Agent}, {Which}, {Choice})";
}

internal enum StepKind
{
    Connect,
    Close,
    Send,
    Broadcast,
    Receive,
    Wait,
    Ack,
    AckAll,
    Nack,
    BeginTurn,
    EndTurn,
    Hello,
    RequeueInflight,
    RequeueClosed,
    Pause,
    PassTime,
    Retry,
    Drop,
    Restart,
}

/// <summary>
/// Plays one history of a few agents with several connections each, on the real host through its sockets and on the
/// model, and compares both after each step. Every step takes a millisecond of its own and all waits are whole seconds,
/// so no two things are ever due at the same time.
/// </summary>
internal sealed class LeaseHistory : IAsyncDisposable
{
    private const int MostConnections = 4;
    private const long NoSuchId = 4_000_000_000;

    private readonly HiveFixture hive;
    private readonly LeaseModel model;
    private readonly Dictionary<int, RawLine> lines = [];
    private readonly Dictionary<int, Task<JsonElement?>> waiting = [];
    private readonly List<string> story = [];
    private LineClient host;
    private int connections;

    private LeaseHistory(HiveFixture hive, LineClient host, LeaseModel model) =>
        (this.hive, this.host, this.model) = (hive, host, model);

    public static async Task<LeaseHistory> Begin(HiveFixture hive, int number)
    {
        var host = await LineClient.ConnectAsync(hive.HostSocket);
        string[] names = [$"a{number}", $"b{number}", $"c{number}"];
        foreach (var name in names)
            await host.CallAsync("spawn", new { name, runtime = "external" });
        return new LeaseHistory(hive, host, new LeaseModel(hive.Clock.GetUtcNow(), names));
    }

    public async Task Run(IEnumerable<Step> steps)
    {
        try
        {
            foreach (var step in steps)
            {
                await PassTime(TimeSpan.FromMilliseconds(1));
                await Take(step);
                await Agree();
            }

            await NothingIsLost();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"{e.Message}\nafter:\n  {string.Join("\n  ", story)}\n{e.StackTrace}",
                e
            );
        }
    }

    /// <summary>Destroys the agents, so that broadcasts of the next history do not go to them.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var line in lines.Values)
            line.Dispose();
        foreach (var name in model.Agents.Keys)
            await host.CallAsync("destroy", new { name, purge = true });
        host.Dispose();
    }

    private async Task Take(Step step)
    {
        var agent = model.Agents.Values.ElementAt(step.Agent % model.Agents.Count);
        switch (step.Kind)
        {
            case StepKind.Connect:
                if (agent.Connections.Count < MostConnections)
                    await Open(agent);
                break;
            case StepKind.Close when agent.Connections.Count > 0:
                await Close(agent, agent.Connections.Order().ElementAt(step.Which % agent.Connections.Count));
                break;
            case StepKind.Send:
                await Send(agent, model.Agents.Keys.ElementAt(step.Choice % model.Agents.Count), step.Which);
                break;
            case StepKind.Broadcast:
                await Broadcast(agent, step.Which);
                break;
            case StepKind.Receive:
                await Receive(agent, await Idle(agent, step.Which), max: 1 + (step.Choice % 4), TimeSpan.Zero);
                break;
            case StepKind.Wait:
                await Receive(
                    agent,
                    await Idle(agent, step.Which),
                    max: 1 + (step.Choice % 4),
                    TimeSpan.FromSeconds(1 + (step.Choice % 180))
                );
                break;
            case StepKind.Ack:
                var ids = Some(agent, step.Choice);
                await Call(
                    agent,
                    await Idle(agent, step.Which),
                    "ack",
                    new { ids },
                    new { acked = model.Ack(agent, ids) }
                );
                break;
            case StepKind.AckAll:
                var connection = await Idle(agent, step.Which);
                await Call(
                    agent,
                    connection,
                    "ack",
                    new { all = true },
                    new { acked = model.AckAll(agent, connection) }
                );
                break;
            case StepKind.Nack:
                await Nack(agent, await Idle(agent, step.Which), Some(agent, step.Choice), Delay(step.Choice));
                break;
            case StepKind.BeginTurn:
                await BeginTurn(agent, await Idle(agent, step.Which), Some(agent, step.Choice));
                break;
            case StepKind.EndTurn:
                await EndTurn(agent, await Idle(agent, step.Which), step.Choice);
                break;
            case StepKind.Hello:
                await Hello(agent, await Idle(agent, step.Which), Turn(step.Choice));
                break;
            case StepKind.RequeueInflight:
                long[] except = step.Choice % 3 == 0 ? [] : [Turn(step.Choice), NoSuchId];
                var asker = await Idle(agent, step.Which);
                await Call(
                    agent,
                    asker,
                    "requeue_inflight",
                    except.Length == 0 ? null : new { except_turns = except },
                    new { requeued = model.RequeueInflight(agent, except) }
                );
                break;
            case StepKind.RequeueClosed:
                var returned = await Idle(agent, step.Which);
                await Call(agent, returned, "requeue_closed", null, new { requeued = model.RequeueClosed(agent) });
                break;
            case StepKind.Pause:
                await Pause(agent, !agent.Paused);
                break;
            case StepKind.PassTime:
                await PassTime(TimeSpan.FromSeconds(step.Choice % 75));
                break;
            case StepKind.Retry or StepKind.Drop:
                await Parked(step.Kind == StepKind.Retry, step.Choice);
                break;
            case StepKind.Restart:
                await Restart();
                break;
        }
    }

    private async Task<int> Open(LeaseModel.Agent agent)
    {
        var connection = ++connections;
        story.Add($"{agent.Name}: connection {connection} opens");
        lines[connection] = await RawLine.Connect(hive.AgentSocket(agent.Name));
        await lines[connection].Call("whoami");
        model.Open(agent, connection);
        return connection;
    }

    // A connection without a waiting receive; a new one if there is none.
    private async Task<int> Idle(LeaseModel.Agent agent, int which)
    {
        var idle = agent.Connections.Where(c => !waiting.ContainsKey(c)).Order().ToArray();
        return idle.Length > 0 ? idle[which % idle.Length] : await Open(agent);
    }

    private async Task Close(LeaseModel.Agent agent, int connection)
    {
        story.Add($"{agent.Name}: connection {connection} closes");
        var line = lines[connection];
        line.Finish();
        model.Close(agent, connection);
        if (waiting.ContainsKey(connection))
            await Answered();
        // The host closes its end after it has noted ours.
        Assert.Null(await line.Read());
        line.Dispose();
        lines.Remove(connection);
    }

    private async Task Send(LeaseModel.Agent agent, string to, int which)
    {
        var sent =
            which % 4 == 0
                ? await host.CallAsync("send", new { to, body = "from the operator" })
                : await lines[await Idle(agent, which)].Call("send", new { to, body = "from an agent" });
        var id = sent.GetProperty("id").GetInt64();
        story.Add($"{agent.Name}: sends {id} to {to}");
        Sent(id, to);
    }

    private async Task Broadcast(LeaseModel.Agent agent, int which)
    {
        var sent = await lines[await Idle(agent, which)].Call("send", new { to = "*", body = "to all" });
        var ids = sent.GetProperty("ids").EnumerateArray().Select(i => i.GetInt64()).ToArray();
        story.Add($"{agent.Name}: broadcasts {string.Join(", ", ids)}");
        // The manager, which is not part of the history, comes first.
        var others = model.Agents.Keys.Where(n => n != agent.Name).ToArray();
        Assert.Equal(others.Length + 1, ids.Length);
        foreach (var (id, to) in ids.Skip(1).Zip(others))
            Sent(id, to);
    }

    private void Sent(long id, string to)
    {
        Assert.True(id > model.Messages.Keys.DefaultIfEmpty(0).Max(), $"{id} is not above every id before it");
        model.Send(id, to);
    }

    private async Task Receive(LeaseModel.Agent agent, int connection, int max, TimeSpan wait)
    {
        story.Add($"{agent.Name}: connection {connection} receives at most {max}, waits {wait.TotalSeconds} s");
        var line = lines[connection];
        await line.Send("recv", new { max, wait_seconds = (long)wait.TotalSeconds });
        if (model.Receive(agent, connection, max, wait) is { } expected)
        {
            Compare(expected, await line.Read());
            return;
        }

        waiting.Add(connection, line.Read());
        await hive.Clock.Set(model.Now + wait);
    }

    private async Task Nack(LeaseModel.Agent agent, int connection, long[] ids, long? delay)
    {
        var (requeued, parked) = model.Nack(agent, ids, delay);
        await Call(agent, connection, "nack", new { ids, delay_seconds = delay }, new { requeued, parked });
    }

    private async Task BeginTurn(LeaseModel.Agent agent, int connection, long[] ids)
    {
        story.Add($"{agent.Name}: connection {connection} begins a turn with {string.Join(", ", ids)}");
        var begun = await lines[connection].Call("begin_turn", new { ids, wake_from = "test" });
        Assert.Equal(
            ids.Length is 0 or > Limits.MaxBatch ? "invalid"
                : model.MayBegin(agent, ids) ? "ok"
                : "conflict",
            Code(begun)
        );
        if (Code(begun) != "ok")
        {
            if (Code(begun) == "conflict" && agent.Paused)
                model.GiveBack(agent, connection, ids);
            return;
        }

        var turn = begun.GetProperty("turn").GetInt64();
        story.Add($"{agent.Name}: turn {turn} has begun");
        model.Begin(agent, turn, ids);
    }

    private async Task EndTurn(LeaseModel.Agent agent, int connection, int choice)
    {
        var turn = Turn(choice);
        var (ok, delay) = (choice % 2 == 0, Delay(choice));
        var expected = model.End(agent, turn, ok, delay);
        await Call(
            agent,
            connection,
            "end_turn",
            new
            {
                turn,
                result = ok ? "ok" : "failed",
                delay_seconds = delay,
            },
            expected is var (acked, requeued, parked)
                ? new
                {
                    acked,
                    requeued,
                    parked,
                }
                : "not_found"
        );
    }

    private Task Hello(LeaseModel.Agent agent, int connection, long turn) =>
        Call(agent, connection, "hello", new { turn }, model.Join(agent, connection, turn) ? new { } : "not_found");

    private async Task Pause(LeaseModel.Agent agent, bool paused)
    {
        story.Add($"{agent.Name}: {(paused ? "paused" : "resumed")}");
        await host.CallAsync("set_paused", new { name = agent.Name, paused });
        model.Pause(agent, paused);
    }

    private async Task Parked(bool retry, int choice)
    {
        var parked = model.Messages.Values.Where(m => m.HasFailed).ToArray();
        var id =
            parked.Length > 0 && choice % 5 > 0
                ? parked[choice % parked.Length].Id
                : model.Messages.Keys.DefaultIfEmpty(NoSuchId).ElementAt(choice % Math.Max(1, model.Messages.Count));
        story.Add($"the operator {(retry ? "retries" : "drops")} {id}");
        using var answer = await hive.Http()
            .PostAsync(new Uri($"/{(retry ? "retry" : "drop")}-message/{id}", UriKind.Relative), null);
        Assert.Equal(retry ? model.Retry(id) : model.Drop(id), answer.IsSuccessStatusCode);
    }

    private async Task Restart()
    {
        story.Add("the host restarts");
        // The host closes the connections, not the agents.
        await hive.Restart();
        foreach (var line in lines.Values)
            line.Dispose();
        lines.Clear();
        waiting.Clear();
        host.Dispose();
        host = await LineClient.ConnectAsync(hive.HostSocket);
        model.Restart();
    }

    // Moves the clock from one due time to the next, and waits for each to be handled.
    private async Task PassTime(TimeSpan by)
    {
        if (by >= TimeSpan.FromSeconds(1))
            story.Add($"{by.TotalSeconds} s pass");
        var end = model.Now + by;
        while (model.NextDue is { } due && due <= end)
        {
            hive.Clock.Advance(due - model.Now);
            model.Pass(due);
            await Agree();
        }

        hive.Clock.Advance(end - model.Now);
        model.Pass(end);
    }

    // Ids for a command: mostly leased to the agent; also other agents', acknowledged, unknown and repeated ones.
    private long[] Some(LeaseModel.Agent agent, int seed)
    {
        var chance = new Random(seed);
        var all = model.Messages.Values.ToArray();
        List<long> ids =
        [
            .. all.Where(m => m.To == agent.Name && m.Place == LeaseModel.Place.Leased && chance.Next(3) > 0)
                .Select(m => m.Id),
        ];
        if (all.Length > 0 && chance.Next(4) == 0)
            ids.Add(all[chance.Next(all.Length)].Id);
        if (chance.Next(8) == 0)
            ids.Add(NoSuchId);
        if (ids.Count > 0 && chance.Next(6) == 0)
            ids.Add(ids[0]);
        return [.. ids];
    }

    // A turn of any agent, running or ended, or an unknown one.
    private long Turn(int choice)
    {
        var turns = model.Agents.Values.SelectMany(a => a.Turns.Keys).Order().ToArray();
        return turns.Length == 0 || choice % 11 == 10 ? NoSuchId : turns[^(1 + (choice % Math.Min(4, turns.Length)))];
    }

    private static long? Delay(int choice) =>
        (choice % 4) switch
        {
            0 => null,
            1 => 0,
            2 => choice % 60,
            _ => 60,
        };

    private async Task Call(LeaseModel.Agent agent, int connection, string command, object? fields, object expected)
    {
        story.Add(
            $"{agent.Name}: connection {connection} {command} {JsonSerializer.Serialize(fields, WireJson.Options)}"
        );
        var answer = await lines[connection].Call(command, fields);
        if (expected is string code)
        {
            Assert.Equal(code, Code(answer));
            return;
        }

        Assert.True(answer.GetProperty("ok").GetBoolean(), answer.ToString());
        foreach (var member in JsonSerializer.SerializeToElement(expected).EnumerateObject())
            Assert.True(
                JsonElement.DeepEquals(member.Value, answer.GetProperty(member.Name)),
                $"{command}: {answer} where {member} was expected"
            );
    }

    private async Task Agree()
    {
        await Answered();
        var (store, inboxes) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<Inboxes>()
        );
        await Finished(store, inboxes);
        // After everything that is queued.
        var counts = await store.Write(_ => model.Agents.Keys.Select(inboxes.Counts).ToArray());
        Assert.Equal(model.Agents.Values.Select(model.Counts), counts);
        Assert.Equal(counts.Select(c => (long)c.Unread), model.Agents.Keys.Select(inboxes.Unread));
        var (counted, stored) = await store.Write(write => (Counted(inboxes), Stored(write)));
        Assert.Equal(stored, counted);
    }

    private (string, string, long, long)[] Counted(Inboxes inboxes) =>
        [
            .. model
                .Agents.Keys.SelectMany(to =>
                    inboxes.Of(to).Backlog.Counts.Select(c => (to, c.Sender, (long)c.Messages, c.Bytes))
                )
                .OrderBy(c => c.to, StringComparer.Ordinal)
                .ThenBy(c => c.Sender, StringComparer.Ordinal),
        ];

    private (string, string, long, long)[] Stored(IWrite write) =>
        [
            .. write
                .Db.Query<(string To, string, long, long)>(
                    """
                    SELECT recipient, sender, count(*), sum(octet_length(body))
                      FROM messages INDEXED BY messages_open
                     WHERE acked_at IS NULL
                     GROUP BY recipient, sender
                     ORDER BY recipient, sender
                    """
                )
                .Where(c => model.Agents.ContainsKey(c.To)),
        ];

    // Steps that take several writes have had all of them.
    private async Task Finished(IStore store, Inboxes inboxes)
    {
        var redelivery = hive.Services.GetRequiredService<Redelivery>();
        var now = hive.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await Patience.Until(
            async () =>
            {
                var isOver = await store.Write(_ =>
                    inboxes.All.All(inbox => inbox.NextDue is not { } due || due > now)
                );
                await Task.WhenAll(model.Agents.Keys.Select(redelivery.Done)).WaitAsync(TimeSpan.FromSeconds(60));
                return isOver;
            },
            "messages whose back-off is over leave it"
        );
    }

    // Every receiver that the model answers has that same answer.
    private async Task Answered()
    {
        foreach (var (connection, expected) in model.Answers)
        {
            Compare(expected, await waiting[connection].WaitAsync(TimeSpan.FromSeconds(60)));
            waiting.Remove(connection);
        }

        model.Answers.Clear();
    }

    private void Compare(List<(long Id, bool Redelivered)> expected, JsonElement? answer)
    {
        var messages = answer!
            .Value.GetProperty("messages")
            .EnumerateArray()
            .Select(m => (m.GetProperty("id").GetInt64(), m.GetProperty("redelivered").GetBoolean()))
            .ToArray();
        story.Add(
            $"received: {string.Join(", ", messages.Select(m => m.Item1.ToString(CultureInfo.InvariantCulture)))}"
        );
        Assert.Equal(expected, messages);
    }

    // Once all holders are gone, exactly the messages that are neither acknowledged, dropped nor parked are delivered,
    // oldest first.
    private async Task NothingIsLost()
    {
        story.Add("everybody goes away");
        foreach (var agent in model.Agents.Values)
        {
            foreach (var connection in agent.Connections.ToArray())
                await Close(agent, connection);
            if (agent.Paused)
                await Pause(agent, false);
        }

        // After this time back-offs are over as well.
        await PassTime(LeaseModel.Grace + LeaseModel.Grace);
        await Agree();
        foreach (var agent in model.Agents.Values)
        {
            var open = model
                .Of(agent)
                .Where(m => m.Place is not (LeaseModel.Place.Done or LeaseModel.Place.Parked))
                .Select(m => m.Id)
                .ToArray();
            var connection = await Open(agent);
            List<long> got = [];
            while (
                await lines[connection].Call("recv", new { max = 32, wait_seconds = 0 }) is var batch
                && batch.GetProperty("messages").GetArrayLength() > 0
            )
                got.AddRange(
                    batch.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("id").GetInt64())
                );
            Assert.Equal(open, got);
            await Recorded(agent, connection);
        }
    }

    // The stored rows agree.
    private async Task Recorded(LeaseModel.Agent agent, int connection)
    {
        var rows = (await lines[connection].Call("recent", new { limit = 200 }))
            .GetProperty("rows")
            .Deserialize<Message[]>(WireJson.Options)!;
        foreach (var (row, expected) in rows.Reverse().Zip(model.Of(agent), (r, e) => (r, e)))
        {
            Assert.Equal(expected.Id, row.Id);
            Assert.Equal(expected.Place == LeaseModel.Place.Done, row.AckedAt is not null);
            Assert.Equal(expected.Attempts, row.Attempts ?? 0);
            if (expected.Place != LeaseModel.Place.Done)
                Assert.Equal(expected.Place == LeaseModel.Place.Parked, row.ParkedAt is not null);
        }
    }

    private static string Code(JsonElement answer) =>
        answer.GetProperty("ok").GetBoolean() ? "ok" : answer.GetProperty("code").GetString()!;
}
