using Hive.Tests.Fixture;

namespace Hive.Tests.Crash;

/// <summary>A host that kills itself at its steps, for all tests of a class. It is started again after each kill, on
/// the same folders.</summary>
public sealed class SteppedHost : IAsyncDisposable
{
    // More steps than any operation has.
    private const int MostSteps = 60;

    private readonly ChildHost host = new("process");

    /// <summary>Kills a host at the steps of an operation: in the first ring at those that are given, in the long ring
    /// at each one, until the operation ends without a kill.</summary>
    /// <param name="first">The steps of the first ring.</param>
    /// <param name="killedAt">Runs the operation and kills the host at a step; false when it ended before that
    /// step.</param>
    /// <returns>The last step at which the host was killed.</returns>
    public static async Task<int> AtSteps(int[] first, Func<int, Task<bool>> killedAt)
    {
        if (!Ring.IsLong)
        {
            foreach (var at in first)
                Assert.True(await killedAt(at), $"the operation ended before its step {at}");
            return first[^1];
        }

        var step = 1;
        for (; await killedAt(step); step++)
            Assert.True(step < MostSteps, "the operation does not end");
        return step - 1;
    }

    /// <summary>The host, which is started if it does not run, and does not kill itself before it is told
    /// again.</summary>
    internal async Task<ChildHost> Running()
    {
        if (host.Ended.IsCompleted)
            await host.RunSteps();
        else
            await host.DieAt("none", 0);
        return host;
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
