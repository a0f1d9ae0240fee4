using Hive.Common.Errors;
using Hive.Runtimes;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Tests how long the result of a runtime's trial is used.</summary>
public sealed class KeptTrialTests
{
    private readonly ManualClock clock = new(DateTimeOffset.UnixEpoch);
    private Fault? result;
    private bool isLess;
    private int runs;

    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(false, true, 2)]
    [InlineData(true, false, 2)]
    public async Task Only_a_full_success_is_kept_for_longer_than_a_minute(bool fails, bool less, int expected)
    {
        (result, isLess) = (fails ? new Fault("missing") : null, less);
        var trial = new KeptTrial(Run, clock, () => isLess);
        Assert.Equal(result, await trial.FindFault(TestContext.Current.CancellationToken));
        clock.Advance(TimeSpan.FromSeconds(59));
        await trial.FindFault(TestContext.Current.CancellationToken);
        Assert.Equal(1, runs);
        clock.Advance(TimeSpan.FromSeconds(1));
        await trial.FindFault(TestContext.Current.CancellationToken);
        Assert.Equal(expected, runs);
    }

    private Task<Fault?> Run()
    {
        runs++;
        return Task.FromResult(result);
    }
}
