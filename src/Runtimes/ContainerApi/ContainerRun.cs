using System.Globalization;

namespace Hive.Runtimes.ContainerApi;

/// <summary>One run of a daemon's container.</summary>
/// <param name="api">The daemon.</param>
/// <param name="container">The container at the run's start.</param>
/// <param name="check">Finds out whether the run has ended, and calls <see cref="Complete"/> then.</param>
internal sealed class ContainerRun(DaemonApi api, ContainerDetails container, Func<string, Task> check) : IRunning
{
    private const int ShortId = 12;

    private readonly TaskCompletionSource<RunOutcome> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Container => container.Id;

    public string Id => $"container {container.Id[..Math.Min(ShortId, container.Id.Length)]}";

    public DateTimeOffset StartedAt { get; } =
        DateTimeOffset.TryParse(
            container.State.StartedAt,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var at
        )
            ? at
            : DateTimeOffset.UnixEpoch;

    public string? RunDir => container.Label(ContainerRecipe.RunDir);

    public string? Weakness { get; } = RunNote.Read(container.Label(ContainerRecipe.Note));

    public Task Ended => ended.Task;

    public Task<RunOutcome> Outcome() => ended.Task;

    public async Task Terminate()
    {
        if (!await api.Signal(container.Id, "TERM", CancellationToken.None))
            await check(container.Id);
    }

    public async Task Kill()
    {
        if (await api.Signal(container.Id, "KILL", CancellationToken.None))
            return;
        // A paused container receives no signal.
        await api.Unpause(container.Id, CancellationToken.None);
        if (!await api.Signal(container.Id, "KILL", CancellationToken.None))
            await check(container.Id);
    }

    /// <summary>True while this run has not ended.</summary>
    /// <param name="now">The current container; null when it does not exist any more.</param>
    public bool IsStill(ContainerDetails? now) =>
        now is { State.IsRunning: true } && now.State.StartedAt == container.State.StartedAt;

    /// <summary>Completes the run, unless it is completed already.</summary>
    /// <param name="now">The current container; null when it does not exist any more.</param>
    /// <param name="exitCode">The exit code from the event; null when it is unknown.</param>
    public void Complete(ContainerDetails? now, int? exitCode)
    {
        if (now is { State.IsBeingRemoved: true })
            now = null;
        var exited = now is not null && now.State.StartedAt == container.State.StartedAt ? now : null;
        ended.TrySetResult(
            exited is { State.OutOfMemory: true }
                ? new RunOutcome(
                    false,
                    $"ended: out of memory; its limit is {Mebibytes(exited)} MiB, "
                        + "raise `memory` in its agent.yaml if it needs more"
                )
            : (exited?.State.ExitCode ?? exitCode) is { } code ? RunOutcome.Of(code)
            : new RunOutcome(
                false,
                now is null
                    ? "its container was removed from outside Hive"
                    : "ended; exit code unknown, because it was started again from outside Hive"
            )
        );
    }

    private static string Mebibytes(ContainerDetails container) =>
        ((container.HostConfig?.Memory ?? 0) >> 20).ToString(CultureInfo.InvariantCulture);
}
