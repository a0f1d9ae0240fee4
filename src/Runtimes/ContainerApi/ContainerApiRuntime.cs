using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.ContainerApi;

/// <summary>
/// Runs an agent as a container of podman's or docker's: an image with a C library, the harness and the agent's own
/// mounts; no capabilities, a root that cannot be written to, the host's network.
/// What the containers do is known from the daemon's events, and where those were missed, from its list.
/// </summary>
internal sealed partial class ContainerApiRuntime : IRuntime, IDisposable
{
    // As many as can be asked for at once.
    private const int KeptLines = 5000;

    // What a daemon takes to send the last of it.
    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(1);

    private readonly ContainerApi api;
    private readonly ContainerLog logs;
    private readonly SweepBell bell;
    private readonly ILogger log;
    private readonly string image;
    private readonly string instance;
    private readonly string runDir;
    private readonly ContainerTrial trial;
    private readonly KeptTrial kept;
    private readonly ContainerEvents events;

    // By container: what is known to run.
    private readonly ConcurrentDictionary<string, ContainerRun> runs = new();

    // Completed and replaced whenever something has happened to a container.
    private volatile TaskCompletionSource happened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ContainerApiRuntime(
        ContainerDaemon daemon,
        HivePaths paths,
        ContainerLog logs,
        HiveOptions options,
        SweepBell bell,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<ContainerApiRuntime> log
    )
    {
        (Name, this.logs, this.bell, this.log) = (daemon.Name, logs, bell, log);
        (instance, runDir) = (Instance.Of(paths), paths.RunDir);
        image = options.Image;
        api = new ContainerApi(daemon);
        trial = new ContainerTrial(api, image, instance);
        kept = new KeptTrial(trial.Run, clock);
        events = new ContainerEvents(api, Label, Changed, Settle, clock, log, lifetime.ApplicationStopping);
    }

    public string Name { get; }

    private string Label => $"{ContainerRecipe.Instance}={instance}";

    public Task<string?> Fault(CancellationToken ct) => kept.Fault(ct);

    public async Task<string?> Weakness(CancellationToken ct) =>
        await kept.Fault(ct) is null ? trial.Found!.Weakness : null;

    public async Task<IRunning> Start(Blueprint blueprint, CancellationToken ct)
    {
        if (await kept.Fault(ct) is { } fault)
            throw Problem.Unavailable($"the runtime '{Name}' does not work here: {fault}");
        var agent = blueprint.Agent.Name;
        await events.Open(ct);
        var imageId = (
            await api.Image(image, ct) ?? throw Problem.Unavailable($"{Name} has the image '{image}' no more")
        ).Id;
        var recipe = ContainerRecipe.For(blueprint, image, imageId, instance, runDir, trial.Found!);
        var id = await Same(agent, ContainerRecipe.HashOf(recipe), ct);
        var anew = id is null;
        if (id is null)
        {
            // Docker says so too; podman makes an empty folder in its place.
            if (blueprint.Mounts.FirstOrDefault(m => !Path.Exists(m.Source)) is { } missing)
                throw Problem.Unavailable(
                    $"{agent} is to see {missing.Source} as {missing.Target}, but it is not there"
                );
            id = await api.Create($"hive-{instance}-{agent}", recipe, ct);
        }

        try
        {
            await api.Start(id, ct);
            var container =
                await api.Inspect(id, ct)
                ?? throw Problem.Unavailable(
                    $"{agent} was started, but somebody has removed its container; start it again"
                );
            var run = Known(container);
            if (!container.State.IsRunning)
                await Look(id);
            return run;
        }
        catch
        {
            if (anew)
                await Quietly(api.Remove(id, CancellationToken.None));
            else
                await Quietly(api.Signal(id, "KILL", CancellationToken.None));
            throw;
        }
    }

    public async Task<IRunning?> Find(string agent, CancellationToken ct) => await FindRun(agent, ct);

    public async Task<IReadOnlyDictionary<string, bool>> List(CancellationToken ct)
    {
        var listed = await api.List([Label], ct);
        foreach (var missed in runs.Keys.Where(id => !listed.Any(c => c.Id == id && c.IsRunning)))
            await Look(missed);
        return listed
            .Where(c => c.Labels?.ContainsKey(ContainerRecipe.Agent) == true)
            .GroupBy(c => c.Labels![ContainerRecipe.Agent])
            .ToDictionary(g => g.Key, g => g.Any(c => c.IsRunning));
    }

    public async Task Remove(string agent)
    {
        foreach (var container in await Of(agent, CancellationToken.None))
        {
            await api.Remove(container.Id, CancellationToken.None);
            await Look(container.Id);
        }

        logs.Remove(agent);
    }

    public Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct) =>
        Tail(agent, lines, null, ct);

    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(
        string agent,
        int lines,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        await events.Open(ct);
        var changes = happened.Task;
        var position = new OutputPosition();
        yield return await Tail(agent, lines, position, ct);
        while (true)
        {
            await using var reading = ReadOn(agent, position, ct).GetAsyncEnumerator(ct);
            while (await MoveNext(reading, ct))
                yield return reading.Current;
            // It has ended, or the daemon has: whatever is next there, something happens first.
            await changes.WaitAsync(ct);
            changes = happened.Task;
        }
    }

    public async Task<Executed> Exec(string agent, IReadOnlyList<string> command, CancellationToken ct)
    {
        if ((await Of(agent, ct)).FirstOrDefault(c => c.IsRunning) is not { } running)
            throw Problem.Conflict($"{agent} does not run; start it first");
        var (exec, stream) = await api.Exec(running.Id, command, ct);
        await using (stream)
        {
            var output = await ContainerOutput.All(stream, ct);
            return new Executed(await api.ExecExit(exec, ct), output);
        }
    }

    public void Dispose() => api.Dispose();

    // All containers of an agent: one, unless somebody has meddled.
    private Task<IReadOnlyList<ContainerListed>> Of(string agent, CancellationToken ct) =>
        api.List([Label, $"{ContainerRecipe.Agent}={agent}"], ct);

    private async Task<ContainerRun?> FindRun(string agent, CancellationToken ct)
    {
        if ((await Of(agent, ct)).FirstOrDefault(c => c.IsRunning) is not { } running)
            return null;
        await events.Open(ct);
        return await api.Inspect(running.Id, ct) is { State.IsRunning: true } container ? Known(container) : null;
    }

    private async Task<string?> Newest(string agent, CancellationToken ct) =>
        await Of(agent, ct) is var all && all.Count > 0 ? (all.FirstOrDefault(c => c.IsRunning) ?? all[0]).Id : null;

    // The container that is as it should be; every other one of the agent's is removed.
    private async Task<string?> Same(string agent, string hash, CancellationToken ct)
    {
        string? same = null;
        foreach (var container in await Of(agent, ct))
        {
            if (
                same is null
                && (container.State is "created" or "exited" or "running")
                && container.Labels?.GetValueOrDefault(ContainerRecipe.Blueprint) == hash
            )
            {
                same = container.Id;
                continue;
            }

            await KeepLog(agent, container.Id);
            await api.Remove(container.Id, ct);
            await Look(container.Id);
        }

        return same;
    }

    // What it has printed is to be read later, too.
    private async Task KeepLog(string agent, string id)
    {
        try
        {
            logs.Keep(agent, await ContainerOutput.Tail(api, id, KeptLines, null, CancellationToken.None));
        }
        catch (Exception e) when (e is Problem or IOException)
        {
            LogNotKept(log, agent, e.Message);
        }
    }

    private ContainerRun Known(ContainerDetails container)
    {
        var (now, before) = (new ContainerRun(api, container, id => Look(id)), (ContainerRun?)null);
        var known = runs.AddOrUpdate(
            container.Id,
            now,
            (_, old) =>
            {
                before = old.IsStill(container) ? null : old;
                return before is null ? old : now;
            }
        );
        before?.Settle(container, null);
        return known;
    }

    // What an event says may be late, and of an earlier run: what is so is asked.
    private async Task Look(string id, int? exitCode = null)
    {
        if (!runs.TryGetValue(id, out var run))
            return;
        var now = await api.Inspect(id, CancellationToken.None);
        if (run.IsStill(now))
            return;
        runs.TryRemove(KeyValuePair.Create(id, run));
        run.Settle(now, exitCode);
    }

    private async Task Changed(ContainerChange change)
    {
        try
        {
            await Look(change.Id, change.ExitCode);
        }
        catch (Problem e)
        {
            // The sweep finds it.
            LogNotSeen(log, Name, change.Id, e.Message);
        }

        if (change.Started && !runs.ContainsKey(change.Id))
            bell.Ring();

        Happened();
    }

    private async Task Settle()
    {
        await List(CancellationToken.None);
        Happened();
    }

    private void Happened() =>
        Interlocked
            .Exchange(ref happened, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
            .TrySetResult();

    private async Task<IReadOnlyList<string>> Tail(
        string agent,
        int lines,
        OutputPosition? position,
        CancellationToken ct
    )
    {
        IReadOnlyList<string> newest = await Newest(agent, ct) is { } container
            ? await ContainerOutput.Tail(api, container, lines, position, ct)
            : [];
        return newest.Count < lines ? [.. logs.Tail(agent, lines - newest.Count), .. newest] : newest;
    }

    private async IAsyncEnumerable<IReadOnlyList<string>> ReadOn(
        string agent,
        OutputPosition position,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var run = await FindRun(agent, ct);
        if ((run?.Container ?? await Newest(agent, ct)) is not { } container)
            yield break;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var ending = run is null ? Task.CompletedTask : EndAfter(run, enough);
        try
        {
            await using var stream = await api.Logs(
                container,
                position.Query(container, follow: run is not null),
                enough.Token
            );
            await foreach (var added in position.Read(stream, unfinished: false, enough.Token))
                yield return added;
        }
        finally
        {
            await enough.CancelAsync();
            await ending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Podman misses the end of a container that comes just when its output begins to be followed, and says nothing more
    // for ever.
    private static async Task EndAfter(ContainerRun run, CancellationTokenSource enough)
    {
        await run.Ended.WaitAsync(enough.Token);
        await Task.Delay(OutputGrace, enough.Token);
        await enough.CancelAsync();
    }

    // However a stream ends, it is read on from there.
    private static async Task<bool> MoveNext(IAsyncEnumerator<IReadOnlyList<string>> reading, CancellationToken ct)
    {
        try
        {
            return await reading.MoveNextAsync();
        }
        catch (Exception e)
            when (e is IOException or Problem || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task Quietly(Task undoing)
    {
        try
        {
            await undoing;
        }
        catch (Problem e)
        {
            LogNotUndone(log, Name, e.Message);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Daemon} told of the container {Id}, but could not say how it is: {Error}"
    )]
    private static partial void LogNotSeen(ILogger logger, string daemon, string id, string error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "what the last container of {Agent} has printed could not be kept: {Error}"
    )]
    private static partial void LogNotKept(ILogger logger, string agent, string error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "what {Daemon} had begun to start could not be undone yet: {Error}"
    )]
    private static partial void LogNotUndone(ILogger logger, string daemon, string error);
}
