using Hive.Common.Errors;

namespace Hive.Runtimes;

/// <summary>Keeps the result of a trial: a success for good, a failure or a lesser success for a minute.</summary>
/// <param name="run">Runs the trial; null for success.</param>
/// <param name="clock">Measures the age of a result.</param>
/// <param name="isLess">The last success lacks something that a later trial may find; null for never.</param>
internal sealed class KeptTrial(Func<Task<Fault?>> run, TimeProvider clock, Func<bool>? isLess = null)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private static readonly AsyncLocal<bool> Fresh = new();

    private readonly Lock gate = new();
    private Task<Fault?>? tried;
    private DateTimeOffset triedAt;

    /// <summary>Every trial that is asked for later in this flow of calls runs again, because the operator may have
    /// just fixed or broken something.</summary>
    public static void ForgetInThisFlow() => Fresh.Value = true;

    public Task<Fault?> FindFault(CancellationToken ct)
    {
        lock (gate)
        {
            var keep =
                tried is not null
                && (!Fresh.Value || !tried.IsCompleted)
                && (
                    !tried.IsCompleted
                    || (tried is { IsCompletedSuccessfully: true, Result: null } && isLess?.Invoke() != true)
                    || clock.GetUtcNow() - triedAt < Kept
                );
            if (!keep)
                (tried, triedAt) = (run(), clock.GetUtcNow());
            return tried!.WaitAsync(ct);
        }
    }
}
