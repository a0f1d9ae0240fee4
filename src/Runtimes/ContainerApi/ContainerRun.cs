using System.Globalization;

namespace Hive.Runtimes.ContainerApi;

/// <summary>One run of a container that a daemon keeps.</summary>
/// <param name="api">The daemon.</param>
/// <param name="container">The container, as it was at the run's start.</param>
/// <param name="look">Finds out whether the run has ended, and says so with <see cref="Settle"/>.</param>
internal sealed class ContainerRun(ContainerApi api, ContainerDetails container, Func<string, Task> look) : IRunning
{
    private const int ShortId = 12;

    private readonly TaskCompletionSource<Outcome> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

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

    public Task Ended => ended.Task;

    public Task<Outcome> Outcome() => ended.Task;

    public async Task Terminate()
    {
        if (!await api.Signal(container.Id, "TERM", CancellationToken.None))
            await look(container.Id);
    }

    public async Task Kill()
    {
        if (await api.Signal(container.Id, "KILL", CancellationToken.None))
            return;
        // One that somebody has paused hears nothing.
        await api.Unpause(container.Id, CancellationToken.None);
        if (!await api.Signal(container.Id, "KILL", CancellationToken.None))
            await look(container.Id);
    }

    /// <summary>True when this very run still goes on.</summary>
    /// <param name="now">The container as it is now; null when it is gone.</param>
    public bool IsStill(ContainerDetails? now) =>
        now is { State.IsRunning: true } && now.State.StartedAt == container.State.StartedAt;

    /// <summary>It has ended; the first word on how stands.</summary>
    /// <param name="now">The container as it is now; null when it is gone.</param>
    /// <param name="exitCode">What was told of its end; null when nothing was.</param>
    public void Settle(ContainerDetails? now, int? exitCode)
    {
        var exited = now is not null && now.State.StartedAt == container.State.StartedAt ? now : null;
        ended.TrySetResult(
            exited is { State.OutOfMemory: true }
                ? new Outcome(
                    false,
                    $"ended for want of memory: it may use {Mebibytes(exited)} MiB; raise `memory` in its agent.yaml if it needs more"
                )
            : (exited?.State.ExitCode ?? exitCode) is { } code ? Containers.Outcome.Of(code)
            : new Outcome(
                false,
                now is null
                    ? "its container was removed by somebody else"
                    : "ended; how is not known, since somebody has started it again"
            )
        );
    }

    private static string Mebibytes(ContainerDetails container) =>
        ((container.HostConfig?.Memory ?? 0) >> 20).ToString(CultureInfo.InvariantCulture);
}
