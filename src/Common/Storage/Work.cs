namespace Hive.Common.Storage;

/// <summary>One queued change and the caller that waits for it.</summary>
internal abstract class Work
{
    /// <summary>Completes the caller's task; called once the change is on disk or rolled back.</summary>
    public abstract void Complete();

    public abstract void Run(IWrite write);

    public abstract void Fail(Exception error);

    public abstract bool WithdrawnBeforeStart();
}

/// <inheritdoc />
internal sealed class Work<T>(Func<IWrite, T> run, CancellationToken ct) : Work
{
    // Continuations run where Complete is called: on a pool thread that answers a few callers, see CommitPublisher.
    private readonly TaskCompletionSource<T> completion = new();
    private T? result;
    private Exception? error;
    private bool withdrawn;

    public Task<T> Task => completion.Task;

    public override void Run(IWrite write) => result = run(write);

    public override void Fail(Exception error) => this.error = error;

    public override bool WithdrawnBeforeStart() => withdrawn = ct.IsCancellationRequested;

    public override void Complete()
    {
        if (withdrawn)
            completion.TrySetCanceled(ct);
        else if (error is not null)
            completion.TrySetException(error);
        else
            completion.TrySetResult(result!);
    }
}
