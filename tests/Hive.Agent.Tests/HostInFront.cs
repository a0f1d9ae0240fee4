using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Tests;

/// <summary>
/// A socket in front of an agent's own: it records the harness's reports and events, returns the test's controls, and
/// passes everything else to the real host.
/// </summary>
internal sealed class HostInFront : IAsyncDisposable
{
    private readonly string behind;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource closing = new();
    private readonly List<Task> connections = [];
    private readonly List<JsonObject> events = [],
        reports = [],
        requests = [];
    private readonly Queue<JsonObject> asked = [];
    private readonly Lock gate = new();
    private readonly Task accepting;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HostInFront(string socket, string behind)
    {
        this.behind = behind;
        Socket = socket;
        listener.Bind(new UnixDomainSocketEndPoint(socket));
        listener.Listen();
        accepting = AcceptAsync();
    }

    public string Socket { get; }

    /// <summary>Acts like a host without events, reports and controls.</summary>
    public bool IsOld { get; set; }

    /// <summary>Lets the real host give the controls.</summary>
    public bool PassesControls { get; set; }

    /// <summary>Commands that are answered by closing the connection.</summary>
    public HashSet<string> Deaf { get; } = [];

    /// <summary>Commands whose next request is answered by closing the connection.</summary>
    public HashSet<string> DeafOnce { get; } = [];

    /// <summary>The test's own answer to a request; null for requests that the real host answers.</summary>
    public Func<JsonObject, JsonObject?>? Answers { get; set; }

    /// <summary>The error code for a refused request; null for requests that the real host answers.</summary>
    public Func<JsonObject, string?>? Refuses { get; set; }

    /// <summary>The error message of a refusal; null for the default.</summary>
    public string? Refusal { get; set; }

    /// <summary>The model that the host returns.</summary>
    public string? Model { get; set; }

    /// <summary>The emitted events in order.</summary>
    public IReadOnlyList<JsonObject> Events => Copy(events);

    public IReadOnlyList<JsonObject> Reports => Copy(reports);

    /// <summary>The requests for the real host, including refused ones.</summary>
    public IReadOnlyList<JsonObject> Requests => Copy(requests);

    /// <summary>Adds a control of the operator.</summary>
    public void Ask(string kind, params (string Name, string? Value)[] fields)
    {
        var control = new JsonObject { ["kind"] = kind };
        foreach (var (name, value) in fields)
            control[name] = value;
        Change(() => asked.Enqueue(control));
    }

    /// <summary>Hands the harness a cancellation that names a turn.</summary>
    public void Cancel(long turn) =>
        Change(() => asked.Enqueue(new JsonObject { ["kind"] = "cancel_turn", ["turn"] = turn }));

    public Task<JsonObject> EventAsync(string kind, Func<JsonObject, bool>? which = null) =>
        UntilAsync(() => events.FirstOrDefault(e => (string?)e["kind"] == kind && which?.Invoke(e) != false));

    public Task<JsonObject> ReportAsync(string state, Func<JsonObject, bool>? which = null) =>
        UntilAsync(() =>
            reports.LastOrDefault() is { } last && (string?)last["state"] == state && which?.Invoke(last) != false
                ? last
                : null
        );

    /// <summary>The nth request of that name, counted from 1.</summary>
    public Task<JsonObject> RequestAsync(string command, int number = 1) =>
        UntilAsync(() => requests.Where(r => (string?)r["cmd"] == command).ElementAtOrDefault(number - 1));

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        listener.Dispose();
        await accepting;
        Task[] open;
        lock (gate)
            open = [.. connections];
        await Task.WhenAll(open);
        closing.Dispose();
    }

    private List<JsonObject> Copy(List<JsonObject> list)
    {
        lock (gate)
            return [.. list];
    }

    private void Change(Action change)
    {
        lock (gate)
        {
            change();
            changed.SetResult();
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private async Task<T> UntilAsync<T>(Func<T?> look)
        where T : class
    {
        while (true)
        {
            Task change;
            lock (gate)
            {
                if (look() is { } found)
                    return found;
                change = changed.Task;
            }

            await change.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(closing.Token);
                lock (gate)
                    connections.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        using var host = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await host.ConnectAsync(new UnixDomainSocketEndPoint(behind), ending.Token);
            await using var near = new NetworkStream(client, ownsSocket: true);
            await using var far = new NetworkStream(host);
            var first = await Task.WhenAny(
                AnswersAsync(far, near, ending.Token),
                RequestsAsync(near, far, ending.Token)
            );
            await ending.CancelAsync();
            await first;
        }
        catch (Exception e)
            when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // One of the two connections was closed.
        }
        finally
        {
            client.Dispose();
        }
    }

    private static Task AnswersAsync(Stream from, Stream to, CancellationToken ct) => from.CopyToAsync(to, ct);

    private async Task RequestsAsync(Stream from, Stream to, CancellationToken ct)
    {
        using var lines = new StreamReader(from);
        var isFirstLook = true;
        while (await lines.ReadLineAsync(ct) is { } line)
        {
            Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(line), 1, Limits.LineBytes);
            var request = JsonNode.Parse(line)!.AsObject();
            var command = (string)request["cmd"]!;
            if (command is "emit" or "report_harness" or "controls" && IsOld)
            {
                await AnswerAsync(
                    from,
                    new
                    {
                        version = 1,
                        ok = false,
                        error = $"there is no command {command}",
                        code = "unknown_command",
                    },
                    ct
                );
                continue;
            }

            switch (command)
            {
                case "emit":
                    var batch = request["events"]!.AsArray();
                    Assert.InRange(batch.Count, 1, 100);
                    Change(() => events.AddRange(batch.Select(e => e!.DeepClone().AsObject())));
                    await AnswerAsync(from, new { version = 1, ok = true }, ct);
                    break;
                case "report_harness":
                    Change(() => reports.Add(request));
                    await AnswerAsync(from, new { version = 1, ok = true }, ct);
                    break;
                case "controls" when !PassesControls:
                    await AnswerAsync(
                        from,
                        new
                        {
                            version = 1,
                            ok = true,
                            controls = await ControlsAsync(isFirstLook, (int)request["wait_seconds"]!, ct),
                        },
                        ct
                    );
                    isFirstLook = false;
                    break;
                default:
                    Change(() => requests.Add(request));
                    if (Deaf.Contains(command) || DeafOnce.Remove(command))
                        return;
                    if (Answers?.Invoke(request) is { } answer)
                    {
                        await AnswerAsync(from, answer, ct);
                        break;
                    }

                    if (Refuses?.Invoke(request) is { } code)
                    {
                        await AnswerAsync(
                            from,
                            new
                            {
                                version = 1,
                                ok = false,
                                error = Refusal ?? $"{command} is not to this host's liking",
                                code,
                            },
                            ct
                        );
                        if (code == "too_large")
                            return;
                        break;
                    }

                    await to.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line + "\n"), ct);
                    break;
            }
        }
    }

    private async Task<JsonObject[]> ControlsAsync(bool isFirstLook, int wait, CancellationToken ct)
    {
        if (isFirstLook && Model is not null)
            return [new JsonObject { ["kind"] = "model", ["model"] = Model }];
        while (true)
        {
            Task change;
            lock (gate)
            {
                if (asked.Count > 0 || wait == 0)
                {
                    JsonObject[] all = [.. asked];
                    asked.Clear();
                    return all;
                }

                change = changed.Task;
            }

            await change.WaitAsync(ct);
        }
    }

    private static async Task AnswerAsync(Stream to, object answer, CancellationToken ct) =>
        await to.WriteAsync(
            System.Text.Encoding.UTF8.GetBytes(JsonSerializer.Serialize(answer, WireJson.Options) + "\n"),
            ct
        );
}
