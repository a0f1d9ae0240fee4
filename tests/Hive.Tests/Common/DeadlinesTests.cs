using Hive.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

/// <summary>Deadlines by any key.</summary>
public sealed class DeadlinesTests
{
    [Fact]
    public async Task Due_keys_are_taken_once_with_the_earliest_deadline_first()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        using var deadlines = new Deadlines<string>(clock);
        deadlines.Add("late", TimeSpan.FromSeconds(3));
        deadlines.Add("early", TimeSpan.FromSeconds(1));
        deadlines.Add("overdue", TimeSpan.FromSeconds(-1));
        deadlines.Add("withdrawn", TimeSpan.FromSeconds(1));
        deadlines.Remove("withdrawn");
        deadlines.Remove("unknown");
        Assert.Equal(["overdue"], deadlines.TakeDue(10));
        clock.Advance(TimeSpan.FromSeconds(3));
        await deadlines.WaitForDue(TestContext.Current.CancellationToken);
        Assert.Equal(["early"], deadlines.TakeDue(1));
        Assert.Equal(["late"], deadlines.TakeDue(10));
        Assert.Empty(deadlines.TakeDue(10));
    }

    [Fact]
    public async Task A_deadline_that_is_further_off_than_a_timer_reaches_is_kept()
    {
        using var unreached = new Deadlines<string>(TimeProvider.System);
        unreached.Add("far", TimeSpan.FromDays(100));
        unreached.Add("never", TimeSpan.MaxValue);
        Assert.Empty(unreached.TakeDue(10));
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        using var deadlines = new Deadlines<string>(clock);
        deadlines.Add("far", TimeSpan.FromDays(100));
        for (var day = 0; day < 100; day++)
        {
            Assert.Empty(deadlines.TakeDue(10));
            clock.Advance(TimeSpan.FromDays(1));
            await deadlines.WaitForDue(TestContext.Current.CancellationToken);
        }

        Assert.Equal(["far"], deadlines.TakeDue(10));
    }

    [Fact]
    public void A_key_keeps_its_first_deadline()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        using var deadlines = new Deadlines<(long Task, int Run)>(clock);
        deadlines.Add((1, 1), TimeSpan.FromSeconds(5));
        deadlines.Add((1, 1), TimeSpan.Zero);
        deadlines.Add((1, 2), TimeSpan.Zero);
        Assert.Equal([(1, 2)], deadlines.TakeDue(10));
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([(1, 1)], deadlines.TakeDue(10));
    }
}
