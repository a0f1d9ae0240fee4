using Hive.Common.Linux;
using Hive.Runtimes;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

/// <summary>Tests that the namespaces and filters of a thread that starts an agent stay with it. A thread of the pool
/// that inherits them would pass them on to all threads that it creates.</summary>
public sealed class OwnThreadTests
{
    // unshare(2).
    private const int NewMounts = 0x20000;

    private static string? Here => new FileInfo("/proc/thread-self/ns/mnt").LinkTarget;

    [Fact]
    public async Task A_start_is_completed_by_a_thread_that_it_has_not_changed()
    {
        Requires.That(Environment.IsPrivilegedProcess, "creating a mount namespace needs root");
        var own = Here;
        using var attached = new ManualResetEventSlim();
        var start = OwnThread.Run(
            () =>
            {
                attached.Wait();
                return Change();
            },
            "test"
        );
        var completed = start.ContinueWith(
            done => (done.Result, Thread.CurrentThread.IsThreadPoolThread ? "the pool" : Here),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
        attached.Set();
        var (changed, completing) = await completed;
        Assert.NotEqual(own, changed);
        Assert.Equal(own, completing);
    }

    [Fact]
    public async Task Only_the_program_of_a_trial_has_its_namespaces()
    {
        Requires.That(Environment.IsPrivilegedProcess, "creating a mount namespace needs root");
        var own = Here;
        var launch = new Launch(["sh", "-c", "readlink /proc/self/ns/mnt >&2"], Launch.PathAlone, "/")
        {
            Confine = () => Change(),
        };
        var ((_, error), reader) = await Trial
            .Run(launch)
            .ContinueWith(
                done => (done.Result, Here),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
        Assert.StartsWith("mnt:", error, StringComparison.Ordinal);
        Assert.NotEqual(own, error);
        Assert.Equal(own, reader);
    }

    private static string? Change()
    {
        Assert.Equal(0, LibC.Unshare(NewMounts));
        return Here;
    }
}
