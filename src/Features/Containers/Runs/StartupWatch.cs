using Hive.Common.Errors;
using Hive.Features.Messages.Contracts;
using Hive.Runtimes;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Runs;

/// <summary>Waits until a started agent has come up: its harness asks for its first message, or reports that it waits
/// for the operator.</summary>
internal sealed class StartupWatch(
    ContainerStates states,
    IHarnessStartups startups,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    private const int ShownLines = 5;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);

    /// <summary>Call this before the start, and wait with the result.</summary>
    public HarnessStartup Expect(string name) => startups.Expect(name);

    /// <summary>Waits until the harness has come up. A run may end right after its start because its settings or its
    /// driver's are wrong; a harness that has said hello and is still running has come up too.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: it did not come up; the message has its last
    /// output.</exception>
    public async Task MustComeUp(string name, IRuntime runtime, HarnessStartup harness)
    {
        var gone = states.Of(name) is { Running: not null, Gone: { } end } ? end : Task.CompletedTask;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        await Task.WhenAny(harness.CameUp, gone, Task.Delay(TimeLimit, clock, enough.Token));
        await enough.CancelAsync();
        if (harness.CameUp.IsCompleted || (harness.Hello.IsCompleted && !gone.IsCompleted))
            return;
        lifetime.ApplicationStopping.ThrowIfCancellationRequested();
        var what = gone.IsCompleted
            ? "it ended right after its start"
            : $"its harness has not said hello within {TimeLimit.TotalSeconds:0} s";
        var output = string.Join('\n', await runtime.Tail(name, ShownLines, CancellationToken.None));
        throw Problem.Unavailable(
            $"{name} failed to start: {what}. "
                + (output.Length > 0 ? $"Its last output:\n{output}" : states.Of(name).Note)
        );
    }
}
