using System.Diagnostics;
using Hive.Common.Doors;

namespace Hive.Tests.Doors;

/// <summary>Tests the share of one socket in the threads that serve all of them.</summary>
public sealed class ThreadTimeTests
{
    [Fact]
    public async Task Connections_of_one_socket_continue_one_at_a_time()
    {
        var share = new ThreadTime();
        var (running, turns) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(Take)).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(500, turns);

        async Task Take(int _)
        {
            for (var turn = 0; turn < 10; turn++)
            {
                await share.Next();
                Assert.Equal(1, Interlocked.Increment(ref running));
                turns++;
                Interlocked.Decrement(ref running);
            }
        }
    }

    [Fact]
    public void A_share_is_used_up_by_long_commands_only()
    {
        var share = new ThreadTime();
        Assert.False(share.IsUsedUp);
        // A minute, which is longer ago than any pause of this test.
        share.Used(Stopwatch.GetTimestamp() - (60 * Stopwatch.Frequency));
        Assert.True(share.IsUsedUp);
    }
}
