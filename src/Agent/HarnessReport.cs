using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent;

/// <summary>The state of the harness, as <c>report_harness</c> sends it (docs/turns.md).</summary>
internal sealed record HarnessState(string State, DateTimeOffset SinceAt, string Driver)
{
    public const string Idle = "idle",
        Thinking = "thinking",
        Compacting = "compacting",
        NeedsLogin = "needs_login";
    public const string LoggingIn = "logging_in",
        RateLimited = "rate_limited",
        NotReady = "not_ready";

    public string? Model { get; init; }

    public long? ContextTokens { get; init; }

    public long? ContextLimit { get; init; }

    public long? Turn { get; init; }

    public DateTimeOffset? RateLimitedUntil { get; init; }

    public LoginReport? Login { get; init; }

    /// <summary>With <see cref="NotReady"/>: what the driver lacks, and how to provide it.</summary>
    public string? Missing { get; init; }
}

/// <summary>The progress of a login.</summary>
internal sealed record LoginReport(string? Url = null, string? Output = null, string? Error = null);

/// <summary>
/// Reports the state of the harness to the host: at each change, at most four times a second, and on each new
/// connection.
/// </summary>
internal sealed class HarnessReport
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    private readonly HostCalls host;
    private readonly Log log;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private HarnessState now;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int? unsupportedBy;
    private bool isUnsupportedLogged;

    public HarnessReport(HostCalls host, string driver, Log log, TimeProvider time)
    {
        (this.host, this.log, this.time) = (host, log, time);
        now = new HarnessState(HarnessState.Idle, time.GetUtcNow(), driver);
        host.Renewed += () =>
        {
            lock (gate)
                changed.TrySetResult();
        };
    }

    public HarnessState Now
    {
        get
        {
            lock (gate)
                return now;
        }
    }

    /// <summary>Changes the state; a change is reported.</summary>
    public void Change(Func<HarnessState, HarnessState> change)
    {
        lock (gate)
        {
            var next = change(now);
            if (next == now)
                return;
            now = next.State == now.State ? next : next with { SinceAt = time.GetUtcNow() };
            changed.TrySetResult();
        }
    }

    /// <summary>Starts reporting, once the driver is known.</summary>
    public void Begin() => begun.TrySetResult();

    /// <summary>Reports until stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await begun.Task.WaitAsync(stop);
        while (true)
        {
            Task change;
            lock (gate)
                change = changed.Task;
            await change.WaitAsync(stop);
            HarnessState state;
            lock (gate)
            {
                changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
                state = now;
            }

            if (unsupportedBy == host.Generation)
                continue;
            try
            {
                await host.CallAsync(
                    "report_harness",
                    JsonSerializer.SerializeToNode(state, WireJson.Options)!.AsObject(),
                    stop
                );
            }
            catch (HiveException e) when (e.Code == "unknown_command")
            {
                unsupportedBy = host.Generation;
                if (!isUnsupportedLogged)
                    log.Info("the host is older than this hive-agent and takes no reports of the harness's state");
                isUnsupportedLogged = true;
            }
            catch (HiveException e)
            {
                log.Warn($"the host refused a report of the harness's state: {e.Message}");
            }

            await Task.Delay(Between, time, stop);
        }
    }
}
