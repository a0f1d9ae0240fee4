using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Hive.Protocol;

namespace Hive.Agent.Tests;

/// <summary>The host's side of one agent's socket, as the contract has it, for one agent named <c>alice</c>.</summary>
internal sealed class LineHost : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, JsonObject> messages = [];
    private readonly Dictionary<long, (long? Turn, object? Line)> leases = [];
    private readonly Channel<JsonObject> sent = Channel.CreateUnbounded<JsonObject>();
    private readonly Dictionary<string, JsonObject> byKey = [];
    private readonly List<string> calls = [];
    private readonly HashSet<Line> open = [];
    private TaskCompletionSource changed = New();
    private Socket? listener;
    private long lastId, lastTurn;

    public LineHost()
    {
        Folder = Directory.CreateTempSubdirectory("hive-agent-test-").FullName;
        StateDir = Directory.CreateDirectory(Path.Combine(Folder, "state")).FullName;
        Start();
    }

    public string Folder { get; }

    public string StateDir { get; }

    public string Socket => Path.Combine(Folder, "agent.sock");

    public string Status { get; private set; } = "";

    /// <summary>Commands as they came, with the fields that matter.</summary>
    public string[] Calls
    {
        get
        {
            lock (gate)
                return [.. calls];
        }
    }

    public int Unacked
    {
        get
        {
            lock (gate)
                return messages.Count;
        }
    }

    public void WriteScript(string yaml) => File.WriteAllText(Path.Combine(Folder, "script.yaml"), yaml);

    public void Start()
    {
        File.Delete(Socket);
        listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Socket));
        listener.Listen(16);
        _ = AcceptAsync(listener);
    }

    /// <summary>Every connection ends; what is stored stays.</summary>
    public void Stop()
    {
        listener?.Dispose();
        File.Delete(Socket);
        lock (gate)
        {
            foreach (var line in open)
                line.Socket.Dispose();
            open.Clear();
        }
    }

    public long Post(string body, string from = "operator")
    {
        lock (gate)
        {
            messages[++lastId] = new JsonObject { ["id"] = lastId, ["from"] = from, ["to"] = "alice", ["body"] = body, ["sent_at"] = "2026-01-31T12:00:00.000Z", ["file_refs"] = new JsonArray() };
            Changed();
            return lastId;
        }
    }

    /// <summary>What the agent sent next.</summary>
    public async Task<JsonObject> NextSentAsync(CancellationToken ct) => await sent.Reader.ReadAsync(ct);

    /// <summary>Waits, by being told of every change, until it holds.</summary>
    public async Task UntilAsync(Func<LineHost, bool> holds, CancellationToken ct)
    {
        while (true)
        {
            Task change;
            lock (gate)
                change = changed.Task;
            if (holds(this))
                return;
            await change.WaitAsync(ct);
        }
    }

    public ValueTask DisposeAsync()
    {
        Stop();
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Changed()
    {
        lock (gate)
        {
            changed.SetResult();
            changed = New();
        }
    }

    private async Task AcceptAsync(Socket from)
    {
        try
        {
            while (true)
            {
                var line = new Line(await from.AcceptAsync());
                lock (gate)
                    open.Add(line);
                _ = ServeAsync(line);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Line line)
    {
        try
        {
            await using var stream = new NetworkStream(line.Socket, ownsSocket: true);
            using var reader = new StreamReader(stream);
            var next = reader.ReadLineAsync();
            while (await next is { } text)
            {
                next = reader.ReadLineAsync();
                var answer = await AnswerAsync(line, JsonNode.Parse(text)!.AsObject(), next);
                answer.Insert(0, "version", 1);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer.ToJsonString(WireJson.Options) + "\n"));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // Gone.
        }
        finally
        {
            lock (gate)
            {
                open.Remove(line);
                calls.Add("closed " + line.Client);
                Changed();
            }
        }
    }

    private async Task<JsonObject> AnswerAsync(Line line, JsonObject request, Task<string?> peer)
    {
        var command = request["cmd"]!.GetValue<string>();
        request.Remove("cmd");
        lock (gate)
        {
            calls.Add($"{command} {request.ToJsonString(WireJson.Options)}");
            Changed();
        }

        switch (command)
        {
            case "hello":
                line.Client = request["client"]?.GetValue<string>() ?? "";
                line.Turn = request["turn"]?.GetValue<long>();
                return Ok();
            case "whoami":
                return Ok(("name", "alice"), ("role", "agent"), ("state_dir", StateDir));
            case "set_status":
                Status = request["text"]!.GetValue<string>();
                Changed();
                return Ok();
            case "tools":
                return Ok(("tools", JsonNode.Parse("""
                    [{"name":"send","description":"Send.","input_schema":{"type":"object","properties":{"to":{"type":"string"},"body":{"type":"string"}},"required":["to","body"]}},
                     {"name":"recv","description":"Receive.","input_schema":{"type":"object","properties":{"wait_seconds":{"type":"integer"},"max":{"type":"integer"}}}},
                     {"name":"ack","description":"Acknowledge.","input_schema":{"type":"object","properties":{"ids":{"type":"array"},"all":{"type":"boolean"}}}},
                     {"name":"whoami","description":"Who.","input_schema":{"type":"object","properties":{}}}]
                    """)!));
            case "send":
                return Send(request);
            case "recv":
                return await ReceiveAsync(line, request["wait_seconds"]?.GetValue<int>() ?? 30, request["max"]?.GetValue<int>() ?? 1, peer);
            case "ack":
                return Ok(("acked", Remove(request["ids"]!.AsArray().Select(id => id!.GetValue<long>()))));
            case "requeue_inflight":
                return Requeue(request["except_turns"]!.AsArray().Select(id => id!.GetValue<long>()));
            case "begin_turn":
                lock (gate)
                {
                    foreach (var id in request["ids"]!.AsArray())
                        leases[id!.GetValue<long>()] = (lastTurn + 1, null);
                    return Ok(("turn", ++lastTurn));
                }

            case "end_turn":
                lock (gate)
                {
                    var ids = leases.Where(l => l.Value.Turn == request["turn"]!.GetValue<long>()).Select(l => l.Key).ToArray();
                    if (request["result"]!.GetValue<string>() == "ok")
                        Remove(ids);
                    else
                        Free(ids);
                    Changed();
                    return Ok();
                }

            default:
                return new JsonObject { ["ok"] = false, ["error"] = $"there is no command {command}", ["code"] = "unknown_command" };
        }
    }

    private static JsonObject Ok(params (string Name, JsonNode? Value)[] members)
    {
        var answer = new JsonObject { ["ok"] = true };
        foreach (var (name, value) in members)
            answer[name] = value;
        return answer;
    }

    private JsonObject Send(JsonObject request)
    {
        lock (gate)
        {
            if (request["key"]?.GetValue<string>() is { } key && byKey.TryGetValue(key, out var first))
                return first.DeepClone().AsObject();
            if (request["to"]!.GetValue<string>() == "nobody")
                return new JsonObject { ["ok"] = false, ["error"] = "there is no agent nobody", ["code"] = "not_found" };
            sent.Writer.TryWrite(request.DeepClone().AsObject());
            var answer = Ok(("id", ++lastId), ("recipient_state", "running"));
            if (request["key"]?.GetValue<string>() is { } fresh)
                byKey[fresh] = answer.DeepClone().AsObject();
            Changed();
            return answer;
        }
    }

    private async Task<JsonObject> ReceiveAsync(Line line, int seconds, int max, Task<string?> peer)
    {
        var until = Task.Delay(TimeSpan.FromSeconds(seconds));
        while (true)
        {
            Task change;
            lock (gate)
            {
                change = changed.Task;
                var ready = messages.Where(m => !leases.ContainsKey(m.Key)).Take(max).ToArray();
                if (ready.Length > 0 && open.Contains(line))
                {
                    foreach (var (id, _) in ready)
                        leases[id] = (line.Turn, line);
                    return Ok(("messages", new JsonArray([.. ready.Select(m => m.Value.DeepClone())])));
                }
            }

            var first = await Task.WhenAny(until, change, peer);
            if (first == peer)
                throw new IOException("the peer went");
            if (first == until)
                return Ok(("messages", new JsonArray()));
        }
    }

    private JsonObject Requeue(IEnumerable<long> except)
    {
        lock (gate)
        {
            var free = leases.Where(l => l.Value.Turn is { } turn ? !except.Contains(turn) : l.Value.Line is Line line && !open.Contains(line)).Select(l => l.Key).ToArray();
            Free(free);
            Changed();
            return Ok(("requeued", free.Length));
        }
    }

    private void Free(IEnumerable<long> ids)
    {
        foreach (var id in ids)
        {
            leases.Remove(id);
            messages[id]["redelivered"] = true;
        }
    }

    private int Remove(IEnumerable<long> ids)
    {
        lock (gate)
        {
            var removed = ids.Count(id => leases.Remove(id) && messages.Remove(id));
            Changed();
            return removed;
        }
    }

    private sealed class Line(Socket socket)
    {
        public Socket Socket { get; } = socket;

        public string Client { get; set; } = "";

        public long? Turn { get; set; }
    }
}
